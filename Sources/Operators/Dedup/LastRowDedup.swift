import Dataflow
import Storage

/// `dedup` with `keep: last`: holds the newest row of each key, and releases it when its bucket is
/// sealed.
///
/// Rows are held as flat bytes beside their keys. A bucket is sealed when the watermark reaches its
/// end; what comes for it later is late. Released rows leave in the order of their arrival, with
/// the watermark that stood before them then; the step's own watermark stays before the oldest
/// bucket that holds rows.
final class LastRowDedup: Operator {
    private let step: DedupStep
    private let splitter: BucketSplitter
    private let encoder: KeyEncoder
    private let codec: RowCodec
    private let state = BucketedState(valueWidth: HeldRow.byteCount)
    private var arrivals: UInt64 = 0
    /// Up to here buckets are sealed.
    private var sealedUpTo = EventTime.none
    /// Buckets that still hold rows.
    private var open: Set<Int64> = []
    private(set) var counters = StepCounters()

    init(_ step: DedupStep) {
        self.step = step
        splitter = BucketSplitter(size: step.bucketSize)
        encoder = KeyEncoder(columns: step.key)
        codec = RowCodec(types: step.input.fields.map(\.type))
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) {
        guard let time = step.input.eventTime, let mark = step.input.watermark else { return }
        counters.received += batch.count
        let parts = splitter.split(
            batch.selection, times: batch.columns[time], watermarks: batch.columns[mark],
            retain: 0)
        if !parts.late.isEmpty {
            counters.late += parts.late.count
            output.emit(batch.selecting(parts.late), to: .late)
        }
        let keys = encoder.encode(batch.selecting(parts.onTime))
        let entries = Slab(byteCount: keys.rowCount * 4)
        for (start, rows) in parts.runs {
            hold(rows, of: batch, bucket: start, keys, entries)
        }
    }

    /// Holds the rows of one bucket, or lets them replace what is held under their keys.
    private func hold(
        _ rows: Selection, of batch: Batch, bucket start: Int64, _ keys: EncodedKeys,
        _ entries: Slab
    ) {
        var rest = rows
        if case .window(_, let buckets) = step.scope {
            let reach = Int64(buckets - 1) * step.bucketSize
            for other in state.buckets where other != start && abs(other - start) <= reach {
                guard let table = state.existing(other) else { continue }
                let missing = table.missing(keys, among: rest, found: entries)
                let known = rest.removing(missing)
                replace(known, of: batch, in: table, isSealed: !open.contains(other), entries)
                rest = missing
            }
        }
        guard !rest.isEmpty else { return }
        let table = state.table(start)
        open.insert(start)
        _ = table.getOrInsert(keys, rows: rest.listing, count: rest.count, into: entries)
        replace(rest, of: batch, in: table, isSealed: false, entries)
    }

    private func replace(
        _ rows: Selection, of batch: Batch, in table: HotTable, isSealed: Bool, _ entries: Slab
    ) {
        rows.forEach { row in
            arrivals += 1
            let isNew = entries.word(row) & HotTable.isNewMark != 0
            let entry = entries.word(row) & ~HotTable.isNewMark
            var held = HeldRow(entry, in: table)
            let version = step.version.map { batch.columns[$0].orderedWord(at: row) } ?? arrivals
            if isNew {
                counters.held += 1
            } else {
                counters.duplicate += 1
                guard !isSealed && version >= held.version else { return }
            }
            held.version = version
            held.arrival = arrivals
            let bytes = codec.encode(batch.columns, row: row)
            held.row = table.store(bytes, replacing: held.row)
            held.write(entry, in: table)
        }
    }

    func advance(to watermark: Int64, at chunk: Chunk, into output: inout Emitter) -> Int64 {
        for start in state.buckets {
            let end = start + step.bucketSize
            if end <= watermark && open.contains(start) { release(start, into: &output) }
            if end + step.retain <= watermark || isForgotten(end, watermark) { state.drop(start) }
        }
        sealedUpTo = max(sealedUpTo, watermark)
        return open.min().map { min(watermark, $0) } ?? watermark
    }

    /// In the bucket form everything behind the seal is late, so that keys need not be remembered.
    private func isForgotten(_ end: Int64, _ watermark: Int64) -> Bool {
        if case .bucket = step.scope { return end <= watermark }
        return false
    }

    func finish(at chunk: Chunk, into output: inout Emitter) {
        for start in open.sorted() { release(start, into: &output) }
    }

    private func release(_ start: Int64, into output: inout Emitter) {
        open.remove(start)
        guard let table = state.existing(start) else { return }
        let held = table.sortedEntries().map { HeldRow($0, in: table) }
            .sorted { $0.arrival < $1.arrival }
        let columns = codec.decode(held.map(\.row), in: table)
        counters.held -= held.count
        counters.passed += held.count
        output.emit(Batch(columns: columns, count: held.count))
    }
}

/// The value under a key: which row is held.
private struct HeldRow {
    /// Where the row's bytes are stored; 0 for none.
    var row: UInt32
    var version: UInt64
    var arrival: UInt64

    static let byteCount = 24

    init(_ entry: UInt32, in table: HotTable) {
        row = UInt32(truncatingIfNeeded: table.word(of: entry, at: 0))
        version = table.word(of: entry, at: 8)
        arrival = table.word(of: entry, at: 16)
    }

    func write(_ entry: UInt32, in table: HotTable) {
        table.setWord(of: entry, at: 0, to: UInt64(row))
        table.setWord(of: entry, at: 8, to: version)
        table.setWord(of: entry, at: 16, to: arrival)
    }
}
