/// Event time and watermarks: UTC microseconds since 1970-01-01T00:00:00Z, in an Int64.
@frozen @usableFromInline
package enum EventTime {
    /// The watermark before the first row: nothing is late.
    @inlinable package static var none: Int64 { Int64.min }
    /// The watermark behind the last row: nothing follows.
    @inlinable package static var end: Int64 { Int64.max }

    package static let microsecondsPerSecond: Int64 = 1_000_000

    /// `time` less `delay`, or `none` where that is out of range.
    @inlinable @inline(__always)
    package static func delayed(_ time: Int64, by delay: Int64) -> Int64 {
        time < none &+ delay ? none : time &- delay
    }

    /// `time` and `span` more, or the end of the range where that lies behind it.
    @inlinable @inline(__always)
    package static func advanced(_ time: Int64, by span: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(span)
        return overflow ? (span < 0 ? none : end) : sum
    }

    /// The start of the bucket of `size` microseconds that holds `time`, aligned to the epoch.
    @inlinable @inline(__always)
    package static func bucketStart(of time: Int64, size: Int64) -> Int64 {
        let rest = time % size
        return time &- (rest < 0 ? rest &+ size : rest)
    }
}
