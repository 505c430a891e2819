import Execution
import Storage

/// A keyed family in a store of its own.
final class MeasuredFamily {
    let family: KeyedFamily
    private let store: StateStore

    init(
        _ files: StoreFiles, memoryBytes: Int, _ name: String, _ options: KeyedFamilyOptions
    ) throws {
        let directory = try StateDirectory(files.path, fileSystem: files.fileSystem)
        store = StateStore(
            directory: directory, worker: 0,
            options: StateStore.Options(memoryBytes: memoryBytes), executor: BackgroundThreads())
        family = try store.makeKeyedFamily(name, options)
    }

    /// Waits for the background; gives the bytes written by flushes and merges.
    fileprivate func settle() throws -> (flushed: Int, merged: Int) {
        try store.settle()
        return store.writtenBytes
    }

    /// Writes everything to disk; gives the bytes there.
    fileprivate func flush() throws -> Int {
        family.freeze()
        try store.settle()
        return family.diskBytes
    }
}

/// One whose state is a keyed family.
protocol KeyedStore: MeasuredStore {
    var measured: MeasuredFamily { get }
}

extension KeyedStore {
    var form: String { "keyed" }
    fileprivate var family: KeyedFamily { measured.family }

    func settle() throws -> (flushed: Int, merged: Int) { try measured.settle() }

    func flush() throws -> Int { try measured.flush() }
}

/// Counters in a keyed family, by merge.
final class KeyedCounters: CounterStore, KeyedStore {
    let measured: MeasuredFamily
    private let ones = Slab(byteCount: StoreKeys.countMax * 8)

    init(_ files: StoreFiles, memoryBytes: Int) throws {
        var options = KeyedFamilyOptions()
        options.operation = .add
        measured = try MeasuredFamily(files, memoryBytes: memoryBytes, "counters", options)
        for row in 0..<StoreKeys.countMax {
            unsafe ones.base.storeBytes(of: 1, toByteOffset: row * 8, as: UInt64.self)
        }
    }

    func add(_ keys: EncodedKeys) throws {
        try family.merge(keys, rows: nil, count: keys.rowCount, words: ones)
    }

    func sum() throws -> (count: Int, sum: UInt64) {
        let iterator = family.iterator()
        try iterator.seekToFirst()
        var (count, sum) = (0, UInt64(0))
        while iterator.isValid {
            count += 1
            sum &+= unsafe iterator.value.unsafeLoadUnaligned(as: UInt64.self)
            try iterator.next()
        }
        return (count, sum)
    }
}

/// Values in a keyed family.
final class KeyedValues: ValueStore, KeyedStore {
    let measured: MeasuredFamily
    private let found = FoundValues()
    private let places = Slab(byteCount: StoreKeys.countMax * 8)

    init(_ files: StoreFiles, memoryBytes: Int) throws {
        measured = try MeasuredFamily(
            files, memoryBytes: memoryBytes, "values", KeyedFamilyOptions())
        for row in 0..<StoreKeys.countMax {
            let place = UInt64(row * PutWorkload.valueStride) << 32
            unsafe places.base.storeBytes(
                of: place | UInt64(PutWorkload.valueBytes), toByteOffset: row * 8,
                as: UInt64.self)
        }
    }

    func put(_ keys: EncodedKeys, values: Slab) throws {
        try family.put(
            keys, rows: nil, count: keys.rowCount,
            values: ByteValues(bytes: values, places: places))
    }

    func get(_ keys: EncodedKeys) throws -> (count: Int, checksum: UInt64) {
        try family.get(keys, rows: nil, count: keys.rowCount, into: found)
        let values = found.values
        let list = unsafe values.places.base.assumingMemoryBound(to: UInt64.self)
        var (count, checksum) = (0, UInt64(0))
        for row in 0..<keys.rowCount {
            let place = unsafe list[row]
            guard place != ByteValues.absent else { continue }
            count += 1
            let value = unsafe values.bytes.base + Int(place >> 32)
            unsafe checksum &+= PutWorkload.checksum(value, byteCount: Int(place & 0xffff_ffff))
        }
        return (count, checksum)
    }

    func scan() throws -> (count: Int, checksum: UInt64) {
        let iterator = family.iterator()
        try iterator.seekToFirst()
        var (count, checksum) = (0, UInt64(0))
        while iterator.isValid {
            count += 1
            let value = iterator.value
            checksum &+= unsafe value.unsafeLoadUnaligned(as: UInt64.self)
            checksum &+= UInt64(value.byteCount)
            try iterator.next()
        }
        return (count, checksum)
    }
}
