import Storage
import TestSupport

/// A bucketed family and its dictionary while they run.
final class BucketedWork: FamilyWork {
    typealias Twin = [Int64: [[UInt8]: Value]]

    struct Value: Equatable {
        var number: UInt64 = 0
        var text: [UInt8] = []
    }

    static let stepCount = 40
    static let crashesMax = 400
    static let faultsMax = 400
    static let operationShare = 10
    static let jobShare = 2
    static var emptyTwin: Twin { [:] }
    private static let valueWidth = 16

    var random: SplitMix64
    let executor = ManualExecutor()
    let store: StateStore
    private let family: BucketedFamily
    private(set) var twin: Twin = [:]
    private(set) var wrong: String?

    init(
        _ directory: StateDirectory, restoring snapshot: FamilySnapshot?, seed: UInt64
    ) throws(StorageError) {
        random = SplitMix64(seed: seed)
        var options = StateStore.Options(memoryBytes: 64 << 10)
        options.blockBytes = 256
        options.runsMax = 2
        store = StateStore(
            directory: directory, worker: 0, options: options, executor: executor,
            hashes: StateStore.allHashes)
        family = store.makeFamily("test", valueWidth: Self.valueWidth, references: [8])
        if let snapshot { try family.restore([snapshot]) }
    }

    func operate(_ number: Int) throws(StorageError) {
        switch number {
        case 0..<5: try write()
        case 5: try read()
        case 6: try close()
        default: family.evict(family.starts.filter { _ in random.chance(0.5) })
        }
    }

    // MARK: Checkpoints

    func checkpoint() -> FamilySnapshot { family.checkpoint() }

    static func files(of snapshot: FamilySnapshot) -> [String] { snapshot.files.sorted() }

    /// Takes all buckets out; no file is left then.
    func takeContents() throws(StorageError) -> Twin {
        var found: Twin = [:]
        for start in family.starts {
            guard let table = try family.load(start) else { continue }
            for entry in table.sortedEntries() {
                let key = unsafe Array(table.key(of: entry))
                found[start, default: [:]][key] = Self.value(entry, table)
            }
            try family.drop(start)
        }
        try store.settle()
        return found
    }

    func filesLeft(of snapshot: FamilySnapshot) -> [String] { [] }

    func checkRestored(_ contents: Twin) {}

    // MARK: Operations

    private func keys() -> [HotTableTests.Key] {
        (0..<random.int(1...20)).map { _ in
            let number = random.int(0..<60)
            return HotTableTests.Key(
                bytes: Array("key \(number)".utf8),
                hash: UInt64(number + 1) &* 0x9e37_79b9_7f4a_7c15)
        }
    }

    private static func value(_ entry: UInt32, _ table: HotTable) -> Value {
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
}
