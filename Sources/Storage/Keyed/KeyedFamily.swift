/// A column family in the order of its keys: a table in memory, and files in levels.
///
/// What is written goes to the memtable. A full one is frozen and written to a file of level 0;
/// files are merged downwards, level by level, so that a key is in one file of each. Of a key the
/// newest entry counts: the memtable's, then those of frozen ones, of level 0, newest first, and of
/// the further levels. Every operation has a version of its own, greater than those before, so that
/// a snapshot is a number. One owner uses it, without locks.
@safe
package final class KeyedFamily {
    package let name: String
    let number: Int
    unowned let store: StateStore
    package let options: KeyedFamilyOptions
    /// Levels there can be, at most.
    static let levelsEnd = 16

    /// The version of the last operation.
    package internal(set) var sequence: UInt64 = 0
    /// What values were last written at, and what they outlive or not.
    package internal(set) var watermark = Int64.min
    /// How long values live, if not for ever.
    private(set) var lifetime: Lifetime?
    var memtable: KeyedMemtable
    /// Frozen tables that are not in files yet, newest first.
    var frozen: [Frozen] = []
    /// Level 0 newest first, the others by key.
    var levels: [[KeyedFile]] = []
    /// The first keys of the files of each level, as words.
    var levelStarts: [[UInt64]] = []
    /// All range tombstones there are.
    var tombstones = RangeTombstones()
    /// How many hold each version.
    var pins: [UInt64: Int] = [:]
    var jobs: [Int: Job] = [:]
    var isMerging = false
    private var nextJob = 0
    var filterBytes = 0
    /// What `tableBytes` counts of frozen tables.
    var frozenBytes = 0
    /// Bytes that were written while writers are slowed down.
    var debt = 0
    var lastTableBytes = 0
    /// The watermark from which files are looked for that outlived their time.
    var nextExpiry = Int64.min
    /// The sorted view of the memtable, while it is what it was.
    var view: (end: UInt32, view: MemtableView)?
    let scratch = KeyedScratch()

    /// A table that is being written to a file.
    struct Frozen {
        let table: KeyedMemtable
        let byteCount: Int
        /// None of its entries is newer.
        let version: UInt64
        let file: (name: String, number: UInt64)
        var job: Int?
        var view: MemtableView?
        /// Files that wait for those of older tables; nil while they are written.
        var made: [KeyedFile]?
    }

    /// What is under way.
    enum Job {
        case flush(name: String)
        case merge(level: Int, inputs: [KeyedFile])
    }

    init(name: String, number: Int, store: StateStore, options: KeyedFamilyOptions) {
        self.name = name
        self.number = number
        self.store = store
        var options = options
        options.levelsMax = min(max(options.levelsMax, 2), Self.levelsEnd)
        self.options = options
        lifetime = options.lifetime.map { Lifetime(duration: $0, origin: nil) }
        memtable = KeyedMemtable(merging: options.operation)
    }

    // MARK: Size

    /// Bytes of tables in memory.
    var tableBytes: Int { memtable.byteCount + frozenBytes }

    /// Bytes of the files that hold its state.
    package var diskBytes: Int {
        levels.reduce(0) { $0 + $1.reduce(0) { $0 + $1.byteCount } }
    }

    var isFlushing: Bool {
        jobs.values.contains { if case .flush = $0 { true } else { false } }
    }

    var isBusy: Bool { !jobs.isEmpty }

    /// How many files each level has.
    package var levelCounts: [Int] { levels.map(\.count) }

    func nextJobNumber() -> Int {
        nextJob += 1
        return nextJob
    }

    /// Bytes of a memtable that make a flush.
    var flushBytes: Int { options.tableBytes ?? max(store.options.memoryBytes * 15 / 100, 1 << 12) }

    var planner: CompactionPlanner {
        CompactionPlanner(
            trigger: options.levelZeroTrigger, ratio: options.levelRatio,
            levelOneBytes: options.levelOneBytes ?? max(flushBytes * 3, 1 << 14),
            levelsMax: options.levelsMax)
    }

    // MARK: Snapshots

    /// Pins what is there now: later changes do not touch it. To be released.
    package func makeSnapshot() -> KeyedSnapshot {
        memtable.freeze()
        pins[sequence, default: 0] += 1
        return KeyedSnapshot(version: sequence)
    }

    package func release(_ snapshot: KeyedSnapshot) {
        guard let count = pins[snapshot.version] else { return }
        pins[snapshot.version] = count > 1 ? count - 1 : nil
    }

    /// Tells how far event time has come: never back.
    package func advance(to watermark: Int64) {
        self.watermark = max(self.watermark, watermark)
        if lifetime?.origin == nil, self.watermark > .min { lifetime?.origin = self.watermark }
    }

    // MARK: State

    /// The files that hold all that was written before the last freeze of a table, once flushes
    /// under way are done.
    func files() -> [KeyedFamilyState.File] {
        var files = frozen.map {
            KeyedFamilyState.File(level: 0, name: $0.file.name, range: .all)
        }
        for (level, list) in levels.enumerated() {
            files += list.map { file in
                KeyedFamilyState.File(
                    level: level, name: file.name, range: file.isClipped ? file.range : .all)
            }
        }
        return files
    }

    /// The files of the levels, and where they stand.
    package func tables() -> [(level: Int, name: String)] {
        files().map { ($0.level, $0.name) }
    }

    /// Has all that was written so far flushed, and gives the files that hold it; each is held in
    /// the directory for the caller, who releases it.
    package func checkpoint() -> KeyedFamilyState {
        freeze()
        let state = KeyedFamilyState(
            name: name, operation: options.operation, hasLifetime: options.lifetime != nil,
            sequence: sequence, watermark: watermark, origin: lifetime?.origin, files: files())
        for file in state.files { store.directory.hold(file.name) }
        return state
    }

    /// Takes over what families of this name held, one for each of the workers of then; only the
    /// keys within the range of the options count. Files are shared, and only read.
    func restore(_ states: [KeyedFamilyState]) throws(StorageError) {
        let directory = store.directory
        levels = Array(repeating: [], count: options.levelsMax)
        for state in states {
            try check(state)
            sequence = max(sequence, state.sequence)
            watermark = max(watermark, state.watermark)
            if let origin = state.origin {
                let known = lifetime?.origin ?? .min
                lifetime?.origin = max(known, origin)
            }
            for place in state.files {
                let clip = place.range.intersection(options.range)
                guard !clip.isEmpty else { continue }
                let file = try directory.fileSystem.open(directory.path(of: place.name), .read)
                let opened = try KeyedFile(
                    file, name: place.name, number: directory.makeNumber(), clip: clip)
                guard let opened else { continue }
                directory.hold(place.name)
                filterBytes += opened.table.residentByteCount
                while levels.count <= place.level { levels.append([]) }
                levels[place.level].append(opened)
            }
        }
        for level in levels.indices.dropFirst() {
            sort(level)
            for (file, next) in zip(levels[level], levels[level].dropFirst())
            where !file.range.ends(atOrBefore: next.range.lower) {
                throw StorageError(
                    .corrupt, operation: "restore", path: next.table.path,
                    cause: "it overlaps \(file.name) in level \(level)",
                    advice: "restore the state from another checkpoint")
            }
        }
        levelsChanged()
    }

    /// Refuses a state whose values mean something else.
    private func check(_ state: KeyedFamilyState) throws(StorageError) {
        let cause: String
        if state.operation != options.operation {
            cause = "the values of '\(name)' were merged in another way"
        } else if state.hasLifetime != (options.lifetime != nil) {
            cause = "the values of '\(name)' had \(state.hasLifetime ? "a" : "no") lifetime"
        } else {
            return
        }
        throw StorageError(.other, operation: "restore", path: store.directory.path, cause: cause)
    }

    func sort(_ level: Int) {
        levels[level].sort { $0.range.lower.lexicographicallyPrecedes($1.range.lower) }
    }

    /// Brings what is derived from the levels up to date.
    func levelsChanged() {
        levelStarts = levels.map { files in
            files.map { file in
                unsafe file.range.lower.withUnsafeBytes { unsafe KeySort.word($0, at: 0) }
            }
        }
        let found = levels.joined().flatMap(\.tombstones)
        let own = memtable.tombstones + frozen.flatMap(\.table.tombstones)
        if !found.isEmpty || !own.isEmpty || !tombstones.isEmpty {
            tombstones = RangeTombstones(own + found)
        }
    }
}

/// Memory for the rows of a batch, used again and again.
@safe
final class KeyedScratch {
    private(set) var hashes = Slab(byteCount: 0)
    private(set) var entries = Slab(byteCount: 0)
    private(set) var status = Slab(byteCount: 0)
    private(set) var pending = Slab(byteCount: 0)
    private(set) var maybe = Slab(byteCount: 0)
    private(set) var files = Slab(byteCount: 0)
    var values = GrowingBytes(capacity: 1 << 10)
    var combined = GrowingBytes(capacity: 64)
    let found = FoundValues()
    /// A key on its own, padded, and its value.
    var key = Slab(byteCount: 64)
    let place = Slab(byteCount: 8)
    let hash = Slab(byteCount: 8)

    /// Makes room for so many rows.
    func reserve(_ rows: Int) {
        guard hashes.byteCount < rows * 8 else { return }
        hashes = Slab(byteCount: rows * 8)
        entries = Slab(byteCount: rows * 4)
        status = Slab(byteCount: rows)
        pending = Slab(byteCount: rows * 4)
        maybe = Slab(byteCount: rows * 4)
        files = Slab(byteCount: rows * 4)
    }
}
