// `stdout` is a variable of the C library, which nobody sets.
@unsafe @preconcurrency import Glibc
import Storage

/// What `print` wrote.
enum StandardOutput {
    /// Writes what still waits; says so and ends with `failed` where some of it could not be
    /// written. A closed pipe is no mistake.
    static func finish() throws {
        errno = 0
        let isFlushed = unsafe fflush(stdout) == 0
        let code = errno
        let isWhole = unsafe ferror(stdout) == 0
        if isFlushed && isWhole { return }
        if code == EPIPE || StandardStream.output().isClosedByReader { return }
        let error = StorageError(
            errno: code == 0 ? EIO : code, operation: "write", path: "stdout")
        StandardError.write("weir: error: \(error)")
        throw ExitStatus.failed
    }
}
