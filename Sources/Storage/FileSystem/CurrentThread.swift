import Glibc

/// The calling thread, as the system knows it.
package enum CurrentThread {
    /// Names it, as `top -H` and debuggers show it, cut to 15 bytes; a kernel without that file
    /// leaves the thread unnamed.
    package static func setName(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    /// Lets it wait for its turn where it wakes up on a processor that another thread has, in place
    /// of interrupting that one.
    package static func waitTurns() {
        var parameters = sched_param()
        // SCHED_BATCH of sched(7), which has no name here. A kernel without it changes nothing.
        _ = unsafe sched_setscheduler(0, 3, &parameters)
    }

    /// Lets it have what all other threads of the machine leave of the processors, and make way for
    /// them at once; for good, as only the superuser may take that back.
    package static func stepBack() {
        var parameters = sched_param()
        // SCHED_IDLE of sched(7), which has no name here. Threads that wake up take a processor on
        // which only such a thread runs for a free one, as they do not for one of nice 19.
        if unsafe sched_setscheduler(0, 5, &parameters) == 0 { return }
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    }
}
