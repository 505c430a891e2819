import Storage

/// What storing values asks of a store.
protocol ValueStore: MeasuredStore {
    /// Sets the values of keys: 100 bytes each, at multiples of `PutWorkload.valueStride`.
    func put(_ keys: EncodedKeys, values: Slab) throws

    /// Looks keys up: how many are there, and the checksum of their values.
    func get(_ keys: EncodedKeys) throws -> (count: Int, checksum: UInt64)

    /// Reads everything in the order of keys.
    func scan() throws -> (count: Int, checksum: UInt64)
}

/// Runs `put`, and reads what was put: keys that are there, keys that are not, and everything.
struct PutWorkload {
    let count: Int
    let seed: UInt64

    static let valueBytes = 100
    static let valueStride = 104

    func run(_ store: any ValueStore) throws -> [StoreResult] {
        let keys = StoreKeys(keyBytes: 16)
        let values = Slab(byteCount: StoreKeys.countMax * Self.valueStride)
        var timer = BatchTimer()
        try timer.time(count, keys) { operation in
            writeValue(of: UInt64(operation), to: values, row: keys.count)
            keys.add(key(ofOperation: UInt64(operation)))
        } _: { encoded in
            try store.put(encoded, values: values)
        }
        var result = StoreResult(
            workload: "put", form: store.form, operations: count, timer: timer)
        let (diskBytes, seconds) = try Stopwatch.timed(store.flush)
        result.settleSeconds = seconds
        result.diskBytes = diskBytes
        result.written = try store.settle()
        result.digest = keys.digest
        var results = [result, try read(.hit, store), try read(.miss, store), try scan(store)]
        for index in results.indices { results[index].diskBytes = diskBytes }
        return results
    }

    private func key(ofOperation operation: UInt64) -> UInt64 {
        StoreRandom.word(seed &+ 1, StoreRandom.word(seed, operation) % UInt64(count))
    }

    /// 50 random bytes, twice.
    private func writeValue(of operation: UInt64, to values: Slab, row: Int) {
        let place = unsafe values.base + row &* Self.valueStride
        for index in 0..<7 {
            let word = StoreRandom.word(seed &+ 2, operation &* 8 &+ UInt64(index))
            unsafe place.storeBytes(of: word, toByteOffset: index &* 8, as: UInt64.self)
        }
        unsafe (place + 50).copyMemory(from: place, byteCount: 50)
    }

    private enum Reading { case hit, miss }

    private func read(_ reading: Reading, _ store: any ValueStore) throws -> StoreResult {
        let readCount = max(count / 10, 1)
        let total = UInt64(count)
        let keys = StoreKeys(keyBytes: 16)
        var timer = BatchTimer()
        var hits = 0
        var checksum: UInt64 = 0
        try timer.time(readCount, keys) { index in
            switch reading {
            case .hit:
                let operation = StoreRandom.word(seed &+ 3, UInt64(index)) % total
                keys.add(key(ofOperation: operation))
            case .miss:
                let number = total + StoreRandom.word(seed &+ 4, UInt64(index)) % total
                keys.add(StoreRandom.word(seed &+ 1, number))
            }
        } _: { encoded in
            let found = try store.get(encoded)
            hits += found.count
            checksum &+= found.checksum
        }
        guard hits == (reading == .hit ? readCount : 0) else {
            throw StoreFailure("\(hits) of \(readCount) keys are there")
        }
        var result = StoreResult(
            workload: reading == .hit ? "read-hit" : "read-miss", form: store.form,
            operations: readCount, timer: timer)
        result.hits = hits
        result.checksum = checksum
        result.digest = keys.digest
        return result
    }

    private func scan(_ store: any ValueStore) throws -> StoreResult {
        var timer = BatchTimer()
        timer.begin()
        let found = try store.scan()
        timer.end()
        var result = StoreResult(
            workload: "scan", form: store.form, operations: found.count, timer: timer)
        result.hits = found.count
        result.checksum = found.checksum
        return result
    }

    /// What a value of `byteCount` bytes adds to a checksum.
    @inline(__always)
    static func checksum(_ value: UnsafeRawPointer, byteCount: Int) -> UInt64 {
        unsafe value.loadUnaligned(as: UInt64.self) &+ UInt64(byteCount)
    }
}

/// Values in memory alone.
final class MemoryValues: ValueStore, MemoryStore {
    private let table = HotTable(valueWidth: PutWorkload.valueStride)
    private let entries = Slab(byteCount: StoreKeys.countMax * 4)

    func put(_ keys: EncodedKeys, values: Slab) throws {
        _ = table.getOrInsert(keys, rows: nil, count: keys.rowCount, into: entries)
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        for row in 0..<keys.rowCount {
            let value = unsafe table.value(of: words[row] & ~HotTable.isNewMark)
            unsafe value.copyMemory(
                from: values.base + row &* PutWorkload.valueStride,
                byteCount: PutWorkload.valueBytes)
        }
    }

    func get(_ keys: EncodedKeys) throws -> (count: Int, checksum: UInt64) {
        table.find(keys, rows: nil, count: keys.rowCount, into: entries)
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        var count = 0
        var checksum: UInt64 = 0
        for row in 0..<keys.rowCount {
            guard unsafe words[row] != HotTable.absent else { continue }
            count += 1
            let value = unsafe table.value(of: words[row])
            unsafe checksum &+= PutWorkload.checksum(value, byteCount: PutWorkload.valueBytes)
        }
        return (count, checksum)
    }

    func scan() throws -> (count: Int, checksum: UInt64) {
        var checksum: UInt64 = 0
        for entry in table.sortedEntries() {
            let value = unsafe table.value(of: entry)
            unsafe checksum &+= PutWorkload.checksum(value, byteCount: PutWorkload.valueBytes)
        }
        return (table.count, checksum)
    }
}
