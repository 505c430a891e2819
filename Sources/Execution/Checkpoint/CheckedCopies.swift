import Storage
import Synchronization

/// Copies of state that are checked and made durable in the background, while the next is read.
final class CheckedCopies: Sendable {
    private struct State {
        var waiting = 0
        var failures: [String: StorageError] = [:]
    }

    private let executor: any BackgroundExecutor
    private let state = Mutex(State())
    private let waker = Waker()
    private static let waitMicroseconds = 100_000

    init(_ executor: any BackgroundExecutor) { self.executor = executor }

    /// Takes a copy on; `number` tells which of its threads is to have it.
    func add(_ copy: StateFiles.Copied, number: Int) {
        state.withLock { $0.waiting += 1 }
        // Not merges' thread, which may be kept waiting for as long as others want the processors.
        executor.submit(number.isMultiple(of: 2) ? .flush : .compact) { [self] in
            var failure: StorageError?
            do throws(StorageError) {
                try copy.verify()
                try copy.sync()
            } catch {
                failure = error
            }
            state.withLock { state in
                state.waiting -= 1
                state.failures[copy.name] = failure
            }
            waker.wake()
        }
    }

    /// Waits until all are done; gives those that failed, by name.
    func finish() -> [String: StorageError] {
        while state.withLock({ $0.waiting }) > 0 {
            executor.wait(waker, microseconds: Self.waitMicroseconds)
        }
        return state.withLock { $0.failures }
    }
}
