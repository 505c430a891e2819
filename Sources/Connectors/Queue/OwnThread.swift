import NIOPosix

/// A thread for one piece of work that waits and blocks, as neither an event loop nor the engine's
/// threads may for it.
final class OwnThread: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    /// Starts a thread; the work is done even if `join` is called before it has begun.
    init(_ body: @escaping @Sendable () -> Void) {
        pool.start()
        pool.submit { _ in body() }
    }

    /// Waits for its end; once.
    func join() {
        do {
            try pool.syncShutdownGracefully()
        } catch {
            // It was joined before.
        }
    }
}
