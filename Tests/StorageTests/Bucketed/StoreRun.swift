import Storage
import Synchronization
import TestSupport

/// A small run of a store against a dictionary, the same every time, and what it promised: the
/// state at its last complete checkpoint.
final class StoreRun {
    typealias Twin = [Int64: [[UInt8]: Value]]

    struct Value: Equatable {
        var number: UInt64 = 0
        var text: [UInt8] = []
    }

    /// An answer that is not the dictionary's.
    struct WrongAnswer: Error { let what: String }

    /// What a complete checkpoint holds.
    struct Promise {
        let snapshot: FamilySnapshot
        let twin: Twin
    }

    private(set) var promise: Promise?
    /// Errors that the run went on after.
    private(set) var errors: [StorageError] = []
    private let seed: UInt64
    private let stepCount: Int

    init(seed: UInt64, stepCount: Int) {
        self.seed = seed
        self.stepCount = stepCount
    }

    private static let valueWidth = 16

    private static func makeStore(
        _ directory: StateDirectory, _ executor: ManualExecutor, hashes: ClosedRange<UInt64>
    ) -> (StateStore, BucketedFamily) {
        var options = StateStore.Options(memoryBytes: 64 << 10)
        options.blockBytes = 256
        options.runsMax = 2
        let store = StateStore(
            directory: directory, worker: 0, options: options, executor: executor, hashes: hashes)
        return (store, store.makeFamily("test", valueWidth: valueWidth, references: [8]))
    }

    /// Runs to the end, or to the first error.
    func run(_ files: MemoryFileSystem) throws { try run(files, goesOn: false) }

    /// Runs; where it is to, it goes on after errors that are not answers.
    func run(_ files: MemoryFileSystem, goesOn: Bool) throws {
        promise = nil
        errors = []
        let work = try Work(files, seed: seed)
        for _ in 0..<stepCount {
            defer { promise = work.promise }
            do throws(StorageError) {
                try work.step()
            } catch {
                guard goesOn else { throw error }
                errors.append(error)
            }
            if let wrong = work.wrong { throw WrongAnswer(what: wrong) }
        }
    }

    /// Opens what is left, and finds what was promised and nothing else.
    func check(_ files: MemoryFileSystem) throws {
        let directory = try StateDirectory("state", fileSystem: files)
        let (store, family) = Self.makeStore(
            directory, ManualExecutor(), hashes: StateStore.allHashes)
        if let promise { try family.restore([promise.snapshot]) }
        try directory.removeOrphans()
        var found: Twin = [:]
        for start in family.starts {
            guard let table = try family.load(start) else { continue }
            for entry in table.sortedEntries() {
                let key = unsafe Array(table.key(of: entry))
                found[start, default: [:]][key] = Work.value(entry, table)
            }
            try family.drop(start)
        }
        try store.settle()
        let expected = promise?.twin.filter { !$0.value.isEmpty } ?? [:]
        if found != expected { throw WrongAnswer(what: "not what the checkpoint had") }
        if files.paths != ["state/LOCK"] { throw WrongAnswer(what: "left: \(files.paths)") }
    }

    /// The store and its dictionary while they run.
    private final class Work {
        var random: SplitMix64
        let files: MemoryFileSystem
        let executor = ManualExecutor()
        let store: StateStore
        let family: BucketedFamily
        let directory: StateDirectory
        var twin: Twin = [:]
        var wrong: String?
        var promise: Promise?

        init(_ files: MemoryFileSystem, seed: UInt64) throws(StorageError) {
            random = SplitMix64(seed: seed)
            self.files = files
            directory = try StateDirectory("state", fileSystem: files)
            (store, family) = StoreRun.makeStore(
                directory, executor, hashes: StateStore.allHashes)
        }

        func step() throws(StorageError) {
            switch random.int(0..<16) {
            case 0..<5: try write()
            case 5: try read()
            case 6: try close()
            case 7..<10: family.evict(family.starts.filter { _ in random.chance(0.5) })
            case 10: try store.settle()
            case 11..<14: try checkpoint()
            default: executor.runOne(random.pick([.flush, .merge]))
            }
        }

