import Dataflow
import Storage

/// `dedup` with `keep: last`: holds the newest row of each key, and releases it when its bucket is
/// sealed.
///
/// Rows are held as flat bytes beside their keys. A bucket is sealed when the watermark reaches its
/// end; what comes for it later is late. Released rows leave by bucket, then in the order of their
/// arrival, or where they are themselves results of a step, by the hash of their key. The step's
/// own watermark stays at the start of the oldest bucket that may hold rows, and so does that of
/// the released rows: it depends on the input's watermark alone, not on which keys this worker has.
final class LastRowDedup: Operator {
    private let step: DedupStep
    private let rejection: RowRejection
    private let splitter: BucketSplitter
    private let encoder: KeyEncoder
    private let codec: RowCodec
    private let state: BucketedState
    /// Buckets that still hold rows.
    private var open: Set<Int64> = []
    private(set) var counters = StepCounters()

    /// Keys that are remembered.
    var keyCount: Int { state.count }

    init(_ step: DedupStep, _ context: StepContext) {
        self.step = step
        rejection = RowRejection(
            step: context.step, sources: context.sources, schema: step.input)
        let hasText = step.version.map { step.input.fields[$0].type.isText } ?? false
        state = BucketedState(
            valueWidth: HeldRow.byteCount, references: HeldRow.references(hasText: hasText),
            name: context.step, store: context.store)
        splitter = BucketSplitter(size: step.bucketSize)
        encoder = KeyEncoder(columns: step.key)
        codec = RowCodec(types: step.input.fields.map(\.type))
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) throws {
        guard let time = step.input.eventTime, let mark = step.input.watermark else { return }
        counters.received += batch.count
        var parts = splitter.split(
            batch.selection, times: batch.columns[time], watermarks: batch.columns[mark],
            retain: 0)
        if !parts.late.isEmpty {
            counters.late += parts.late.count
            output.emit(batch.selecting(parts.late), to: .late)
        }
        let keys = encoder.encode(batch.selecting(parts.onTime))
        if !keys.refused.isEmpty {
            let refused = RowFailures(refusedBy: keys)
            counters.errors += refused.count
            output.emit(rejection.rows(refused, of: batch, at: chunk), to: .errors)
            parts = parts.excluding(refused)
        }
        let entries = Slab(byteCount: keys.rowCount * 4)
        let arrival = Arrival(
            batch: batch, watermarks: batch.columns[mark], chunk: chunk.number,
            ordinals: step.input.ordinal.map { batch.columns[$0] }, keys: keys)
        for (start, rows) in parts.runs where !rows.isEmpty {
            try hold(rows, of: arrival, bucket: start, keys, entries)
        }
    }

    /// Holds the rows of one bucket, or lets them replace what is held under their keys.
    private func hold(
        _ rows: Selection, of arrival: Arrival, bucket start: Int64, _ keys: EncodedKeys,
        _ entries: Slab
    ) throws {
        var rest = rows
        for other in step.neighbours(of: start, among: state.buckets) {
            let missing = try state.missing(other, keys, among: rest, found: entries)
            let known = rest.removing(missing)
            guard !known.isEmpty, let table = state.existing(other) else {
                try state.balance(other)
                continue
            }
            replace(known, of: arrival, in: table, sealedAt: splitter.end(of: other), entries)
            rest = missing
            try state.balance(other)
        }
        guard !rest.isEmpty else { return }
        open.insert(start)
        let table = try state.getOrInsert(start, keys, rows: rest, into: entries)
        replace(rest, of: arrival, in: table, sealedAt: splitter.end(of: start), entries)
        try state.balance(start)
    }

    private func replace(
        _ rows: Selection, of arrival: Arrival, in table: HotTable, sealedAt end: Int64,
        _ entries: Slab
    ) {
        rows.forEach { row in
            let isNew = entries.word(row) & HotTable.isNewMark != 0
            let entry = entries.word(row) & ~HotTable.isNewMark
            var held = HeldRow(entry, in: table)
            if isNew {
                counters.held += 1
            } else {
                counters.duplicate += 1
                // The seal is where the row's own watermark sees it, wherever chunks end.
                let isSealed = arrival.watermarks.int64(at: row) >= end
                guard !isSealed, isNewer(row, of: arrival, than: held, in: table) else { return }
            }
            held.version = version(of: row, arrival, replacing: held.version, in: table)
            held.position = arrival.position(of: row)
            let bytes = codec.encode(arrival.batch.columns, row: row)
            held.row = table.store(bytes, replacing: held.row)
            held.write(entry, in: table)
        }
    }

