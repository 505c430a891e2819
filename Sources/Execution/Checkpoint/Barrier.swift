import Dataflow
import Storage
import Synchronization

/// A place between two chunk numbers at which the whole pipeline is noted: everything before it is
/// in the checkpoint, and nothing behind it.
///
/// It travels with the tickets. Every task and every sink adds its part when it has done all that
/// stands before the barrier; nobody waits for anybody else.
final class Barrier: Sendable {
    /// What a task's steps held.
    struct StepPart: Sendable {
        let step: Int
        let worker: Int
        let snapshot: OperatorSnapshot
        let counters: StepCounters
    }

    /// Everything that was noted.
    struct Parts: Sendable {
        var missing: Int
        var steps: [StepPart] = []
        /// By source.
        var sourceCounters: [Int: SourceCounters] = [:]
        /// By source.
        var trackers: [Int: WatermarkTracker] = [:]
        /// By sink.
        var sinks: [Int: (staged: StagedOutput, rows: Int)] = [:]
        /// Why state could not be written.
        var failure: StorageError?
        /// How long each task was held up, in nanoseconds.
        var pauses: [Int64] = []
    }

    let epoch: Int
    /// Where the sources stood, and the number of the chunk behind it.
    let positions: Sequencer.Positions
    private let parts: Mutex<Parts>
    private let onComplete: @Sendable () -> Void

    /// A barrier that is complete with `partCount` parts.
    init(
        epoch: Int, positions: Sequencer.Positions, partCount: Int,
        onComplete: @escaping @Sendable () -> Void
    ) {
        self.epoch = epoch
        self.positions = positions
        self.onComplete = onComplete
        parts = Mutex(Parts(missing: partCount))
    }

    /// Adds one part.
    func add(_ body: (inout Parts) -> Void) {
        let isLast = parts.withLock { parts in
            body(&parts)
            parts.missing -= 1
            return parts.missing == 0
        }
        if isLast { onComplete() }
    }

    /// All parts, once they are there.
    var complete: Parts? { parts.withLock { $0.missing == 0 ? $0 : nil } }
}

/// What comes to a task or sink in the order of the world.
enum Mark: Sendable {
    case chunk(Ticket)
    case barrier(Barrier)
}
