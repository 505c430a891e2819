import Connectors
import Dataflow

/// Times as people read them.
enum WallTime {
    /// RFC 3339 in UTC of microseconds since the epoch.
    static func text(_ microseconds: Int64) -> String {
        let day: Int64 = 86_400_000_000
        let start = EventTime.bucketStart(of: microseconds, size: day)
        let date = CivilDate(daysSinceEpoch: start / day)
        let rest = microseconds - start
        let seconds = rest / 1_000_000
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        let fraction = rest % 1_000_000
        let digits = String(fraction)
        let tail =
            fraction == 0
            ? "" : "." + String(repeating: "0", count: 6 - digits.count) + digits
        return "\(date.year)-\(two(Int64(date.month)))-\(two(Int64(date.day)))T\(clock)\(tail)Z"
    }
}
