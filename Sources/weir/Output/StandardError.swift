import Glibc

/// Lines for the user: everything that is not a result.
enum StandardError {
    /// Writes text and a line end in one piece.
    static func write(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    STDERR_FILENO, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            guard count > 0 else { return }
            done += count
        }
    }
}
