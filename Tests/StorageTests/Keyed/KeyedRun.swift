import Storage
import Synchronization
import TestSupport

/// A small run of a keyed family against a dictionary, the same every time, and what it promised:
/// the state at its last complete checkpoint.
final class KeyedRun {
    typealias Twin = [[UInt8]: [UInt8]]

    /// An answer that is not the dictionary's.
    struct WrongAnswer: Error { let what: String }

    /// What a complete checkpoint holds.
    struct Promise {
        let state: KeyedFamilyState
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

    private static func makeStore(
        _ directory: StateDirectory, restoring states: [KeyedFamilyState] = []
    ) throws(StorageError) -> (StateStore, KeyedFamily, ManualExecutor) {
        let executor = ManualExecutor()
        let store = StateStore(
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
        let family = try store.makeKeyedFamily("test", options, restoring: states)
        return (store, family, executor)
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
        let (store, family, _) = try Self.makeStore(
            directory, restoring: promise.map { [$0.state] } ?? [])
        try directory.removeOrphans()
        let found = try Self.contents(family.iterator())
        if found != promise?.twin ?? [:] {
            throw WrongAnswer(what: "not what the checkpoint had")
        }
        for (key, value) in found where try family.get(key) != value {
            throw WrongAnswer(what: "another value for a key alone")
        }
        let kept = Set(promise?.state.files.map { "state/" + $0.name } ?? [])
        let left = Set(files.paths).subtracting(kept).subtracting(["state/LOCK"])
        if !left.isEmpty { throw WrongAnswer(what: "left: \(left)") }
        // What was restored can be written to.
        try family.put([1], [2])
        family.freeze()
        try store.settle()
        if try family.get([1]) != [2] { throw WrongAnswer(what: "not what was put") }
    }

    private static func contents(_ iterator: KeyedIterator) throws(StorageError) -> Twin {
        var found: Twin = [:]
        try iterator.seekToFirst()
        while iterator.isValid {
            found[iterator.keyArray] = iterator.valueArray
            try iterator.next()
        }
        return found
    }

    /// The family and its dictionary while they run.
    private final class Work {
        var random: SplitMix64
        let files: MemoryFileSystem
        let executor: ManualExecutor
        let store: StateStore
        let family: KeyedFamily
        let directory: StateDirectory
        var twin: Twin = [:]
        var pinned: (snapshot: KeyedSnapshot, twin: Twin)?
        var wrong: String?
        var promise: Promise?

        init(_ files: MemoryFileSystem, seed: UInt64) throws(StorageError) {
            random = SplitMix64(seed: seed)
            self.files = files
            directory = try StateDirectory("state", fileSystem: files)
            (store, family, executor) = try KeyedRun.makeStore(directory)
        }

        func step() throws(StorageError) {
            switch random.int(0..<20) {
            case 0..<6: try write()
            case 6: try deleteRange()
            case 7: try read()
            case 8: try scan()
            case 9: pin()
            case 10..<12: family.freeze()
            case 12: try store.settle()
            case 13..<16: try checkpoint()
            default: executor.runOne(random.pick([.flush, .merge]))
            }
        }

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
            if try KeyedRun.contents(family.iterator()) != twin { wrong = "all keys" }
            guard let pinned else { return }
            let iterator = family.iterator(snapshot: pinned.snapshot)
            if try KeyedRun.contents(iterator) != pinned.twin { wrong = "a snapshot" }
        }

        private func pin() {
            if let pinned { family.release(pinned.snapshot) }
            pinned = random.chance(0.7) ? (family.makeSnapshot(), twin) : nil
        }

        /// A checkpoint is complete when its files and their names are durable.
        private func checkpoint() throws(StorageError) {
            let state = family.checkpoint()
            let twin = twin
            let outcome = Mutex<Bool?>(nil)
            store.whenFlushed { hasFailed in outcome.withLock { $0 = hasFailed } }
            try store.settle()
            while executor.runOne(.flush) {}
            guard outcome.withLock({ $0 }) == false else { return }
            try files.syncDirectory("state")
            let old = promise
            promise = Promise(state: state, twin: twin)
            for file in old?.state.files ?? [] { try directory.release(file.name) }
        }
    }
}
