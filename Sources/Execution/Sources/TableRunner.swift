import Dataflow

/// Fills a broadcast table from its source: first whole, then, while the source lives, update by
/// update.
///
/// The first version is published when the source has nothing more at hand, later ones after each
/// read. A version takes effect between two chunk numbers; rows that were rejected on the way to it
/// get the number before, so that no checkpoint stands between the two.
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
    /// Rejected rows that an earlier run handed on, which did not come to load the table.
    private var handedOn = 0
    private(set) var hasEnded = false
    private(set) var counters = SourceCounters()

    /// Rows that wait for a number; the worker that takes them counts them.
    private struct Rejected {
        let rows: Batch
        /// What takes effect with them, and where the source stands behind them; before the table
        /// is loaded, neither.
        var version: (any TableVersion)?
        var position: SourcePosition?
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
            }
            return .progressed
        }
        guard !hasEnded else { return .idle }
        if core.sequencer.isStopping { return leave() }
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
            return leave()
        }
    }

    /// Begins with the rows that a checkpoint kept; gives them as a version.
    func restore(_ encoded: [UInt8]) throws -> any TableVersion {
        try builder.restore(encoded)
        isLoaded = true
        return builder.version()
    }

    /// Begins to load the table again: its first `count` rejected rows were handed on already.
    func passOver(rejected count: Int) { handedOn = count }

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
        while let batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) {
            counters.rows += batch.count
            try builder.add(batch, rejects: &rejects)
        }
        if !rejects.isEmpty {
            try reject(rejects.take(), changesTable: true)
        } else if isLoaded {
            try publish()
        }
    }

    private func reject(_ rows: Batch, changesTable: Bool) throws {
        if isLoaded {
            rejected = Rejected(
                rows: rows, version: changesTable ? builder.version() : nil,
                position: try source.position)
            return
        }
        let known = min(handedOn, rows.count)
        handedOn -= known
        guard known < rows.count else { return }
        rejected = Rejected(rows: rows.selecting(Selection(Array(known..<rows.count))))
    }

    private func publish() throws {
        let position = try source.position
        core.sequencer.setTable(table, to: builder.version(), from: index, at: position)
        isLoaded = true
    }
}
