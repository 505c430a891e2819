import Dataflow

/// Fills a broadcast table from its source: first whole, then, while the source lives, update by
/// update.
///
/// The first version is published when the source has nothing more at hand, later ones after each
/// read. A version takes effect between two chunk numbers.
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
    /// Waits for a number; the worker that takes it counts it.
    private var rejected: Batch?
    private(set) var hasEnded = false
    private(set) var counters = SourceCounters()

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
        if let rows = rejected {
            switch core.sequencer.offer(.rejected(rows), from: index, waking: parker) {
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
            if isLoaded { try publish() }
            return .progressed
        case .rejected(let records):
            rejected = RejectedRows.batch(of: records, source: node.name)
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
        if !rejects.isEmpty { rejected = rejects.take() }
    }

    private func publish() throws {
        let position = try source.position
        core.sequencer.setTable(table, to: builder.version(), from: index, at: position)
        isLoaded = true
    }
}