    /// Whether a row replaces the one held: by version, a null one least; then by arrival.
    private func isNewer(
        _ row: Int, of arrival: Arrival, than held: HeldRow, in table: HotTable
    ) -> Bool {
        guard let version = step.version else { return true }
        let column = arrival.batch.columns[version]
        guard column.type.isText else { return column.orderedWord(at: row) >= held.version }
        guard held.version != 0 else { return true }
        guard column.isValid(row) else { return false }
        var arena = TextArena()
        let known = table.text(UInt32(truncatingIfNeeded: held.version), into: &arena)
        return column.text(at: row).compare(to: known) >= 0
    }

    /// What `HeldRow.version` says of a row: a word in the order of versions, or the reference of
    /// stored text.
    private func version(
        of row: Int, _ arrival: Arrival, replacing old: UInt64, in table: HotTable
    ) -> UInt64 {
        guard let version = step.version else { return 0 }
        let column = arrival.batch.columns[version]
        guard column.type.isText else { return column.orderedWord(at: row) }
        guard column.isValid(row) else { return 0 }
        return column.text(at: row).withBytes { bytes in
            UInt64(table.store(bytes, replacing: UInt32(truncatingIfNeeded: old)))
        }
    }

    func advance(to watermark: Int64, at chunk: Chunk, into output: inout Emitter) throws -> Int64 {
        for start in state.buckets {
            let end = splitter.end(of: start)
            if end <= watermark && open.contains(start) { try release(start, into: &output) }
            // Behind its seal a bucket is asked by rows of the buckets in reach.
            if EventTime.advanced(end, by: step.reach) <= watermark { try state.drop(start) }
        }
        return oldest(splitter.start(of: watermark))
    }

    /// The least event time of rows that a bucket which starts at `start` may hold: where a key is
    /// unique over several buckets, a row of an earlier one may have replaced another.
    private func oldest(_ start: Int64) -> Int64 { EventTime.delayed(start, by: step.reach) }

    func finish(at chunk: Chunk, into output: inout Emitter) throws {
        for start in open.sorted() { try release(start, into: &output) }
    }

    /// Its own part are the starts of the buckets that still hold rows.
    func snapshot() throws -> OperatorSnapshot {
        var own = ByteWriter()
        own.append(count: open.count)
        for start in open.sorted() { own.append(start) }
        return OperatorSnapshot(families: state.snapshot(), own: own.bytes)
    }

    func restore(_ snapshots: [OperatorSnapshot]) throws {
        try state.restore(snapshots)
        for snapshot in snapshots {
            var reader = ByteReader(snapshot.own)
            let starts = try reader.list { reader throws(ByteReader.Damage) in
                try reader.integer(Int64.self)
            }
            // A bucket may have been another worker's alone.
            open.formUnion(starts.filter { state.buckets.contains($0) })
        }
    }

    private func release(_ start: Int64, into output: inout Emitter) throws {
        open.remove(start)
        guard let table = try state.load(start) else { return }
        let held = table.sortedEntries().map { HeldRow($0, in: table) }
            .sorted { $0.position < $1.position }
        var columns = codec.decode(held.map(\.row), in: table)
        if let mark = step.input.watermark {
            columns[mark] = Column(int64s: held.map { _ in oldest(start) })
        }
        if let ordinal = step.input.ordinal {
            columns[ordinal] = Column(int64s: held.map(\.position))
        }
        counters.held -= held.count
        counters.passed += held.count
        output.emit(Batch(columns: columns, count: held.count))
        try state.balance(start)
    }
}

/// Rows as they come in.
private struct Arrival {
    let batch: Batch
    let watermarks: Column
    let chunk: Int
    let ordinals: Column?
    let keys: EncodedKeys

    /// The ordinal with which a row is released.
    func position(of row: Int) -> Int64 {
        let ordinal = ordinals?.int64(at: row) ?? Int64(row)
        guard DerivedOrdinal.isDerived(ordinal) else {
            return DerivedOrdinal.of(chunk: chunk, place: ordinal)
        }
        return DerivedOrdinal.of(hash: keys.hash(row))
    }
}

/// The value under a key: which row is held.
private struct HeldRow {
    /// Where the row's bytes are stored; 0 for none.
    var row: UInt32
    var version: UInt64
    var position: Int64

    static let byteCount = 24

    /// Where a held row refers to stored bytes.
    static func references(hasText: Bool) -> [Int] { hasText ? [0, 8] : [0] }

    init(_ entry: UInt32, in table: HotTable) {
        row = UInt32(truncatingIfNeeded: table.word(of: entry, at: 0))
        version = table.word(of: entry, at: 8)
        position = Int64(bitPattern: table.word(of: entry, at: 16))
    }

    func write(_ entry: UInt32, in table: HotTable) {
        table.setWord(of: entry, at: 0, to: UInt64(row))
        table.setWord(of: entry, at: 8, to: version)
        table.setWord(of: entry, at: 16, to: UInt64(bitPattern: position))
    }
}
