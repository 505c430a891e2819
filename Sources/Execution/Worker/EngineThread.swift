import Dispatch
import Glibc
import Storage

/// A named thread of the engine.
///
/// The data path runs on threads of its own: they block on reads and writes and sleep between
/// chunks, which the cooperative pool must not.
final class EngineThread: Sendable {
    private let done = DispatchSemaphore(value: 0)

    /// Starts a thread; its name is cut to 15 bytes.
    init(named name: String, _ body: @escaping @Sendable () -> Void) {
        let done = done
        let start = Start(name: name) {
            body()
            done.signal()
        }
        let argument = unsafe Unmanaged.passRetained(start).toOpaque()
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, nil, runEngineThread, argument)
        guard result == 0 else {
            // Without threads nothing can run; the body runs here, which ends every run, slowly.
            unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
            return
        }
        pthread_detach(thread)
    }

    /// Waits for its end.
    func join() { done.wait() }

    /// What a new thread is told.
    fileprivate final class Start: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}

/// The first function of a thread; unsafe because a C callback carries its argument as an address.
private func runEngineThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument {
        let start = unsafe Unmanaged<EngineThread.Start>.fromOpaque(argument).takeRetainedValue()
        CurrentThread.setName(start.name)
        start.run()
    }
    return nil
}
