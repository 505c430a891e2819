/// A column family kept apart by time bucket: tables in memory, runs on disk, and a bucket leaves
/// by the removal of its files.
///
/// A key's newest version wins: the hot table's, then those of frozen tables on their way to disk,
/// then those of runs, newest first. A key that is asked for comes back into the hot table, so that
/// callers work on the hot table alone.
package final class BucketedFamily {
    package let name: String
    let number: Int
    unowned let store: StateStore
    package let valueWidth: Int
    package let references: [Int]
    var buckets: [Int64: Bucket] = [:]
    var jobs: [Int: Job] = [:]
    /// The files that jobs under way write, by job.
    var writing: [Int: String] = [:]
    /// How far flushes under way have got, by job.
    var flushes: [Int: FlushProgress] = [:]
    private var nextJob = 0
    private var nextGeneration = 0
    /// Living sections of each file.
    var liveSections: [String: Int] = [:]
    /// Memory of all tables, of those that are frozen, and of filters and indexes, in bytes.
    var tableBytes = 0
    var frozenBytes = 0
    var filterBytes = 0
    /// Whether parts of filters may be on disk alone.
    var lacksFilterParts = false
    /// The buckets that are being merged.
    var merging: Set<Int64> = []

    /// One bucket's state.
    ///
    /// A generation is the time between two evictions of the bucket's table. What is written in
    /// one stays in its table until that is evicted and all of it is in runs, so that only the
    /// runs of generations without a table are ever asked.
    final class Bucket {
        var hot: HotTable
        /// The generation of the hot table; no two buckets ever have the same.
        var generation: Int
        /// Flushes of the hot table that are under way.
        var flushCount = 0
        /// Evicted tables whose flushes are under way, newest first.
        var frozen: [Frozen] = []
        /// Newest first.
        var runs: [PlacedRun] = []
        var lastUse: UInt64 = 0
        /// What `tableBytes` counts of the hot table.
        var hotBytes = 0
        var isMerging: Bool { ahead != nil }
        var ahead: MergeAhead?

        init(_ hot: HotTable, generation: Int) {
            self.hot = hot
            self.generation = generation
        }

        /// Whether a generation's table is still here.
        func isLiving(_ generation: Int) -> Bool {
            generation == self.generation || frozen.contains { $0.generation == generation }
        }

        /// Runs of this generation and later ones are in tables too.
        var leastLivingGeneration: Int { frozen.last?.generation ?? generation }

        /// The runs that are to be asked behind the tables, newest first.
        var cold: ArraySlice<PlacedRun> {
            let living = leastLivingGeneration
            let first = runs.firstIndex { $0.generation < living }
            return runs[(first ?? runs.endIndex)...]
        }
    }

    /// A table that left its bucket and is still being flushed.
    struct Frozen {
        let generation: Int
        let table: HotTable
        let byteCount: Int
        var flushCount: Int
    }

    /// A run of a bucket.
    struct PlacedRun {
        let section: ColdSection
        let generation: Int
    }

    /// What is under way.
    enum Job {
        /// By bucket: the generation that is flushed.
        case flush([Int64: Int])
        case merge(Int64, [PlacedRun])
    }

    init(
        name: String, number: Int, store: StateStore, valueWidth: Int, references: [Int]
    ) {
        self.name = name
        self.number = number
        self.store = store
        self.valueWidth = (valueWidth + 7) & ~7
        self.references = references
    }

    /// The starts of the buckets there are, ascending.
    package var starts: [Int64] { buckets.keys.sorted() }

    /// Bytes of the runs that hold living state.
    var diskBytes: Int {
        var total = 0
        for bucket in buckets.values {
            total += bucket.runs.reduce(0) { $0 + $1.section.section.storedByteCount }
        }
        return total
    }

    var isFlushing: Bool {
        jobs.values.contains { if case .flush = $0 { true } else { false } }
    }

    /// Entries that flushes under way have written, and all of theirs.
    var flushed: (done: Int, total: Int) {
        flushes.values.reduce((0, 0)) { ($0.0 + $1.done, $0.1 + $1.total) }
    }

    var isBusy: Bool { !jobs.isEmpty }

    func nextJobNumber() -> Int {
        nextJob += 1
        return nextJob
    }

    func nextGenerationNumber() -> Int {
        nextGeneration += 1
        return nextGeneration
    }

    /// Buckets whose hot table can be evicted.
    var candidates: [(family: Int, bucket: Int64, lastUse: UInt64, byteCount: Int)] {
        buckets.compactMap { start, bucket in
            guard bucket.hot.count > 0 else { return nil }
            return (number, start, bucket.lastUse, bucket.hotBytes)
        }
    }

    /// The hot table of a bucket, if there is such a bucket.
    package func existing(_ start: Int64) -> HotTable? { buckets[start]?.hot }

    func bucket(_ start: Int64) -> Bucket {
        if let bucket = buckets[start] { return bucket }
        let bucket = Bucket(
            HotTable(valueWidth: valueWidth, references: references),
            generation: nextGenerationNumber())
        buckets[start] = bucket
        return bucket
    }

    /// Finds the entry of each row's key in a bucket, making those that are missing; see
    /// `HotTable.getOrInsert`. The entries are those of the bucket's hot table.
    package func getOrInsert(
        bucket start: Int64, _ keys: EncodedKeys, rows: Slab?, count: Int, into entries: Slab
    ) throws(StorageError) -> HotTable {
        let bucket = bucket(start)
        let made = bucket.hot.getOrInsert(keys, rows: rows, count: count, into: entries)
        bucket.lastUse = store.nextUse()
        if made > 0, !bucket.frozen.isEmpty || !bucket.cold.isEmpty {
            try recall(bucket, keys, rows: rows, count: count, made: made, entries)
        }
        return bucket.hot
    }

    /// Finds the entry of each row's key in a bucket, or writes `HotTable.absent`.
    ///
    /// Where values are kept, what is found may be changed.
    package func find(
        bucket start: Int64, _ keys: EncodedKeys, rows: Slab?, count: Int, into entries: Slab
    ) throws(StorageError) {
        let bucket = bucket(start)
        bucket.hot.find(keys, rows: rows, count: count, into: entries)
        guard valueWidth > 0 || !bucket.frozen.isEmpty || !bucket.cold.isEmpty else { return }
        try recallFound(bucket, keys, rows: rows, count: count, entries)
    }

    /// Accounts for what a bucket's table has grown by, and keeps the store within its memory.
    ///
    /// Called when the caller is done with the tables it was given.
    package func balance(_ start: Int64) throws(StorageError) {
        if let bucket = buckets[start] {
            let byteCount = bucket.hot.byteCount
            tableBytes += byteCount - bucket.hotBytes
            bucket.hotBytes = byteCount
        }
        try store.balance()
    }

    /// Forgets a bucket; its files go when no other bucket and no checkpoint needs them.
    package func drop(_ start: Int64) throws(StorageError) {
        guard let bucket = buckets.removeValue(forKey: start) else { return }
        tableBytes -= bucket.hotBytes
        store.discard(bucket.hot)
        if let ahead = bucket.ahead {
            filterBytes -= ahead.filter.byteCount
            merging.remove(start)
        }
        for frozen in bucket.frozen { release(frozen) }
        for run in bucket.runs { try release(run.section) }
    }

    func release(_ frozen: Frozen) {
        store.discard(frozen.table)
        tableBytes -= frozen.byteCount
        frozenBytes -= frozen.byteCount
    }

    func release(_ section: ColdSection) throws(StorageError) {
        filterBytes -= section.byteCount
        try forget(section)
    }

    /// Lets go of the file of a section if no other section of it is in use.
    func forget(_ section: ColdSection) throws(StorageError) {
        let run = section.run
        let left = (liveSections[run.name] ?? 1) - 1
        liveSections[run.name] = left > 0 ? left : nil
        guard left == 0 else { return }
        store.cache.remove(file: run.number)
        if try store.directory.release(run.name) { store.statistics.filesRemoved += 1 }
    }
}
