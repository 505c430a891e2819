import Synchronization

/// Counts bytes against time: who takes more than there is is told how long to wait.
final class TokenBucket: Sendable {
    /// When all that was taken so far is paid for, in nanoseconds.
    private let paidAt = Mutex<Int64?>(nil)
    /// What may be taken at once after a quiet time, in nanoseconds of the rate.
    private static let burst: Int64 = 100_000_000

    /// Takes bytes; gives the nanoseconds to wait.
    func take(_ byteCount: Int, bytesPerSecond: Int, now: Int64) -> Int64 {
        let cost = Int64(Double(byteCount) / Double(bytesPerSecond) * 1e9)
        return paidAt.withLock { paidAt in
            let start = max(paidAt ?? now - Self.burst, now - Self.burst)
            paidAt = start + cost
            return max(0, start + cost - now)
        }
    }
}
