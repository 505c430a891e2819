package import Storage
import Synchronization

/// Work beside the engine's threads, which waits and blocks as they may not: on a thread of its
/// own, or when a simulator says so.
package protocol SideWork: AnyObject, Sendable {
    /// Does steps, until one says that it was the last; called once.
    func start(_ step: @escaping @Sendable () -> Bool)

    /// Waits for a wake, at most so long; in the work, or for it. False where nothing will ever
    /// come of it, and whoever waits is to give up.
    @discardableResult
    func wait(for waker: Waker, milliseconds: Int) -> Bool

    /// Waits for its end; called once.
    func join()
}

/// Work on a thread of its own.
package final class ThreadWork: SideWork {
    private let thread = Mutex<OwnThread?>(nil)

    package init() {}

    package func start(_ step: @escaping @Sendable () -> Bool) {
        let started = OwnThread { while step() {} }
        thread.withLock { $0 = started }
    }

    package func wait(for waker: Waker, milliseconds: Int) -> Bool {
        waker.wait(milliseconds: milliseconds)
        return true
    }

    package func join() {
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        started?.join()
    }
}
