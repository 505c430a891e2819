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

    /// Lets it have what the other threads leave of the processors; for good, as only the superuser
    /// may take that back. Linux has a nice value for each thread.
    package static func stepBack() {
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    }
}
