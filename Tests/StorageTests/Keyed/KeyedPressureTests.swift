import Synchronization
import TestSupport
import Testing

@testable import Storage

/// What keeps a keyed family within its limits: the rate of merges, the pace of writers, the cache,
/// and codecs by level.
struct KeyedPressureTests {
    /// Flushes at once, and merges when the store can no longer wait for less.
    private final class LateMerges: BackgroundExecutor {
        private let waiting = Mutex<[@Sendable () -> Void]>([])
        private let waits = Mutex<[Int]>([])

        func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
            switch kind {
            case .flush: job()
            case .compact, .merge: waiting.withLock { $0.append(job) }
            }
        }

        func wait(_ waker: Waker, microseconds: Int) {
            let milliseconds = microseconds / 1000
            waits.withLock { $0.append(milliseconds) }
            if milliseconds >= StateStore.waitMilliseconds { runMerges() }
        }

        func runMerges() {
            let jobs = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for job in jobs { job() }
        }

        /// How long the owner waited since it was last asked.
        func takeWaited() -> Int {
            waits.withLock { waits in
                defer { waits = [] }
                return waits.reduce(0, +)
            }
        }
    }

    /// Flushes when the store can no longer wait for less.
    private final class LateFlushes: BackgroundExecutor {
        private let waiting = Mutex<[@Sendable () -> Void]>([])
        private let waits = Mutex<[Int]>([])

        func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
            waiting.withLock { $0.append(job) }
        }

        func wait(_ waker: Waker, microseconds: Int) {
            let milliseconds = microseconds / 1000
            waits.withLock { $0.append(milliseconds) }
            guard milliseconds >= StateStore.waitMilliseconds else { return }
            let jobs = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for job in jobs { job() }
        }

        /// The waits since it was last asked.
        func takeWaits() -> [Int] {
            waits.withLock { waits in
                defer { waits = [] }
                return waits
            }
        }
    }

    private static func makeFamily(
        _ options: KeyedFamilyOptions, memoryBytes: Int = 8 << 20,
        _ executor: any BackgroundExecutor = InlineExecutor()
    ) throws -> (StateStore, KeyedFamily) {
        let directory = try StateDirectory("state", fileSystem: MemoryFileSystem())
        let store = StateStore(
            directory: directory, worker: 0, options: .init(memoryBytes: memoryBytes),
            executor: executor)
        return (store, try store.makeKeyedFamily("test", options))
    }

    private static func key(_ number: Int) -> [UInt8] {
        KeyedWorld.bytes(UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
    }

    @Test func mergesWriteNoFasterThanTheirRate() throws {
        let clock = Mutex<Int64>(1_000)
        let rate = 1 << 20
        var options = KeyedFamilyOptions()
        options.codecs = [.none]
        options.levelZeroTrigger = 2
        options.levelOneBytes = 1 << 20
        options.rate = CompactionRate(bytesPerSecond: rate) {
            clock.withLock { $0 }
        } pause: { nanoseconds in
            clock.withLock { $0 += nanoseconds }
        }
        let (store, family) = try Self.makeFamily(options)
        let value = [UInt8](repeating: 7, count: 1000)
        for number in 0..<4_000 {
            try family.put(Self.key(number), value)
            if number % 500 == 499 { family.freeze() }
        }
        try store.settle()
        let seconds = Double(clock.withLock { $0 } - 1_000) / 1e9
        let least = Double(store.writtenBytes.merged) / Double(rate)
        #expect(store.writtenBytes.merged > 4 << 20)
        // What a quiet time leaves at the start may be taken at once.
        #expect(seconds > least - 0.2 && seconds < least + 0.2)
    }

    @Test func writersSlowDownBeforeTheyStop() throws {
        let executor = LateMerges()
        var options = KeyedFamilyOptions()
        options.levelZeroTrigger = 2
        options.levelZeroSlow = 4
        options.levelZeroStop = 12
        options.tableBytes = 1 << 20
        let (store, family) = try Self.makeFamily(options, memoryBytes: 64 << 20, executor)
        let value = [UInt8](repeating: 7, count: 10_000)
        var number = 0
        func put() throws {
            try family.put(Self.key(number), value)
            number += 1
        }
        // By the number of files in level 0: milliseconds for half a table.
        var waits: [Int] = []
        for fileCount in 0..<11 {
            #expect((family.levelCounts.first ?? 0) == fileCount)
            _ = executor.takeWaited()
            for _ in 0..<50 { try put() }
            waits.append(executor.takeWaited())
            while family.levelCounts.first ?? 0 == fileCount { try put() }
        }
        #expect(waits.prefix(4) == [0, 0, 0, 0])
        #expect(waits[4] > 0)
        for fileCount in 4..<10 {
            #expect(waits[fileCount] < waits[fileCount + 1], "\(waits)")
        }
        // At the last they wait for the merge, which makes room.
        for _ in 0..<300 { try put() }
        #expect((family.levelCounts.first ?? 0) < 12)
        executor.runMerges()
        try store.settle()
        #expect(family.pressure == 0)
        for number in stride(from: 0, to: number, by: 17) {
            #expect(try family.get(Self.key(number)) == value)
        }
    }

    @Test func writersSlowDownWhereFlushesDoNotKeepUp() throws {
        let executor = LateFlushes()
        let (store, family) = try Self.makeFamily(
            KeyedFamilyOptions(), memoryBytes: 64 << 20, executor)
        let value = [UInt8](repeating: 7, count: 10_000)
        var waits: [Int] = []
        var number = 0
        while waits.last ?? 0 < StateStore.waitMilliseconds {
            let bytes = store.memory.tables
            try family.put(Self.key(number), value)
            number += 1
            let waited = executor.takeWaits()
            if bytes < store.countedBytes / 4 { #expect(waited.isEmpty) }
            waits += waited
        }
        let slow = waits.dropLast()
        #expect(slow.count > 5 && slow.allSatisfy { $0 < StateStore.waitMilliseconds })
        #expect((slow.last ?? 0) > 2 * (slow.first ?? 0), "\(waits)")
        try store.settle()
        for number in 0..<number { #expect(try family.get(Self.key(number)) == value) }
    }

    @Test func aScanLeavesCachedWhatIsAskedForOften() throws {
        let (store, family) = try Self.makeFamily(KeyedFamilyOptions(), memoryBytes: 1 << 20)
        var random = SplitMix64(seed: 1)
        var values: [[UInt8]: [UInt8]] = [:]
        for number in 0..<40_000 {
            let value = (0..<8).flatMap { _ in KeyedWorld.bytes(random.next()) }
            if number % 1_000 == 0 { values[Self.key(number)] = value }
            try family.put(Self.key(number), value)
        }
        family.freeze()
        try store.settle()
        #expect(family.diskBytes > 4 * store.cache.budget)
        for _ in 0..<4 {
            for (key, value) in values { #expect(try family.get(key) == value) }
        }
        let iterator = family.iterator()
        try iterator.seekToFirst()
        var count = 0
        while iterator.isValid {
            count += 1
            try iterator.next()
        }
        #expect(count == 40_000)
        let misses = store.cache.misses
        for (key, value) in values { #expect(try family.get(key) == value) }
        #expect(store.cache.misses - misses < values.count / 4)
    }

    @Test func everyLevelHasItsCodec() throws {
        for codecs in [[BlockCodec.none, .zstd(level: 3)], [.lz4, .none]] {
            var options = KeyedFamilyOptions()
            options.codecs = codecs
            options.levelZeroTrigger = 3
            let (store, family) = try Self.makeFamily(options)
            let files = store.directory.fileSystem
            for round in 0..<4 {
                for number in 0..<500 {
                    try family.put(
                        Self.key(round * 500 + number), [UInt8](repeating: 9, count: 200))
                }
                family.freeze()
            }
            try store.settle()
            var bytes = [0, 0]
            for (level, name) in family.tables() {
                bytes[level] += try files.status(of: "state/" + name)?.byteCount ?? 0
            }
            // One table in the first level, three in the second one.
            if codecs[0] == .none {
                #expect(bytes[0] > 100_000 && bytes[1] < bytes[0] / 2)
            } else {
                #expect(bytes[0] < 50_000 && bytes[1] > 300_000)
            }
        }
    }
}
