import Glibc

/// Notices that a file was written to, by any process (Linux's inotify).
package final class FileWatch: Sendable {
    private let descriptor: Int32

    /// Watches a file; nil where the system has no watch left, or cannot watch that file.
    init?(_ path: String) {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        guard unsafe inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Sleeps until the file is written to, or a wake; at most `milliseconds`. Writes since the
    /// last sleep end it at once. Gives false after a wake.
    package func wait(_ waker: Waker, milliseconds: Int) -> Bool {
        switch waker.wait(for: .read, on: descriptor, milliseconds: milliseconds) {
        case .woken: return false
        case .timeout: return true
        case .ready:
            unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { bytes in
                while unsafe read(descriptor, bytes.baseAddress, bytes.count) > 0 {}
            }
            return true
        }
    }
}
