import Storage

/// What counting asks of a store.
protocol CounterStore: MeasuredStore {
    /// Adds 1 to the counters of keys; those that are missing start at 0.
    func add(_ keys: EncodedKeys) throws

    /// Reads all counters in the order of their keys: how many there are, and their sum.
    func sum() throws -> (count: Int, sum: UInt64)
}

/// Runs `merge`: counters that are read, changed and written, some of them often.
struct MergeWorkload {
    let count: Int
    let keyCount: Int
    let seed: UInt64

    func run(_ store: any CounterStore) throws -> [StoreResult] {
        let ranks = ZipfRanks(keys: keyCount)
        let keys = StoreKeys(keyBytes: 16)
        var timer = BatchTimer()
        try timer.time(count, keys) { operation in
            let rank = ranks.rank(StoreRandom.word(seed, UInt64(operation)))
            keys.add(StoreRandom.word(seed &+ 1, rank))
        } _: { encoded in
            try store.add(encoded)
        }
        var result = StoreResult(
            workload: "merge", form: store.form, operations: count, timer: timer)
        (result.written, result.settleSeconds) = try Stopwatch.timed(store.settle)
        result.diskBytes = try store.flush()
        result.digest = keys.digest
        var scan = BatchTimer()
        scan.begin()
        let (found, sum) = try store.sum()
        scan.end()
        guard sum == UInt64(count) else {
            throw StoreFailure("the counters add up to \(sum), not \(count)")
        }
        var sums = StoreResult(
            workload: "merge-scan", form: store.form, operations: found, timer: scan)
        sums.diskBytes = result.diskBytes
        sums.hits = found
        sums.checksum = sum
        return [result, sums]
    }
}

/// Counters in memory alone.
final class MemoryCounters: CounterStore, MemoryStore {
    private let table = HotTable(valueWidth: 8)
    private let entries = Slab(byteCount: StoreKeys.countMax * 4)

    func add(_ keys: EncodedKeys) throws {
        _ = table.getOrInsert(keys, rows: nil, count: keys.rowCount, into: entries)
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        for row in 0..<keys.rowCount {
            let value = unsafe table.value(of: words[row] & ~HotTable.isNewMark)
            let count = unsafe value.load(as: UInt64.self)
            unsafe value.storeBytes(of: count &+ 1, as: UInt64.self)
        }
    }

    func sum() throws -> (count: Int, sum: UInt64) {
        var sum: UInt64 = 0
        for entry in table.sortedEntries() { sum &+= table.word(of: entry, at: 0) }
        return (table.count, sum)
    }
}
