/// The door to work beside the data path: flushes and merges run behind it, on things that do not
/// change any more.
package protocol BackgroundExecutor: Sendable {
    /// Runs a job later, elsewhere; jobs of a kind run in the order in which they come.
    func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void)

    /// Lets the caller wait until a job wakes `waker`, for about `microseconds` at most.
    func wait(_ waker: Waker, microseconds: Int)
}

extension BackgroundExecutor {
    /// Lets the caller wait until a job wakes `waker`, for about `milliseconds` at most.
    func wait(_ waker: Waker, milliseconds: Int) {
        wait(waker, microseconds: milliseconds * 1000)
    }
}

/// Kinds of jobs, by what waits for them.
package enum BackgroundJob: Sendable, CaseIterable {
    /// Memory is free when it ends: writers may wait for it.
    case flush
    /// It brings the levels of a keyed family into shape: writers wait where it falls behind.
    case compact
    /// It makes one run of a bucket's runs, for cheaper reading; nobody waits for it.
    case merge
}

/// Runs every job at once: for tools, and for tests that want no other thread.
package struct InlineExecutor: BackgroundExecutor {
    package init() {}

    package func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) { job() }

    package func wait(_ waker: Waker, microseconds: Int) {}
}
