import Storage
import TestSupport

/// A keyed family and the dictionary that it has to be equal to.
final class KeyedWorld {
    typealias Contents = [[UInt8]: Value]

    struct Value: Equatable {
        var bytes: [UInt8]
        var written: Int64
    }

    var random: SplitMix64
    let files = MemoryFileSystem()
    let executor: any BackgroundExecutor
    let manual: ManualExecutor?
    var directory: StateDirectory?
    var store: StateStore
    var family: KeyedFamily
    var options = KeyedFamilyOptions()
    let storeOptions: StateStore.Options
    var twin: Contents = [:]
    var watermark: Int64 = 0
    var snapshots: [(snapshot: KeyedSnapshot, twin: Contents)] = []
    let keySpan: Int
    var lastRead: [UInt8] = []

    /// A world whose jobs run by the test's leave, or at once; or behind `executor`.
    init(seed: UInt64, _ executor: (any BackgroundExecutor)? = nil) throws {
        var random = SplitMix64(seed: seed)
        let operations: [MergeOperator?] = [nil, .add, .min, .max, .append, .last]
        options.operation = random.pick(operations)
        if random.chance(0.25) { options.lifetime = Int64(random.int(5..<200)) }
        options.codecs = random.pick([[.none], [.lz4], [.lz4, .zstd(level: 1)], [.none, .lz4]])
        options.blockBytes = random.pick([100, 300, 4096])
        options.filterBitsPerKey = random.pick([0, 3, 10])
        options.levelZeroTrigger = random.pick([2, 4])
        options.levelZeroSlow = random.pick([2, 5, 20])
        options.levelZeroStop = random.pick([6, 36])
        options.levelRatio = random.pick([2, 4, 10])
        options.levelOneBytes = random.pick([2 << 10, 16 << 10, 1 << 20])
        options.fileBytes = random.pick([700, 4 << 10, 1 << 20])
        options.levelsMax = random.pick([2, 3, 5, 7])
        if random.chance(0.3) {
            options.rate = CompactionRate(bytesPerSecond: 1 << 16, now: { 0 }, pause: { _ in })
        }
        options.tableBytes = random.pick([3 << 10, 8 << 10, 32 << 10, nil])
        var storeOptions = StateStore.Options(
            memoryBytes: random.pick([64 << 10, 256 << 10, 4 << 20]))
        storeOptions.blockBytes = 4000
        self.storeOptions = storeOptions
        keySpan = random.pick([30, 400, 3000])
        manual = random.chance(0.7) && executor == nil ? ManualExecutor() : nil
        self.executor = executor ?? manual ?? InlineExecutor()
        let directory = try StateDirectory("state", fileSystem: files)
        self.directory = directory
        store = StateStore(
            directory: directory, worker: 0, options: storeOptions, executor: self.executor)
        family = try store.makeKeyedFamily("test", options)
        // Some families know no watermark at first: then their values count from the first one.
        if random.chance(0.5) { family.advance(to: 0) }
        self.random = random
    }

    // MARK: Data

    func randomKey() -> [UInt8] {
        let number = random.int(0..<keySpan)
        // Short ones, common starts, zeros at the end.
        switch number % 5 {
        case 0: return [UInt8(number & 0xff), UInt8(number >> 8)]
        case 1: return Array("order-eu-\(number)".utf8)
        case 2: return [UInt8](repeating: 0, count: number % 19)
        case 3: return Array("a-longer-start-of-many-keys/\(number / 7)/\(number)".utf8)
        default: return [7, UInt8(number >> 8), UInt8(number & 0xff), 0, 0, 0, 0, 0, 0]
        }
    }

    func randomValue() -> [UInt8] {
        switch options.operation {
        case .add, .min, .max, .last: return randomWord()
        case .append: return (0..<random.int(0..<12)).map { UInt8($0) }
        case nil:
            let count = random.chance(0.02) ? 6000 : random.int(0..<60)
            let first = UInt8(random.int(0..<256))
            return (0..<count).map { UInt8($0 & 15) &+ first }
        }
    }

    func randomWord() -> [UInt8] {
        let word = random.chance(0.5) ? UInt64(random.int(0..<50)) : random.next()
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }

    static func word(_ bytes: [UInt8]) -> UInt64 {
        bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    }

