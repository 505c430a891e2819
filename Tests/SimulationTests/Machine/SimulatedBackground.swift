import Execution
import Storage
import Synchronization

/// The work beside the data path, done when the simulator says so.
///
/// Jobs of a kind are done in the order in which they came, as by the engine's threads.
final class SimulatedBackground: BackgroundWork, @unchecked Sendable {
    // Sendable: a simulation has one thread.
    private var waiting: [(kind: BackgroundJob, job: @Sendable () -> Void)] = []
    /// Lets others go on while a part waits for a job; called again and again.
    var whileWaiting: () -> Void = {}

    func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
        waiting.append((kind, job))
    }

    func wait(_ waker: Waker, microseconds: Int) { whileWaiting() }

    func finish() {
        while runAny() {}
    }

    /// Does a job of the first kind that has one; says whether there was any.
    @discardableResult
    func runAny() -> Bool { BackgroundJob.allCases.contains { runOne($0) } }

    /// Does the job of a kind that waits longest; says whether there was one.
    @discardableResult
    func runOne(_ kind: BackgroundJob) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.kind == kind }) else { return false }
        waiting.remove(at: index).job()
        return true
    }
}
