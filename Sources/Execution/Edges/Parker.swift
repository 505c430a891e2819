import Dispatch
import Synchronization

/// Lets one thread sleep until another has something for it.
///
/// A wake that comes before the sleep is remembered, once. The sleeper first spins for a moment:
/// waking a sleeping thread costs some 30 µs, and under load the next message is there sooner.
package final class Parker: Sendable {
    private let isNotified = Atomic<Bool>(false)
    private let isAsleep = Atomic<Bool>(false)
    private let semaphore = DispatchSemaphore(value: 0)
    private static let spins = 200

    package init() {}

    /// Sleeps until `wake` is called, or returns at once if it was called since the last sleep.
    package func park() {
        for _ in 0..<Self.spins
        where isNotified.exchange(false, ordering: .acquiringAndReleasing) {
            return
        }
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        while !isNotified.exchange(false, ordering: .sequentiallyConsistent) {
            semaphore.wait()
        }
        isAsleep.store(false, ordering: .sequentiallyConsistent)
    }

    /// Ends the current or the next sleep; may be called on any thread.
    package func wake() {
        guard !isNotified.exchange(true, ordering: .sequentiallyConsistent) else { return }
        if isAsleep.load(ordering: .sequentiallyConsistent) { semaphore.signal() }
    }
}
