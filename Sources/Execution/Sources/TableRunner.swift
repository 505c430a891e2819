import Dataflow

/// Fills a broadcast table from its source: first whole, then, while the source lives, update by
/// update.
///
/// The first version is published when the source has nothing more at hand, later ones after each
/// read. A version takes effect between two chunk numbers. Rows that were rejected on the way to
/// the first one wait until all tables are loaded, as those of other sources do, and get their
/// number before any of these; a checkpoint before that has the table as one that is not loaded.
/// Rows that were rejected on the way to a later version get the number before it, so that no
/// checkpoint stands between the two.
final class TableRunner: InputRunner {
    let source: any Source
    let parker = Parker()
    private let index: Int
    private let table: Int
    private let core: EngineCore
    private let node: Plan.SourceNode
    private let decoder: any Decoder
    private let builder: any TableBuilder
    private var isLoaded = false
    /// Whether the source keeps to a rate, so that a read must wait.
    private var isHeldBack = false
    private var rejected: Rejected?
    /// Rows that were rejected so far, while the table is loaded.
    private var held: [Batch] = []
    /// Whether its source has nothing more.
    private var isAtEnd = false
    private(set) var hasEnded = false
    private(set) var counters = SourceCounters()

    /// Bytes of rejected rows that are held, at most.
    private static let heldBytesMax = 64 << 20

    /// Rows that wait for a number; the worker that takes them counts them.
    private struct Rejected {
        let rows: Batch
        /// What takes effect with them, if something does.
        var version: (any TableVersion)?
        /// Where the source stands behind them.
        let position: SourcePosition?
    }

    init(_ index: Int, source: any Source, table: Plan.SourceNode.Table, core: EngineCore) {
        self.index = index
        self.table = table.index
        self.source = source
        self.core = core
        node = core.topology.plan.sources[index]
        decoder = node.makeDecoder()
        builder = table.makeBuilder()
    }

    func step(waitMilliseconds: Int) throws -> Progress {
        if let waiting = rejected {
            let answer = core.sequencer.offer(
                .rejected(waiting.rows), at: waiting.position, from: index,
                publishing: waiting.version, waking: parker)
            switch answer {
            case .wait: return .blocked
            case .numbered: rejected = nil
            case .leave:
                // The next run loads the table again, and rejects them again.
                rejected = nil
                return leave()
            }
            return .progressed
        }
        guard !hasEnded else { return .idle }
        if isAtEnd || core.sequencer.isStopping { return leave() }
        let byteCount = core.topology.plan.settings.chunkBytes
        let wait = isLoaded || isHeldBack ? waitMilliseconds : 0
        switch try source.read(byteCount: byteCount, waitMilliseconds: wait) {
        case .chunk(let raw):
            try add(raw)
            return .progressed
        case .rejected(let records):
            try reject(RejectedRows.batch(of: records, source: node.name), changesTable: false)
            return .progressed
        case .held:
            isHeldBack = true
            return .idle
        case .nothing:
            if isLoaded { return .idle }
            try publish()
            return .progressed
        case .end:
            if !isLoaded { try publish() }
            isAtEnd = true
            return .progressed
        }
    }

    /// Begins with the rows that a checkpoint kept; gives them as a version.
    func restore(_ encoded: [UInt8]) throws -> any TableVersion {
        try builder.restore(encoded)
        isLoaded = true
        return builder.version()
    }

    private func leave() -> Progress {
        hasEnded = true
        core.sequencer.leave(index)
        return .progressed
    }

    private func add(_ raw: RawChunk) throws {
        counters.bytes += raw.range.count
        decoder.begin(raw)
        var rejects = RejectedRows()
        let rowsMax = core.topology.plan.settings.batchRows
        var before = 0
        while let batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) {
            counters.rows += batch.count
            try builder.add(batch, rejects: &rejects) { row in
                "\(raw.place) record \(before + row + 1)"
            }
            before += batch.columns.first?.count ?? batch.count
        }
        if !rejects.isEmpty {
            try reject(rejects.take(), changesTable: true)
        } else if isLoaded {
            try publish()
        }
    }

    private func reject(_ rows: Batch, changesTable: Bool) throws {
        guard isLoaded else { return try hold(rows) }
        rejected = Rejected(
            rows: rows, version: changesTable ? builder.version() : nil,
            position: try source.position)
    }

    private func hold(_ rows: Batch) throws {
        // Rows that come one by one would take many times their bytes.
        var rows = rows.owned()
        while let last = held.last, last.count < rows.count * 2 {
            held.removeLast()
            rows = Batch.concatenated([last, rows]).owned()
        }
        held.append(rows)
        let heldBytes = held.reduce(0) { sum, rows in
            rows.columns.reduce(sum) { $0 + $1.byteCount }
        }
        if heldBytes > Self.heldBytesMax {
            throw TooManyRejected(
                table: node.name, count: held.reduce(0) { $0 + $1.count },
                byteCountMax: Self.heldBytesMax,
                first: held[0].columns[0].described(at: 0))
        }
    }

    private func publish() throws {
        let position = try source.position
        isLoaded = true
        guard !held.isEmpty else {
            core.sequencer.setTable(table, to: builder.version(), from: index, at: position)
            return
        }
        core.sequencer.setTable(table, to: builder.version(), awaitingRowsOf: index)
        rejected = Rejected(rows: Batch.concatenated(held), version: nil, position: position)
        held = []
    }
}

/// So much of a table was rejected before it was loaded that it is no such table.
struct TooManyRejected: Error, CustomStringConvertible {
    let table: String
    let count: Int
    let byteCountMax: Int
    /// What was wrong with the first of them.
    let first: String

    var description: String {
        """
        table '\(table)' cannot be loaded: \(count) of its records were rejected, with more than \
        \(byteCountMax) bytes; the first: \(first). Look at the format and the schema of its source
        """
    }
}
