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
        package var filterBitsPerKey = 15
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
    package private(set) var keyedFamilies: [KeyedFamily] = []
    package internal(set) var statistics = Statistics()
    private var discarded = DiscardedMemory()
    /// Bytes of growing tables when others were frozen last.
    private var grownAtFreeze = 0
    /// Counts uses of buckets, to find those longest unused.
    private var uses: UInt64 = 0

    /// What the store did so far.
    package struct Statistics: Sendable, Equatable {
        package var filesWritten = 0
        package var filesRemoved = 0
        /// Times that the owner waited for a flush.
        package var waits = 0
        /// Times that it paused for a flush to get on.
        package var pauses = 0
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

    /// A keyed family: a new one, or what families of its name held, one for each of the workers of
    /// then.
    package func makeKeyedFamily(
        _ name: String, _ options: KeyedFamilyOptions = KeyedFamilyOptions(),
        restoring states: [KeyedFamilyState] = []
    ) throws(StorageError) -> KeyedFamily {
        let family = KeyedFamily(
            name: name, number: keyedFamilies.count, store: self, options: options)
        if !states.isEmpty { try family.restore(states) }
        keyedFamilies.append(family)
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
        for family in keyedFamilies {
            tables += family.tableBytes
            filters += family.filterBytes
        }
        return (tables, filters, cache.byteCount)
    }

    /// Bytes of the files that flushes have written so far, and merges; may be asked on any thread.
    package var writtenBytes: (flushed: Int, merged: Int) { completions.writtenBytes }

    /// Bytes of the files that hold living state.
    package var diskBytes: Int {
        families.reduce(0) { $0 + $1.diskBytes } + keyedFamilies.reduce(0) { $0 + $1.diskBytes }
    }

    /// Takes in what background jobs have done, and keeps memory within the budget: what was
    /// unused longest is flushed from six tenths of it on (a single large table somewhat earlier,
    /// as it takes all until it is flushed), and the owner slows down where flushing does not keep
    /// up. Called by families after they grew.
    func balance() throws(StorageError) {
        try takeCompletions()
        if !families.isEmpty { try balanceFilters() }
        let (tables, filters, _) = memory
        discarded.release(tableBytes: tables)
        let budget = countedBytes
        // Bucketed families ask tables and filters most; keyed ones read blocks.
        let share = families.isEmpty ? budget : budget / (keyedFamilies.isEmpty ? 4 : 2)
        cache.budget = max(budget / 16, min(share, budget - tables - filters))
        if !keyedFamilies.isEmpty { try balanceKeyed(budget) }
        guard !families.isEmpty else { return }
        let keyed = keyedFamilies.reduce(0) { $0 + $1.tableBytes }
        let room = max(budget - filters - keyed - budget / 16, budget / 16)
        let frozen = families.reduce(0) { $0 + $1.frozenBytes }
        if bucketBytes - frozen > room * 6 / 10 || (frozen == 0 && largestTable > room * 9 / 20) {
            freezeOldest(room: room)
        }
        try slowDown(room: room)
    }

    /// Bytes of the tables of bucketed families.
    private var bucketBytes: Int { families.reduce(0) { $0 + $1.tableBytes } }

    /// Microseconds of a pause: the least, and the most.
    private static let pauseMicroseconds = (least: 50, most: 400)
    static let waitMilliseconds = 100

    /// Lets the owner wait while tables grow faster than flushes make room.
    ///
    /// A quarter of what flushes leave is there at once, and the rest as they get on. A writer that
    /// is ahead of that pauses at each batch, the longer the further it is ahead, so that it goes
    /// at their pace from early on and need not stop for a whole flush at the end.
    private func slowDown(room: Int) throws(StorageError) {
        var hasPaused = false
        while families.contains(where: { $0.isFlushing }) {
            let frozen = families.reduce(0) { $0 + $1.frozenBytes }
            guard frozen > 0 else { return }
            let growing = bucketBytes - frozen
            let most = room * 19 / 20
            let isFull = growing + frozen > most
            if !isFull {
                let flushed = families.reduce((done: 0, total: 1)) { all, family in
                    let (done, total) = family.flushed
                    return (all.done + done, all.total + total)
                }
                let left = Double(max(most - frozen - grownAtFreeze, 1))
                let share = 0.25 + 0.75 * Double(flushed.done) / Double(flushed.total)
                let ahead = Double(growing - grownAtFreeze) / left - share
                guard ahead > 0, !hasPaused else { return }
                hasPaused = true
                statistics.pauses += 1
                let (least, longest) = Self.pauseMicroseconds
                let part = min(ahead / Self.aheadMax, 1)
                executor.wait(
                    completions.waker,
                    microseconds: least + Int(Double(longest - least) * part))
            } else {
                statistics.waits += 1
                executor.wait(completions.waker, milliseconds: Self.waitMilliseconds)
            }
            try takeCompletions()
        }
    }

    /// How far a writer is ahead that pauses longest: a share of what flushes leave.
    private static let aheadMax = 0.2

    /// Bytes of the largest table that is not frozen.
    private var largestTable: Int {
        families.reduce(0) { largest, family in
            family.buckets.values.reduce(largest) { max($0, $1.hotBytes) }
        }
    }

    /// Lets go of a table's memory little by little.
    func discard(_ table: HotTable) { discarded.add(table.largeSlabs) }

    /// Freezes the buckets unused for longest, about a sixth of what there is room for.
    private func freezeOldest(room: Int) {
        var candidates = families.flatMap { $0.candidates }
        candidates.sort {
            ($0.lastUse, $0.family, $0.bucket) < ($1.lastUse, $1.family, $1.bucket)
        }
        var chosen: [Int: [Int64]] = [:]
        var bytes = 0
        for candidate in candidates where bytes < room / 6 {
            chosen[candidate.family, default: []].append(candidate.bucket)
            bytes += candidate.byteCount
        }
        for family in chosen.keys.sorted() { families[family].evict(chosen[family] ?? []) }
        grownAtFreeze = memory.tables - families.reduce(0) { $0 + $1.frozenBytes }
    }

    /// Waits until no job is under way.
    package func settle() throws(StorageError) {
        discarded.releaseAll()
        try takeCompletions()
        while families.contains(where: { $0.isBusy })
            || keyedFamilies.contains(where: { $0.isBusy })
        {
            executor.wait(completions.waker, milliseconds: Self.waitMilliseconds)
            try takeCompletions()
        }
    }

    /// Has merges stop where they are, and those that wait not begin: their owner will not come for
    /// what they make. May be called on any thread.
    package func stopMerges() { completions.stopMerges() }

    /// Calls `body` in the background, when all that is frozen by now is in files or has failed.
    package func whenFlushed(_ body: @escaping @Sendable (_ failure: StorageError?) -> Void) {
        let completions = completions
        executor.submit(.flush) { body(completions.failure) }
    }

    func takeCompletions() throws(StorageError) {
        for family in families { family.followMerges() }
        var first: StorageError?
        for completion in completions.take() {
            do throws(StorageError) {
                try complete(completion)
            } catch {
                // The others are done all the same, and come only once.
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    private func complete(_ completion: Completion) throws(StorageError) {
        switch completion.made {
        case .sections(let outcome):
            try families[completion.family].complete(completion.job, outcome)
        case .files(let outcome):
            try keyedFamilies[completion.family].complete(completion.job, outcome)
        }
    }
}
