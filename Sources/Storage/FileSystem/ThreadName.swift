import Glibc

/// Names the calling thread, as `top -H` and debuggers show it.
package enum ThreadName {
    /// Sets the name, cut to 15 bytes; a kernel without that file leaves the thread unnamed.
    package static func set(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
    }
}
