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

    /// Adds `count` operations to batches of keys, and times what is done with each batch.
    mutating func time(
        _ count: Int, _ keys: StoreKeys, adding add: (_ operation: Int) -> Void,
        _ work: (EncodedKeys) throws -> Void
    ) rethrows {
        for start in stride(from: 0, to: count, by: StoreKeys.countMax) {
            keys.removeAll()
            for operation in start..<min(start + StoreKeys.countMax, count) { add(operation) }
            begin()
            try work(keys.encoded())
            end()
        }
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
