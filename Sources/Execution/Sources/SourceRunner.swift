import Dataflow

/// Pulls one source and offers what it reads to the sequencer; stepped by the source's own thread.
///
/// Holds at most one chunk that has no number yet. Tells of idleness: a source that finds nothing
/// for its `idle_timeout` is idle until it finds something; waiting for a ticket is not idleness.
final class SourceRunner: InputRunner {
    let index: Int
    let source: any Source
    let parker = Parker()
    private let core: EngineCore
    private let node: Plan.SourceNode
    private var offered: Chunk.Content?
    private var emptySince: Int64?
    private var isIdle = false
    private(set) var hasEnded = false

    init(_ index: Int, source: any Source, core: EngineCore) {
        self.index = index
        self.source = source
        self.core = core
        node = core.topology.plan.sources[index]
    }

    /// Reads once, or offers again what found no ticket. `waitMilliseconds` is how long a read may
    /// wait.
    func step(waitMilliseconds: Int) throws -> Progress {
        guard !hasEnded else { return .idle }
        if offered == nil { try read(waitMilliseconds: waitMilliseconds) }
        guard let content = offered else { return .idle }
        switch core.sequencer.offer(content, from: index, waking: parker) {
        case .numbered:
            offered = nil
            if case .end = content { hasEnded = true }
            return .progressed
        case .wait: return .blocked
        case .stopped:
            offered = nil
            hasEnded = true
            return .idle
        }
    }

    private func read(waitMilliseconds: Int) throws {
        let byteCount = core.topology.plan.settings.chunkBytes
        switch try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds) {
        case .chunk(let raw):
            offered = .records(isIdle ? raw.preceded(by: .active(raw.partition)) : raw)
            emptySince = nil
            isIdle = false
        case .rejected(let records):
            offered = .rejected(RejectedRows.batch(of: records, source: node.name))
            emptySince = nil
        case .end: offered = .end
        case .nothing: noteNothing()
        }
    }

    private func noteNothing() {
        guard let watermark = node.watermark, !source.isBounded, !isIdle else { return }
        let now = core.clock.monotonicNanoseconds()
        guard let since = emptySince else {
            emptySince = now
            return
        }
        guard now - since >= watermark.idleTimeout * 1000 else { return }
        isIdle = true
        offered = .records(RawChunk(events: [.idle(0)]))
    }
}

/// What the engine drives on an input's thread: a source of rows, or one of a table.
protocol InputRunner: AnyObject {
    var source: any Source { get }
    var parker: Parker { get }
    var hasEnded: Bool { get }
    func step(waitMilliseconds: Int) throws -> Progress
}

extension RawChunk {
    /// The chunk with a change of its partition before it.
    fileprivate func preceded(by event: PartitionEvent) -> RawChunk {
        RawChunk(
            slab: slab, range: range, place: place, partition: partition, events: [event] + events)
    }
}

extension RejectedRows {
    /// Error rows of records that never became rows.
    static func batch(of records: [RejectedRecord], source: String) -> Batch {
        var rows = RejectedRows()
        for record in records {
            rows.add(
                error: record.error, step: source, source: source,
                position: record.place.description, bytes: record.raw)
        }
        return rows.take()
    }
}
