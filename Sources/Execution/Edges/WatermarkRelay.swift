import Dataflow
import Storage
import Synchronization

/// Hands a source's watermark from chunk to chunk, in the order of their numbers, across workers.
///
/// The worker that decodes chunk n stamps its rows only when the one with chunk n − 1 has passed
/// the watermark on.
final class WatermarkRelay: Sendable {
    private struct State {
        var next = 0
        var tracker: WatermarkTracker
        var waiting: [(sequence: Int, parker: Parker)] = []
        /// Who wants to know how the watermark stands before a chunk.
        var askers: [(sequence: Int, body: @Sendable (WatermarkTracker) -> Void)] = []
    }

    private let state: Mutex<State>

    init(_ strategy: WatermarkStrategy) {
        state = Mutex(State(tracker: WatermarkTracker(strategy)))
    }

    /// Goes on from where a checkpoint stood; gives the partitions that may go on. Of a source that
    /// begins anew none does: its connections, say, ended with their run.
    func restore(
        _ encoded: [UInt8], next sequence: Int, beginsAnew: Bool
    ) throws -> [Int] {
        var reader = ByteReader(encoded)
        let partitions = try state.withLock { state in
            try state.tracker.restore(from: &reader)
            state.next = sequence
            if beginsAnew { state.tracker.finishAll() }
            return state.tracker.openPartitions
        }
        try reader.finish()
        return partitions
    }

    /// Calls `body` with the watermark as it stands before chunk `sequence`, now or later.
    func whenPassed(to sequence: Int, _ body: @escaping @Sendable (WatermarkTracker) -> Void) {
        let tracker = state.withLock { state -> WatermarkTracker? in
            if state.next >= sequence { return state.tracker }
            state.askers.append((sequence, body))
            return nil
        }
        if let tracker { body(tracker) }
    }

    /// The watermark as it stands before chunk `sequence`, or nil if an earlier chunk still has it;
    /// then `parker` is woken when it is there.
    func take(_ sequence: Int, waking parker: Parker) -> WatermarkTracker? {
        state.withLock { state in
            if state.next == sequence { return state.tracker }
            state.waiting.append((sequence, parker))
            return nil
        }
    }

    /// Passes the watermark on to the next chunk.
    func pass(_ tracker: WatermarkTracker) {
        let (woken, asked) = state.withLock { state in
            state.tracker = tracker
            state.next += 1
            let next = state.next
            let woken = state.waiting.filter { $0.sequence <= next }
            state.waiting.removeAll { $0.sequence <= next }
            let asked = state.askers.filter { $0.sequence <= next }
            state.askers.removeAll { $0.sequence <= next }
            return (woken.map(\.parker), asked)
        }
        for parker in woken { parker.wake() }
        for asker in asked { asker.body(tracker) }
    }

    /// The watermark behind the chunks passed so far.
    var watermark: Int64 { state.withLock { $0.tracker.watermark } }
}
