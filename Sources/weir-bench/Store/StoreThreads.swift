import Dispatch
import Storage

/// Background jobs of a store on threads of their own: one for each kind, so that a flush never
/// waits for a merge.
struct StoreThreads: BackgroundExecutor {
    private let flushes = DispatchQueue(label: "flush")
    private let merges = DispatchQueue(label: "merge")

    func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
        switch kind {
        case .flush: flushes.async(execute: job)
        case .merge: merges.async(execute: job)
        }
    }

    func wait(_ waker: Waker, microseconds: Int) { waker.wait(microseconds: microseconds) }
}
