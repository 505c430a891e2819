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
    let valueWidth: Int
    let references: [Int]
    var buckets: [Int64: Bucket] = [:]
    var jobs: [Int: Job] = [:]
    private var nextJob = 0
    /// Living sections of each file.
    var liveSections: [String: Int] = [:]
    /// Memory of all tables, of those that are frozen, and of filters and indexes, in bytes.
    var tableBytes = 0
    var frozenBytes = 0
    var filterBytes = 0

    /// One bucket's state.
    final class Bucket {
        var hot: HotTable
        /// Newest first.
        var frozen: [Frozen] = []
        /// Newest first.
        var sections: [ColdSection] = []
        var lastUse: UInt64 = 0
        /// What `tableBytes` counts of the hot table.
        var hotBytes = 0
        var isMerging = false

        init(_ hot: HotTable) { self.hot = hot }
    }

    /// A table that is being flushed.
    struct Frozen {
        let job: Int
        let table: HotTable
        let byteCount: Int
        /// Its run, once that is written.
        var section: ColdSection?
    }

    /// What is under way.
    enum Job {
        case flush([Int64])
        case merge(Int64, [ColdSection])
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
            total += bucket.sections.reduce(0) { $0 + $1.section.storedByteCount }
        }
        return total
    }

    var isFlushing: Bool {
        jobs.values.contains { if case .flush = $0 { true } else { false } }
    }

    var isBusy: Bool { !jobs.isEmpty }

    func nextJobNumber() -> Int {
        nextJob += 1
        return nextJob
    }

    /// Buckets whose hot table can be flushed.
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
        let bucket = Bucket(HotTable(valueWidth: valueWidth, references: references))
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
        if made > 0, !bucket.frozen.isEmpty || !bucket.sections.isEmpty {
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
        guard valueWidth > 0 || !bucket.frozen.isEmpty || !bucket.sections.isEmpty else { return }
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

    /// Forgets a bucket; its files go when no other bucket needs them.
    package func drop(_ start: Int64) throws(StorageError) {
        guard let bucket = buckets.removeValue(forKey: start) else { return }
        tableBytes -= bucket.hotBytes
        for frozen in bucket.frozen {
            release(frozen)
            if let section = frozen.section { try forget(section) }
        }
        for section in bucket.sections { try release(section) }
    }

    func release(_ frozen: Frozen) {
        tableBytes -= frozen.byteCount
        frozenBytes -= frozen.byteCount
    }

    func release(_ section: ColdSection) throws(StorageError) {
        filterBytes -= section.byteCount
        try forget(section)
    }

    /// Removes the file of a section if no other section of it is in use.
    func forget(_ section: ColdSection) throws(StorageError) {
        let run = section.run
        let left = (liveSections[run.name] ?? 1) - 1
        liveSections[run.name] = left > 0 ? left : nil
        guard left == 0 else { return }
        store.cache.remove(file: run.number)
        try store.directory.fileSystem.unlink(run.path)
        store.statistics.filesRemoved += 1
    }
}