    static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }

    func merged(_ old: [UInt8], _ new: [UInt8]) -> [UInt8] {
        let (one, other) = (Self.word(Array(old.prefix(8))), Self.word(Array(new.prefix(8))))
        switch options.operation {
        case .add: return Self.bytes(one &+ other)
        case .min: return Int64(bitPattern: one) < Int64(bitPattern: other) ? old : new
        case .max: return Int64(bitPattern: one) > Int64(bitPattern: other) ? old : new
        case .append: return old + new
        case .last: return other >= one ? new : old
        case nil: return new
        }
    }

    /// What of some contents has not outlived its time.
    func living(_ contents: Contents) -> Contents {
        guard let lifetime = options.lifetime else { return contents }
        return contents.filter { $0.value.written + lifetime > watermark }
    }

    // MARK: The twin

    func twinPut(_ key: [UInt8], _ value: [UInt8]) {
        twin[key] = Value(bytes: value, written: watermark)
    }

    func twinMerge(_ key: [UInt8], _ value: [UInt8]) {
        let old = twin[key].flatMap { old -> [UInt8]? in
            if let lifetime = options.lifetime, old.written + lifetime <= watermark { return nil }
            return old.bytes
        }
        twinPut(key, old.map { merged($0, value) } ?? value)
    }

    func twinDelete(_ range: KeyRange) {
        twin = twin.filter { entry in
            let isBefore = entry.key.lexicographicallyPrecedes(range.lower)
            let isBehind = range.upper.map { !entry.key.lexicographicallyPrecedes($0) } ?? false
            return isBefore || isBehind
        }
    }

    func randomRange() -> KeyRange {
        switch random.int(0..<4) {
        case 0: return KeyRange(prefix: Array(randomKey().prefix(random.int(1..<14))))
        case 1: return KeyRange(lower: randomKey(), upper: nil)
        default:
            let (one, other) = (randomKey(), randomKey())
            return one.lexicographicallyPrecedes(other)
                ? KeyRange(lower: one, upper: other) : KeyRange(lower: other, upper: one)
        }
    }

    // MARK: Columns

    /// Keys as the columns of a batch; every physical row between two that count is rubbish.
    func encoded(_ keys: [[UInt8]]) -> (EncodedKeys, rows: Slab) {
        let total = keys.reduce(64) { $0 + ($1.count + 7) & ~7 + 8 }
        let bytes = Slab(byteCount: total)
        bytes.fill(0, count: total)
        let (places, hashes) = (
            Slab(byteCount: keys.count * 16), Slab(byteCount: keys.count * 16)
        )
        places.fill(0xee, count: keys.count * 16)
        let rows = Slab(byteCount: keys.count * 4 + 8)
        var offset = 0
        for (index, key) in keys.enumerated() {
            bytes.copy(SlabSlice(Slab(key), 0..<key.count), to: offset)
            unsafe places.base.storeBytes(
                of: UInt64(offset) << 32 | UInt64(key.count), toByteOffset: index * 16 + 8,
                as: UInt64.self)
            unsafe rows.base.storeBytes(
                of: UInt32(index * 2 + 1), toByteOffset: index * 4, as: UInt32.self)
            offset += (key.count + 7) & ~7
        }
        return (
            EncodedKeys(
                bytes: bytes, places: places, hashes: hashes, rowCount: keys.count * 2), rows
        )
    }

    /// Values for the rows of `encoded`.
    func values(_ values: [[UInt8]]) -> ByteValues {
        let bytes = Slab(byteCount: values.reduce(8) { $0 + $1.count })
        let places = Slab(byteCount: values.count * 16)
        places.fill(0xff, count: values.count * 16)
        var offset = 0
        for (index, value) in values.enumerated() {
            bytes.copy(SlabSlice(Slab(value), 0..<value.count), to: offset)
            unsafe places.base.storeBytes(
                of: UInt64(offset) << 32 | UInt64(value.count), toByteOffset: index * 16 + 8,
                as: UInt64.self)
            offset += value.count
        }
        return ByteValues(bytes: bytes, places: places)
    }

    /// Words of 8 bytes for the rows of `encoded`.
    func words(_ values: [[UInt8]]) -> Slab {
        let words = Slab(byteCount: values.count * 16)
        for (index, value) in values.enumerated() {
            words.copy(SlabSlice(Slab(value), 0..<8), to: index * 16 + 8)
        }
        return words
    }
}
