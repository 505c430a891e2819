import Dispatch
import Glibc

/// SIGTERM and SIGINT: the first stops in order, the second at once. SIGUSR1 asks for a checkpoint.
enum StopSignals {
    /// How long what was read may take to be written after the first signal.
    private static let graceSeconds = 10

    /// Calls `checkpoint` at SIGUSR1 and `stop` at the first other signal, on another thread, and
    /// `giveUp` if the process is still there `graceSeconds` later. To be called before there are
    /// other threads.
    ///
    /// The signals are blocked in every thread and waited for by one, so that none is lost before
    /// somebody listens.
    static func hear(
        stop: @escaping @Sendable () -> Void, giveUp: @escaping @Sendable () -> Void,
        checkpoint: @escaping @Sendable () -> Void
    ) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for number in [SIGTERM, SIGINT, SIGUSR1] { unsafe sigaddset(&mask, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
        let blocked = mask
        DispatchQueue(label: "stop-signals").async {
            var mask = blocked
            var number: Int32 = 0
            var isFirst = true
            while unsafe sigwait(&mask, &number) == 0 {
                if number == SIGUSR1 {
                    checkpoint()
                    continue
                }
                if !isFirst { _exit(128 + number) }
                isFirst = false
                stop()
                DispatchQueue.global().asyncAfter(
                    deadline: .now() + .seconds(graceSeconds), execute: giveUp)
            }
        }
    }

    /// Makes writes to a closed pipe errors instead of the end of the process.
    static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Makes writes beyond the limit of a file's size (`ulimit -f`) errors instead of the end of
    /// the process.
    static func ignoreSizeLimit() { _ = signal(SIGXFSZ, SIG_IGN) }
}
