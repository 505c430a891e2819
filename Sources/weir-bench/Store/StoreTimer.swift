import Glibc
import Storage

/// What one part of a workload took: only what happens between `begin` and `end` counts.
struct StoreTimer {
    private(set) var nanoseconds: Int64 = 0
    /// CPU time of the operating thread, and of all threads.
    private(set) var threadNanoseconds: Int64 = 0
    private(set) var processNanoseconds: Int64 = 0
    /// Nanoseconds of each batch.
    private(set) var batches: [Int64] = []
    /// Nanoseconds of CPU time of each batch, of the operating thread.
    private(set) var threadBatches: [Int64] = []
    private var start: (wall: Int64, thread: Int64, process: Int64) = (0, 0, 0)

    mutating func begin() { start = Self.now }

    mutating func end() {
        let now = Self.now
        nanoseconds += now.wall - start.wall
        threadNanoseconds += now.thread - start.thread
        processNanoseconds += now.process - start.process
        batches.append(now.wall - start.wall)
        threadBatches.append(now.thread - start.thread)
    }

    private static var now: (wall: Int64, thread: Int64, process: Int64) {
        (
            SystemTime.monotonicNanoseconds(), nanoseconds(CLOCK_THREAD_CPUTIME_ID),
            nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
        )
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// What something gives, and the seconds it takes.
    static func timed<Value>(_ body: () throws -> Value) rethrows -> (Value, Double) {
        let start = SystemTime.monotonicNanoseconds()
        let value = try body()
        return (value, Double(SystemTime.monotonicNanoseconds() - start) / 1e9)
    }

    /// The time in microseconds that a share of the batches took at most.
    func batchMicroseconds(_ share: Double) -> Double { Self.quantile(batches, share) }

    /// The same of the operating thread's CPU time.
    func threadMicroseconds(_ share: Double) -> Double { Self.quantile(threadBatches, share) }

    private static func quantile(_ times: [Int64], _ share: Double) -> Double {
        guard !times.isEmpty else { return 0 }
        return Double(times.sorted()[Int(Double(times.count - 1) * share)]) / 1e3
    }
}
