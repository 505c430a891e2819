import Glibc

/// Both ends of a pipe.
package final class TestPipe {
    package private(set) var readEnd: Int32
    package private(set) var writeEnd: Int32

    package init() {
        var ends: [Int32] = [-1, -1]
        unsafe pipe(&ends)
        readEnd = ends[0]
        writeEnd = ends[1]
        // A write to a pipe whose reader is gone is to fail, not to end the process.
        signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        closeWriteEnd()
        closeReadEnd()
    }

    /// Writes a text that the pipe has room for; says whether it did.
    @discardableResult
    package func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe write(writeEnd, bytes, bytes.count) == bytes.count
    }

    /// Reads what is there, at most `byteCount` bytes; waits for the first.
    package func receive(_ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = unsafe read(readEnd, &bytes, byteCount)
        return Array(bytes.prefix(max(count, 0)))
    }

    package func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    package func closeReadEnd() {
        if readEnd >= 0 { close(readEnd) }
        readEnd = -1
    }
}
