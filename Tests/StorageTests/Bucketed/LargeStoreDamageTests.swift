import TestSupport
import Testing

@testable import Storage

/// A store of some megabytes, damaged at random: what is asked gets the right answer, or an error
/// that names the file; and all damage is found where everything is read.
struct LargeStoreDamageTests {
    /// A checkpoint's files, and what it holds.
    private struct World: Sendable {
        let files: [String: [UInt8]]
        let snapshot: FamilySnapshot

        var byteCount: Int { files.values.reduce(0) { $0 + $1.count } }
    }

    private static let keyCount = 60_000
    private static let buckets = 3
    private static let valueWidth = 16

    /// Key `number`, of 24 to 80 bytes that do not compress.
    private static func key(_ number: Int) -> HotTableTests.Key {
        var random = SplitMix64(seed: UInt64(number))
        let hash = random.next()
        var bytes: [UInt8] = []
        for _ in 0..<(3 + number % 8) * 8 { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
        return HotTableTests.Key(bytes: bytes, hash: hash)
    }

    /// The bytes that are stored beside a key's value; none for some.
    private static func text(_ number: Int) -> [UInt8] {
        number % 3 == 0 ? [] : key(number).bytes.reversed() + key(number + 1).bytes
    }

    private static func makeStore(
        _ files: MemoryFileSystem
    ) throws -> (StateStore, BucketedFamily, StateDirectory) {
        let directory = try StateDirectory("state", fileSystem: files)
        var options = StateStore.Options(memoryBytes: 8 << 20)
        options.mergeCodec = .zstd(level: 1)
        let store = StateStore(
            directory: directory, worker: 0, options: options, executor: InlineExecutor())
        return (
            store, store.makeFamily("test", valueWidth: valueWidth, references: [8]), directory
        )
    }

    /// Made once: runs of several flushes, and of a merge.
    private static let world = Result { () throws -> World in
        let files = MemoryFileSystem()
        let (store, family, _) = try makeStore(files)
        let step = 2000
        for start in stride(from: 0, to: keyCount, by: step) {
            let numbers = Array(start..<start + step)
            let bucket = Int64(start / step % buckets)
            let entries = Slab(byteCount: step * 4)
            let table = try family.getOrInsert(
                bucket: bucket, HotTableTests.encoded(numbers.map(key)), rows: nil, count: step,
                into: entries)
            for (row, number) in numbers.enumerated() {
                let entry = HotTableTests.word(entries, row) & ~HotTable.isNewMark
                table.setWord(of: entry, at: 0, to: UInt64(number))
                let text = text(number)
                if text.isEmpty { continue }
                table.setWord(of: entry, at: 8, to: UInt64(table.store(text, replacing: 0)))
            }
            try family.balance(bucket)
            if random(start) < 4 { family.evict([bucket]) }
        }
        let snapshot = family.checkpoint()
        try store.settle()
        var content: [String: [UInt8]] = [:]
        for path in files.paths where path != "state/LOCK" { content[path] = files.bytes(path) }
        return World(files: content, snapshot: snapshot)
    }

    private static func random(_ number: Int) -> Int {
        var random = SplitMix64(seed: UInt64(number) &+ 99)
        return random.int(0..<10)
    }

    /// Damages a file: flips some bits, blanks or overwrites a stretch, moves one, or cuts the end.
    private static func damage(_ bytes: inout [UInt8], _ random: inout SplitMix64) -> String {
        let place = random.int(0..<bytes.count)
        let count = min(random.int(1...8192), bytes.count - place)
        switch random.int(0..<6) {
        case 0...1:
            let bit = UInt8(random.int(0..<8))
            bytes[place] ^= 1 << bit
            return "bit \(bit) at \(place)"
        case 2:
            for index in place..<place + count { bytes[index] = 0 }
            return "\(count) bytes blank at \(place)"
        case 3:
            for index in place..<place + count {
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            return "\(count) bytes at \(place)"
        case 4:
            let from = random.int(0...bytes.count - count)
            bytes.replaceSubrange(place..<place + count, with: Array(bytes[from..<from + count]))
            return "\(count) bytes from \(from) at \(place)"
        default:
            bytes.removeLast(bytes.count - place)
            return "cut at \(place)"
        }
    }

    /// Asks for some keys, and gives those that are answered wrong.
    private static func ask(
        _ family: BucketedFamily, _ random: inout SplitMix64
    ) throws -> [Int] {
        var wrong: [Int] = []
        for bucket in 0..<Int64(buckets) {
            // Some are in another bucket, or nowhere.
            let numbers = (0..<60).map { _ in random.int(0..<keyCount * 4 / 3) }
            let entries = Slab(byteCount: numbers.count * 4)
            try family.find(
                bucket: bucket, HotTableTests.encoded(numbers.map(key)), rows: nil,
                count: numbers.count, into: entries)
            let table = try #require(family.existing(bucket))
            for (row, number) in numbers.enumerated() {
                let isThere = number < keyCount && Int64(number / 2000 % buckets) == bucket
                let entry = HotTableTests.word(entries, row)
                guard entry != HotTable.absent else {
                    if isThere { wrong.append(number) }
                    continue
                }
                let reference = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
                let stored = reference == 0 ? [] : unsafe Array(table.stored(reference))
                if !isThere || table.word(of: entry, at: 0) != UInt64(number)
                    || stored != text(number)
                {
                    wrong.append(number)
                }
            }
        }
        return wrong
    }

    @Test func theStoreIsLargeAndSound() throws {
        let world = try Self.world.get()
        #expect(world.byteCount > 6 << 20 && world.files.count > 5)
        let files = MemoryFileSystem()
        for (path, bytes) in world.files { files.put(path, bytes: bytes) }
        let (store, family, _) = try Self.makeStore(files)
        defer { withExtendedLifetime(store) {} }
        try family.restore([world.snapshot])
        var random = SplitMix64(seed: 1)
        for _ in 0..<5 { #expect(try Self.ask(family, &random) == []) }
        for name in world.snapshot.files {
            try StateFiles("state", fileSystem: files).verify(name)
        }
    }

    @Test(arguments: Seeds.list(24))
    func damageIsNamedOrHarmless(_ seed: UInt64) throws {
        let world = try Self.world.get()
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        for (path, bytes) in world.files { files.put(path, bytes: bytes) }
        let (path, sound) = random.pick(world.files.sorted { $0.key < $1.key })
        var bytes = sound
        let what = "\(path): \(Self.damage(&bytes, &random)); \(Seeds.note(seed))"
        files.setBytes(path, bytes)
        do {
            let (store, family, _) = try Self.makeStore(files)
            defer { withExtendedLifetime(store) {} }
            try family.restore([world.snapshot])
            for _ in 0..<4 { #expect(try Self.ask(family, &random) == [], "\(what)") }
        } catch let error as StorageError {
            #expect(error.kind == .corrupt && error.path == path, "\(what): \(error)")
        }
        // Reading everything finds it, whatever was asked.
        do throws(StorageError) {
            try StateFiles("state", fileSystem: files).verify(FilePath.name(of: path))
            #expect(bytes == sound, "\(what) is not found")
        } catch {
            #expect(error.kind == .corrupt && error.path == path, "\(what): \(error)")
        }
    }
}
