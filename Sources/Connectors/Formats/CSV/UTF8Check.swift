/// Tells whether bytes are UTF-8.
enum UTF8Check {
    static func isValid(_ base: UnsafeRawPointer, count: Int) -> Bool {
        let buffer = unsafe UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: UInt8.self), count: count)
        do throws(UTF8.ValidationError) {
            _ = try unsafe UTF8Span(validating: buffer.span)
            return true
        } catch {
            return false
        }
    }
}
