import Storage
import TestSupport

/// A keyed family and its dictionary while they run.
final class KeyedWork: FamilyWork {
    typealias Twin = [[UInt8]: [UInt8]]

    static let stepCount = 60
    static let crashesMax = 150
    static let faultsMax = 60
    static let operationShare = 12
    static let jobShare = 4
    static var emptyTwin: Twin { [:] }

    var random: SplitMix64
    let executor = ManualExecutor()
    let store: StateStore
    private let family: KeyedFamily
    private(set) var twin: Twin = [:]
    private var pinned: (snapshot: KeyedSnapshot, twin: Twin)?
    private(set) var wrong: String?

    init(
        _ directory: StateDirectory, restoring snapshot: KeyedFamilyState?, seed: UInt64
    ) throws(StorageError) {
        random = SplitMix64(seed: seed)
        store = StateStore(
            directory: directory, worker: 0, options: .init(memoryBytes: 64 << 10),
            executor: executor)
        var options = KeyedFamilyOptions()
        options.operation = .append
        options.codecs = [.lz4, .zstd(level: 1)]
        options.blockBytes = 200
        options.levelZeroTrigger = 2
        options.levelRatio = 2
        options.levelOneBytes = 2 << 10
        options.fileBytes = 700
        options.levelsMax = 4
        options.tableBytes = 5 << 10
        let states = snapshot.map { [$0] } ?? []
        family = try store.makeKeyedFamily("test", options, restoring: states)
    }

    func operate(_ number: Int) throws(StorageError) {
        switch number {
        case 0..<6: try write()
        case 6: try deleteRange()
        case 7: try read()
        case 8: try scan()
        case 9: pin()
        default: family.freeze()
        }
    }

    // MARK: Checkpoints

    func checkpoint() -> KeyedFamilyState { family.checkpoint() }

    static func files(of snapshot: KeyedFamilyState) -> [String] { snapshot.files.map(\.name) }

    func takeContents() throws(StorageError) -> Twin { try family.iterator().contents() }

    func filesLeft(of snapshot: KeyedFamilyState) -> [String] { Self.files(of: snapshot) }

    func checkRestored(_ contents: Twin) throws(StorageError) {
        for (key, value) in contents where try family.get(key) != value {
            wrong = "another value for a key alone"
        }
        // What was restored can be written to.
        try family.put([1], [2])
        family.freeze()
        try store.settle()
        if try family.get([1]) != [2] { wrong = "not what was put" }
    }

    // MARK: Operations

    private func key() -> [UInt8] { Array("key \(random.int(0..<150))".utf8) }

    /// What is written is there, even where the disk fails meanwhile: the dictionary comes
    /// first.
    private func write() throws(StorageError) {
        var batch = KeyedBatch()
        for _ in 0..<random.int(1..<30) {
            let key = key()
            let value = [UInt8](repeating: UInt8(random.int(0..<9)), count: random.int(0..<20))
            switch random.int(0..<5) {
            case 0..<3:
                batch.put(key, value)
                twin[key] = value
            case 3:
                batch.merge(key, value)
                twin[key, default: []] += value
            default:
                batch.delete(key)
                twin[key] = nil
            }
        }
        try family.apply(batch)
    }

    private func deleteRange() throws(StorageError) {
        let range = KeyRange(prefix: Array(key().dropLast()))
        twin = twin.filter { !$0.key.starts(with: range.lower) }
        try family.deleteRange(range)
    }

    private func read() throws(StorageError) {
        for _ in 0..<10 {
            let key = key()
            if try family.get(key) != twin[key] { wrong = "a key alone" }
        }
    }

    private func scan() throws(StorageError) {
        if try family.iterator().contents() != twin { wrong = "all keys" }
        guard let pinned else { return }
        let iterator = family.iterator(snapshot: pinned.snapshot)
        if try iterator.contents() != pinned.twin { wrong = "a snapshot" }
    }

    private func pin() {
        if let pinned { family.release(pinned.snapshot) }
        pinned = random.chance(0.7) ? (family.makeSnapshot(), twin) : nil
    }
}

extension KeyedIterator {
    /// All keys of its range, and their values.
    func contents() throws(StorageError) -> [[UInt8]: [UInt8]] {
        var found: [[UInt8]: [UInt8]] = [:]
        try seekToFirst()
        while isValid {
            found[keyArray] = valueArray
            try next()
        }
        return found
    }
}
