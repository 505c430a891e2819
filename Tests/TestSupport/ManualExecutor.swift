package import Storage
import Synchronization

/// Runs background jobs when the test says so, or when the store cannot go on without.
package final class ManualExecutor: BackgroundExecutor {
    private let waiting = Mutex<[(kind: BackgroundJob, job: @Sendable () -> Void)]>([])

    package init() {}

    /// Jobs that have not run.
    package var count: Int { waiting.withLock { $0.count } }

    package func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append((kind, job)) }
    }

    package func wait(_ waker: Waker, microseconds: Int) {
        _ = BackgroundJob.allCases.contains { runOne($0) }
    }

    /// Runs the job of a kind that waits longest; says whether there was one.
    @discardableResult
    package func runOne(_ kind: BackgroundJob) -> Bool {
        let next = waiting.withLock { waiting -> (@Sendable () -> Void)? in
            guard let index = waiting.firstIndex(where: { $0.kind == kind }) else { return nil }
            return waiting.remove(at: index).job
        }
        next?()
        return next != nil
    }
}
