import Glibc
import Storage

/// What the batches of one part of a workload took: only what happens between `begin` and `end`
/// counts.
struct BatchTimer {
    /// A moment by the clock of the wall and by the CPU time of the calling thread, and of all.
    struct Moment { fileprivate let wall, thread, process: Int64 }

    private(set) var nanoseconds: Int64 = 0
    /// CPU time of the operating thread, and of all threads.
    private(set) var threadNanoseconds: Int64 = 0
    private(set) var processNanoseconds: Int64 = 0
    /// Nanoseconds of each batch.
    private(set) var batches: [Int64] = []
    /// Nanoseconds of CPU time of each batch, of the operating thread.
    private(set) var threadBatches: [Int64] = []
    private var start = Moment(wall: 0, thread: 0, process: 0)

    mutating func begin() { start = Self.now }

    mutating func end() { add(from: start, to: Self.now) }

    /// Adds a batch.
    mutating func add(from start: Moment, to now: Moment) {
        nanoseconds += now.wall - start.wall
        threadNanoseconds += now.thread - start.thread
        processNanoseconds += now.process - start.process
        batches.append(now.wall - start.wall)
        threadBatches.append(now.thread - start.thread)
    }

    static var now: Moment {
        Moment(
            wall: SystemTime.monotonicNanoseconds(), thread: nanoseconds(CLOCK_THREAD_CPUTIME_ID),
            process: nanoseconds(CLOCK_PROCESS_CPUTIME_ID))
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
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
