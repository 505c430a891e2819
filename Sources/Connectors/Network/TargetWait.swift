import Dataflow
import NIOCore
import Storage
import Synchronization

/// Waits of a sink for its target, which an interrupt ends.
final class TargetWait: Sendable {
    /// What the target is called in messages.
    private let name: String
    private let clock: EngineClock
    /// Ends a wait for `condition` to be looked at again.
    let waker = Waker()
    private let isInterrupted = Atomic(false)

    private static let waitMilliseconds = 60_000

    init(_ name: String, clock: EngineClock) {
        self.name = name
        self.clock = clock
    }

    /// Ends all waits, from any thread.
    func interrupt() {
        isInterrupted.store(true, ordering: .releasing)
        waker.wake()
    }

    /// Waits for a future.
    func result<T: Sendable>(of future: EventLoopFuture<T>) throws -> Result<T, any Error> {
        let outcome = Outcome<T>()
        let waker = waker
        future.whenComplete { result in
            outcome.result.withLock { $0 = result }
            waker.wake()
        }
        return try first { outcome.result.withLock { $0 } }
    }

    /// What a future came to.
    private final class Outcome<T: Sendable>: Sendable {
        let result = Mutex<Result<T, any Error>?>(nil)
    }

    /// Waits until there is a value, which is asked for at every wake.
    func first<T>(_ value: () -> T?) throws -> T {
        while true {
            if let value = value() { return value }
            try check()
            waker.wait(milliseconds: Self.waitMilliseconds)
        }
    }

    /// Waits so long.
    func pause(milliseconds: Int) throws {
        let deadline = clock.monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
        while true {
            try check()
            let left = (deadline - clock.monotonicNanoseconds()) / 1_000_000
            if left <= 0 { return }
            waker.wait(milliseconds: Int(left))
        }
    }

    private func check() throws {
        if isInterrupted.load(ordering: .acquiring) { throw SinkInterrupted(target: name) }
    }
}