        private func keys() -> [HotTableTests.Key] {
            (0..<random.int(1...20)).map { _ in
                let number = random.int(0..<60)
                return HotTableTests.Key(
                    bytes: Array("key \(number)".utf8),
                    hash: UInt64(number + 1) &* 0x9e37_79b9_7f4a_7c15)
            }
        }

        static func value(_ entry: UInt32, _ table: HotTable) -> Value {
            let reference = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
            return Value(
                number: table.word(of: entry, at: 0),
                text: reference == 0 ? [] : unsafe Array(table.stored(reference)))
        }

        private static func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "nothing" }

        private func compare(_ expected: Value?, _ found: Value?, _ what: String) {
            if found != expected {
                wrong = "\(what): \(Self.text(found)) for \(Self.text(expected))"
            }
        }

        private func write() throws(StorageError) {
            let bucket = Int64(random.int(0..<4))
            let keys = keys()
            let entries = Slab(byteCount: keys.count * 4)
            let table = try family.getOrInsert(
                bucket: bucket, HotTableTests.encoded(keys), rows: nil, count: keys.count,
                into: entries)
            for (row, key) in keys.enumerated() {
                let word = HotTableTests.word(entries, row)
                let entry = word & ~HotTable.isNewMark
                let isNew = word & HotTable.isNewMark != 0
                let before = twin[bucket]?[key.bytes]
                compare(before, isNew ? nil : Self.value(entry, table), "insert")
                var value = before ?? Value()
                value.number += UInt64(random.int(1..<100))
                table.setWord(of: entry, at: 0, to: value.number)
                if random.chance(0.3) {
                    value.text = [UInt8](repeating: 7, count: random.int(1..<60))
                    let old = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
                    table.setWord(
                        of: entry, at: 8, to: UInt64(table.store(value.text, replacing: old)))
                }
                twin[bucket, default: [:]][key.bytes] = value
            }
            try family.balance(bucket)
        }

        private func read() throws(StorageError) {
            let bucket = Int64(random.int(0..<4))
            let keys = keys()
            let entries = Slab(byteCount: keys.count * 4)
            try family.find(
                bucket: bucket, HotTableTests.encoded(keys), rows: nil, count: keys.count,
                into: entries)
            for (row, key) in keys.enumerated() {
                let entry = HotTableTests.word(entries, row)
                let table = entry == HotTable.absent ? nil : family.existing(bucket)
                compare(twin[bucket]?[key.bytes], table.map { Self.value(entry, $0) }, "find")
            }
            try family.balance(bucket)
        }

        private func close() throws(StorageError) {
            let bucket = Int64(random.int(0..<4))
            let expected = twin.removeValue(forKey: bucket) ?? [:]
            let table = try family.load(bucket)
            let entries = table?.sortedEntries() ?? []
            if entries.count != expected.count { wrong = "\(entries.count) at the end of a bucket" }
            for entry in entries {
                guard let table else { continue }
                let key = unsafe Array(table.key(of: entry))
                compare(expected[key], Self.value(entry, table), "at the end of a bucket")
            }
            try family.drop(bucket)
        }

        /// A checkpoint is complete when its files and their names are durable.
        private func checkpoint() throws(StorageError) {
            let snapshot = family.checkpoint()
            let twin = twin
            let outcome = Mutex<Bool?>(nil)
            store.whenFlushed { hasFailed in outcome.withLock { $0 = hasFailed } }
            try store.settle()
            while executor.runOne(.flush) {}
            guard outcome.withLock({ $0 }) == false else { return }
            try files.syncDirectory("state")
            let old = promise
            promise = Promise(snapshot: snapshot, twin: twin)
            for file in old?.snapshot.files.sorted() ?? [] { try directory.release(file) }
        }
    }
}
