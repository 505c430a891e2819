import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first stops in order, the second at once.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// `stop` is called at the first signal, on another thread.
    init(stop: @escaping @Sendable () -> Void) {
        let count = SignalCount()
        sources = [SIGTERM, SIGINT].map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.isFirst() { stop() } else { _exit(128 + number) }
            }
            source.resume()
            return source
        }
    }

    /// Makes writes to a closed pipe errors instead of the end of the process.
    static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Hears no signals any more.
    func cancel() {
        for source in sources { source.cancel() }
    }
}

/// Tells the first signal from later ones.
private final class SignalCount: Sendable {
    private let isUsed = Atomic<Bool>(false)

    /// Whether this is the first call.
    func isFirst() -> Bool { !isUsed.exchange(true, ordering: .relaxed) }
}
