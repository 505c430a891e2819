import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first stops in order, the second at once.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// How long what was read may take to be written after the first signal.
    static let graceSeconds = 10

    /// `stop` is called at the first signal, on another thread; `giveUp` if the run has not ended
    /// `graceSeconds` later.
    init(stop: @escaping @Sendable () -> Void, giveUp: @escaping @Sendable () -> Void) {
        let count = SignalCount()
        sources = [SIGTERM, SIGINT].map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                guard count.isFirst() else { _exit(128 + number) }
                stop()
                DispatchQueue.global().asyncAfter(
                    deadline: .now() + .seconds(Self.graceSeconds), execute: giveUp)
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
