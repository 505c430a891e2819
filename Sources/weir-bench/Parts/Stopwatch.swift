import Storage

/// Seconds that something takes.
enum Stopwatch {
    /// What `body` gives, and the seconds it takes.
    static func timed<Value>(_ body: () throws -> Value) rethrows -> (Value, seconds: Double) {
        let start = SystemTime.monotonicNanoseconds()
        let value = try body()
        return (value, Double(SystemTime.monotonicNanoseconds() - start) / 1e9)
    }
}
