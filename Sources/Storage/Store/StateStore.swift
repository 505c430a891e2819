/// The keyed state of one worker: column families in one directory, under one memory budget.
///
/// One owner uses it, without locks; what it freezes is flushed and merged behind a
/// `BackgroundExecutor`. State has no log of its own: a checkpoint is what makes it durable.
package final class StateStore {
    /// How state is kept.
    package struct Options: Sendable {
        /// Bytes of memory for tables, filters, indexes and cached blocks.
        package var memoryBytes: Int
        /// How flushes compress, and how merges do.
        package var codec = BlockCodec.lz4
        package var mergeCodec = BlockCodec.lz4
        /// Bytes of a block before compression, about: with its last entry it fits a slab of 4 KiB.
        package var blockBytes = 4000
        package var filterBitsPerKey = 10
        /// Runs of a bucket that make a merge.
        package var runsMax = 8
        /// Whether tables leave memory for disk when they fill it.
        package var evicts = true

        package init(memoryBytes: Int) { self.memoryBytes = memoryBytes }
    }

    package let directory: StateDirectory
    /// Which of the pipeline's workers owns it.
    package let worker: Int
    package let options: Options
    /// The hashes, of 40 bits, of the keys that are this store's: files that it shares with others
    /// may hold more.
    let hashes: ClosedRange<UInt64>
    let executor: any BackgroundExecutor
    let completions = Completions()
    let cache: BlockCache
    package private(set) var families: [BucketedFamily] = []
    package internal(set) var statistics = Statistics()
    /// Counts uses of buckets, to find those longest unused.
    private var uses: UInt64 = 0

    /// What the store did so far.
    package struct Statistics: Sendable, Equatable {
        /// Bytes of files written by flushes, and by merges.
        package var flushedBytes = 0
        package var mergedBytes = 0
        package var filesWritten = 0
        package var filesRemoved = 0
        /// Times that the owner waited for a flush.
        package var waits = 0
    }

    /// The range of all hashes.
    package static let allHashes: ClosedRange<UInt64> = 0...(1 << 40 - 1)

    /// An empty store whose files go to `directory`.
    package init(
        directory: StateDirectory, worker: Int, options: Options,
        executor: any BackgroundExecutor, hashes: ClosedRange<UInt64> = StateStore.allHashes
    ) {
        self.hashes = hashes
        self.directory = directory
        self.worker = worker
        self.options = options
        self.executor = executor
        cache = BlockCache(budget: options.memoryBytes / 8)
    }

    /// A new bucketed family; `references` as `HotTable` has them.
    package func makeFamily(
        _ name: String, valueWidth: Int, references: [Int] = []
    ) -> BucketedFamily {
        let family = BucketedFamily(
            name: name, number: families.count, store: self, valueWidth: valueWidth,
            references: references)
        families.append(family)
        return family
    }

    /// The next number in the order of uses.
    func nextUse() -> UInt64 {
        uses += 1
        return uses
    }

    /// Bytes of memory in use, by what they are for.
    package var memory: (tables: Int, filters: Int, cache: Int) {
        var (tables, filters) = (0, 0)
        for family in families {
            tables += family.tableBytes
            filters += family.filterBytes
        }
        return (tables, filters, cache.byteCount)
    }

    /// Bytes of the files that hold living state.
    package var diskBytes: Int { families.reduce(0) { $0 + $1.diskBytes } }

    /// Takes in what background jobs have done, and keeps memory within the budget: what was
    /// unused longest is flushed from six tenths of it on, and the owner waits where flushing does
    /// not keep up. Called by families after they grew.
    func balance() throws(StorageError) {
        try takeCompletions()
        // Growing tables, background jobs and pooled memory take a share that is not counted.
        let budget = options.memoryBytes - options.memoryBytes / 5
        let (tables, filters, _) = memory
        cache.budget = max(budget / 16, min(budget / 4, budget - tables - filters))
        let frozen = families.reduce(0) { $0 + $1.frozenBytes }
        guard options.evicts else { return }
        let room = max(budget - filters - budget / 16, budget / 16)
        if tables - frozen > room * 6 / 10 || (frozen == 0 && tables > room * 6 / 10) {
            freezeOldest(room: room, tables: tables - frozen)
        }
        while self.memory.tables > room * 9 / 10, families.contains(where: { $0.isFlushing }) {
            statistics.waits += 1
            executor.wait(completions.waker)
            try takeCompletions()
        }
    }

    /// Freezes the buckets unused for longest, about a sixth of what there is room for.
    private func freezeOldest(room: Int, tables: Int) {
        var candidates = families.flatMap { $0.candidates }
        candidates.sort { $0.lastUse < $1.lastUse }
        var chosen: [Int: [Int64]] = [:]
        var bytes = 0
        for candidate in candidates where bytes < room / 6 {
            chosen[candidate.family, default: []].append(candidate.bucket)
            bytes += candidate.byteCount
        }
        for (family, buckets) in chosen { families[family].evict(buckets) }
    }

    /// Waits until no job is under way.
    package func settle() throws(StorageError) {
        try takeCompletions()
        while families.contains(where: { $0.isBusy }) {
            executor.wait(completions.waker)
            try takeCompletions()
        }
    }

    /// Calls `body` in the background, when all that is frozen by now is in files or has failed.
    package func whenFlushed(_ body: @escaping @Sendable (_ hasFailed: Bool) -> Void) {
        let completions = completions
        executor.submit(.flush) { body(completions.hasFailed) }
    }

    private func takeCompletions() throws(StorageError) {
        for completion in completions.take() {
            try families[completion.family].complete(completion)
        }
    }
}
