import Glibc
import Synchronization

/// A thread of its own for what blocks; the test waits for its result.
package final class TestThread<Result: Sendable>: Sendable {
    private let state = Mutex<Result?>(nil)
    private let thread = Mutex<pthread_t>(0)

    /// Starts `body`.
    package init(_ body: @escaping @Sendable () -> Result) {
        let made = startThread { [self] in
            let result = body()
            state.withLock { $0 = result }
        }
        thread.withLock { $0 = made }
    }

    /// Waits for its end; once.
    package func join() -> Result? {
        pthread_join(thread.withLock { $0 }, nil)
        return state.withLock { $0 }
    }
}

/// What a thread is started with.
private final class Start {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ run: @escaping @Sendable () -> Void) -> pthread_t {
    var made: pthread_t = 0
    let argument = unsafe Unmanaged.passRetained(Start(run)).toOpaque()
    unsafe pthread_create(&made, nil, enterThread, argument)
    return made
}

private func enterThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument {
        unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}
