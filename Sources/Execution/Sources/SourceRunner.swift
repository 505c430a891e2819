import Dataflow

/// Pulls one source and offers what it reads to the sequencer; stepped by the source's own thread.
///
/// Holds at most one chunk that has no number yet. When the run is stopped it reads nothing more,
/// but what it has read still gets its number. Tells of partitions that are idle.
final class SourceRunner: InputRunner {
    let index: Int
    let source: any Source
    let parker = Parker()
    private let core: EngineCore
    private let node: Plan.SourceNode
    private var offered: Chunk.Content?
    /// Where the source stands behind it.
    private var position: SourcePosition?
    private var idleness: Idleness?
    private(set) var hasEnded = false

    init(_ index: Int, source: any Source, core: EngineCore) {
        self.index = index
        self.source = source
        self.core = core
        node = core.topology.plan.sources[index]
        if let watermark = node.watermark, !source.isBounded {
            idleness = Idleness(watermark, now: core.clock.monotonicNanoseconds())
        }
    }

    /// Partitions that were there at the checkpoint from which the run goes on, and of which the
    /// source need not tell again.
    func expect(_ partitions: [Int]) {
        idleness?.expect(partitions, now: core.clock.monotonicNanoseconds())
    }

    /// Reads once, or offers again what found no ticket. `waitMilliseconds` is how long a read may
    /// wait.
    func step(waitMilliseconds: Int) throws -> Progress {
        guard !hasEnded else { return .idle }
        if offered == nil {
            switch core.sequencer.permission(of: index, waking: parker) {
            case .read: try read(waitMilliseconds: waitMilliseconds)
            case .wait: return .blocked
            case .leave: return leave()
            }
        }
        guard let content = offered else { return .idle }
        switch core.sequencer.offer(content, at: position, from: index, waking: parker) {
        case .numbered:
            offered = nil
            if case .end = content { hasEnded = true }
            return .progressed
        case .wait: return .blocked
        case .leave: return leave()
        }
    }

    private func leave() -> Progress {
        hasEnded = true
        core.sequencer.leave(index)
        return .progressed
    }

    /// Takes what is there now; only when that is nothing, waits for more.
    private func read(waitMilliseconds: Int) throws {
        if try !take(waitMilliseconds: 0) && waitMilliseconds > 0 {
            _ = try take(waitMilliseconds: waitMilliseconds)
        }
    }

    /// Reads, and says whether there is something to offer.
    private func take(waitMilliseconds: Int) throws -> Bool {
        let byteCount = core.topology.plan.settings.chunkBytes
        let result = try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
        switch result {
        case .chunk(let raw):
            let now = core.clock.monotonicNanoseconds()
            offered = .records(idleness?.note(raw, now: now) ?? raw)
        case .rejected(let records):
            offered = .rejected(RejectedRows.batch(of: records, source: node.name))
        case .end: offered = .end
        case .held: idleness?.postpone(now: core.clock.monotonicNanoseconds())
        case .nothing:
            let events = idleness?.noteNothing(now: core.clock.monotonicNanoseconds()) ?? []
            if !events.isEmpty { offered = .records(RawChunk(events: events)) }
        }
        if offered != nil && core.keepsPositions { position = try source.position }
        return offered != nil
    }
}

/// What the engine drives on an input's thread: a source of rows, or one of a table.
protocol InputRunner: AnyObject {
    var source: any Source { get }
    var parker: Parker { get }
    var hasEnded: Bool { get }
    func step(waitMilliseconds: Int) throws -> Progress
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
