import Storage

/// The operations of `dedup`: keys in buckets of time, some of them for the second time.
@safe
struct DedupOperations {
    static let bucketCount = 60
    /// Buckets that live at a time.
    static let liveBuckets = 12

    /// The rows of a batch that fall into one bucket.
    struct Part {
        let bucket: Int
        let rows: Slab
        var count = 0
    }

    let count: Int
    private let seed: UInt64
    /// Keys of each bucket so far.
    private var made = [UInt64](repeating: 0, count: bucketCount)
    private var position = 0
    let keys = StoreKeys(keyBytes: 24)
    private(set) var parts: [Part] = []
    /// The first bucket that lives.
    private(set) var firstLive = 0

    init(count: Int, seed: UInt64) {
        self.count = count
        self.seed = seed
    }

    /// How many keys are new in what was made so far.
    var newKeys: Int { Int(made.reduce(0, +)) }

    /// Makes the next batch; false at the end.
    mutating func advance() -> Bool {
        guard position < count else { return false }
        let end = min(position + StoreKeys.countMax, count)
        firstLive = max(0, bucket(at: position) - Self.liveBuckets + 1)
        keys.removeAll()
        parts.removeAll(keepingCapacity: true)
        for operation in position..<end { add(operation) }
        position = end
        return true
    }

    private func bucket(at operation: Int) -> Int { operation * Self.bucketCount / count }

    private mutating func add(_ operation: Int) {
        let word = StoreRandom.word(seed, UInt64(operation))
        var bucket = bucket(at: operation)
        if word % 16 == 0 && bucket > 0 { bucket -= 1 }
        var number = made[bucket]
        if (word &>> 4) % 65536 < 6554 && number > 0 {
            let span = (word &>> 20) % 2 == 1 ? min(number, 4096) : number
            number = number - 1 - (word &>> 21) % span
        } else {
            made[bucket] += 1
        }
        let place = parts.firstIndex { $0.bucket == bucket } ?? parts.count
        if place == parts.count {
            parts.append(Part(bucket: bucket, rows: Slab(byteCount: StoreKeys.countMax * 4)))
        }
        unsafe parts[place].rows.base.storeBytes(
            of: UInt32(keys.count), toByteOffset: parts[place].count * 4, as: UInt32.self)
        parts[place].count += 1
        keys.add(StoreRandom.word(seed &+ 1, UInt64(bucket) &<< 32 | number))
    }
}

/// What dedup asks of a store.
protocol DedupStore: MeasuredStore {
    /// Makes the keys of some rows in a bucket; gives how many were new.
    func insert(_ keys: EncodedKeys, _ part: DedupOperations.Part, entries: Slab) throws -> Int

    /// Forgets the buckets before `first`.
    func expire(before first: Int) throws

    /// Starts a checkpoint, and lets go of the one before the last three.
    func checkpoint() throws
}

/// Runs `dedup`.
struct DedupWorkload {
    let count: Int
    let seed: UInt64
    /// Seconds from one checkpoint to the next; nil for none.
    var checkpointEvery: Double?

    func run(_ store: any DedupStore) throws -> StoreResult {
        var operations = DedupOperations(count: count, seed: seed)
        var timer = BatchTimer()
        let entries = Slab(byteCount: StoreKeys.countMax * 4)
        var hits = 0
        var checkpoints = 0
        while operations.advance() {
            timer.begin()
            if let every = checkpointEvery,
                Double(timer.nanoseconds) > every * 1e9 * Double(checkpoints + 1)
            {
                checkpoints += 1
                try store.checkpoint()
            }
            try store.expire(before: operations.firstLive)
            let keys = operations.keys.encoded()
            for part in operations.parts {
                hits += try store.insert(keys, part, entries: entries)
            }
            timer.end()
        }
        guard hits == operations.newKeys else {
            throw StoreFailure("made \(hits) keys, not \(operations.newKeys)")
        }
        var result = StoreResult(
            workload: "dedup", form: store.form, operations: count, timer: timer)
        (result.written, result.settleSeconds) = try Stopwatch.timed(store.settle)
        result.diskBytes = try store.flush()
        result.hits = hits
        result.checkpoints = checkpoints
        result.digest = operations.keys.digest
        return result
    }
}
