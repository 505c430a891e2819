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
    /// Nil for a source that never idles: a bounded one, or one without event time.
    private var idleness: IdleTracker?
    private(set) var hasEnded = false

    init(_ index: Int, source: any Source, core: EngineCore) {
        self.index = index
        self.source = source
        self.core = core
        node = core.topology.plan.sources[index]
        if let watermark = node.watermark, !source.isBounded {
            idleness = IdleTracker(
                timeout: watermark.idleTimeout * 1000,
                isPartitioned: watermark.scope == .partition,
                now: core.clock.monotonicNanoseconds())
        }
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
        case .wait:
            idleness?.pause(now: core.clock.monotonicNanoseconds())
            return .blocked
        case .stopped:
            offered = nil
            hasEnded = true
            return .idle
        }
    }

    private func read(waitMilliseconds: Int) throws {
        let byteCount = core.topology.plan.settings.chunkBytes
        let result = try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
        let now = core.clock.monotonicNanoseconds()
        switch result {
        case .chunk(let raw):
            let events = idleness?.note(raw, now: now) ?? []
            offered = .records(events.isEmpty ? raw : raw.preceded(by: events))
        case .rejected(let records):
            idleness?.pause(now: now)
            offered = .rejected(RejectedRows.batch(of: records, source: node.name))
        case .end: offered = .end
        case .held: idleness?.pause(now: now)
        case .nothing:
            let events = idleness?.due(now: now) ?? []
            if !events.isEmpty { offered = .records(RawChunk(events: events)) }
            if core.sequencer.isStopping { hasEnded = true }
        }
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
    /// The chunk with changes of partitions before its own.
    fileprivate func preceded(by changes: [PartitionEvent]) -> RawChunk {
        RawChunk(
            slab: slab, range: range, place: place, partition: partition,
            events: changes + events)
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
