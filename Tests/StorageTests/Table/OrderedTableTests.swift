import TestSupport
import Testing

@testable import Storage

/// Ordered tables against the list of what was added.
struct OrderedTableTests {
    typealias Entry = TableWorld.Entry

    static func options(_ random: inout SplitMix64) -> OrderedTableWriter.Options {
        OrderedTableWriter.Options(
            blockBytes: random.pick([64, 300, 1024, 4096]),
            codec: random.pick([.none, .lz4, .zstd(level: 1)]),
            filterBitsPerKey: random.pick([0, 10]))
    }

    /// A table of random options, and what is in it.
    static func table(
        _ random: inout SplitMix64, keysMax: Int, versions: Int
    ) throws -> (entries: [Entry], OrderedTable) {
        let files = MemoryFileSystem()
        let keyCount = random.int(1...keysMax)
        let entries = TableWorld.entries(&random, keys: keyCount, versions: versions)
        try TableWorld.write(entries, to: "t", in: files, options(&random))
        return (entries, try TableWorld.open("t", in: files))
    }

    /// The newest entry of a key up to a version.
    static func expected(_ entries: [Entry], _ key: [UInt8], _ version: UInt64) -> Entry? {
        entries.first { $0.key == key && $0.version <= version }
    }

    /// A key that is there, or is not but looks like one.
    static func anyKey(_ entries: [Entry], _ random: inout SplitMix64) -> [UInt8] {
        var key = random.pick(entries).key
        switch random.int(0...7) {
        case 0: key.append(0)
        case 1: _ = key.popLast()
        case 2: if let last = key.indices.last { key[last] &+= 1 }
        case 3: if let last = key.indices.last { key[last] &-= 1 }
        case 4: if !key.isEmpty { key[random.int(0..<key.count)] ^= 1 }
        case 5: key = Array(key.prefix(random.int(0...key.count)))
        default: break
        }
        return key
    }

    @Test(arguments: Seeds.list(24))
    func readsWhatWasAdded(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        let entries = TableWorld.entries(&random, keys: random.int(1...300), versions: 3)
        let properties = try TableWorld.write(entries, to: "t", in: files, Self.options(&random))
        let table = try TableWorld.open("t", in: files)
        let cache = random.chance(0.8) ? BlockCache(budget: random.pick([0, 9000, 1 << 20])) : nil
        let note = Comment(rawValue: Seeds.note(seed))

        #expect(try TableWorld.all(table, cache) == entries, note)
        try table.verify()
        for found in [properties, table.properties] {
            #expect(found.entryCount == entries.count, note)
            #expect(found.deleteCount == entries.count { $0.kind == .delete })
            #expect(found.mergeCount == entries.count { $0.kind == .merge })
            #expect(found.keyCount == Set(entries.map(\.key)).count, note)
            #expect(found.leastKey == entries.first?.key)
            #expect(found.greatestKey == entries.last?.key)
            #expect(found.leastVersion == entries.map(\.version).min())
            #expect(found.greatestVersion == entries.map(\.version).max())
            #expect(found.keyByteCount == entries.reduce(0) { $0 + $1.key.count })
            #expect(found.valueByteCount == entries.reduce(0) { $0 + $1.value.count })
            #expect(found.byteCount == table.properties.byteCount)
        }
        for _ in 0..<300 {
            let key = Self.anyKey(entries, &random)
            let version = random.chance(0.5) ? .max : random.pick(entries).version
            let found = try unsafe table.get(
                key.span.bytes, hash40: TableWorld.hash(key), version: version, cache)
            let entry = found.map { TableWorld.entry(key, $0) }
            #expect(entry == Self.expected(entries, key, version), note)
        }
    }

    @Test(arguments: Seeds.list(16))
    func olderEntriesOfAKeyFollowOneAnother(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (entries, table) = try Self.table(&random, keysMax: 60, versions: 5)
        let cache = BlockCache(budget: 1 << 20)
        for key in Set(entries.map(\.key)) {
            var found: [Entry] = []
            var next = try unsafe table.get(key.span.bytes, hash40: TableWorld.hash(key), cache)
            while let entry = next {
                found.append(TableWorld.entry(key, entry))
                next = try unsafe table.older(than: entry, of: key.span.bytes, cache)
            }
            #expect(found == entries.filter { $0.key == key }, "\(Seeds.note(seed))")
        }
    }

    @Test(arguments: Seeds.list(16))
    func seeksToTheFirstEntryThatIsNotBelow(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (entries, table) = try Self.table(&random, keysMax: 200, versions: 3)
        let iterator = table.iterator(BlockCache(budget: 1 << 20))
        for _ in 0..<200 {
            let key = Self.anyKey(entries, &random)
            let version = random.chance(0.5) ? .max : random.pick(entries).version
            let start =
                entries.firstIndex {
                    key.lexicographicallyPrecedes($0.key)
                        || ($0.key == key && $0.version <= version)
                } ?? entries.count
            try unsafe iterator.seek(key.span.bytes, version: version)
            for expected in entries[start...].prefix(5) {
                #expect(iterator.isValid)
                guard iterator.isValid else { break }
                #expect(TableWorld.entry(iterator) == expected, "\(Seeds.note(seed))")
                try iterator.next()
            }
            if start + 5 > entries.count { #expect(!iterator.isValid, "\(Seeds.note(seed))") }
        }
    }

    @Test(arguments: [0, 10])
    func filterIsAskedForManyKeysAtOnce(bitsPerKey: Int) throws {
        var random = SplitMix64(seed: Seeds.base)
        let entries = TableWorld.entries(&random, keys: 500, versions: 1)
        let files = MemoryFileSystem()
        let options = OrderedTableWriter.Options(filterBitsPerKey: bitsPerKey)
        try TableWorld.write(entries, to: "t", in: files, options)
        let table = try TableWorld.open("t", in: files)
        let hashes = entries.map { entry in
            random.chance(0.5) ? TableWorld.hash(entry.key) << 24 : random.next()
        }
        let rows = hashes.indices.filter { $0 % 3 > 0 }.map { UInt32($0) }
        let maybe = Slab(byteCount: rows.count * 4)
        let count = table.mayHold(
            BloomFilterTests.slab(hashes), rows: BloomFilterTests.slab(rows), count: rows.count,
            into: maybe)
        let expected = rows.filter { table.mayHold(hashes[Int($0)] >> 24) }
        #expect(BloomFilterTests.rows(maybe, count) == expected)
        #expect((count < rows.count) == (bitsPerKey > 0))
    }

    @Test func manyVersionsOfOneKeyFillSeveralBlocks() throws {
        let files = MemoryFileSystem()
        let keys: [[UInt8]] = [[1], [2], [2, 0], [3]]
        let entries = keys.flatMap { key in
            (0..<200).map { number in
                Entry(key: key, version: UInt64(200 - number), kind: .merge, value: [7, 7, 7])
            }
        }
        let options = OrderedTableWriter.Options(blockBytes: 128, codec: .none)
        let properties = try TableWorld.write(entries, to: "t", in: files, options)
        #expect(properties.blockCount > 20 && properties.keyCount == 4)
        let table = try TableWorld.open("t", in: files)
        for key in keys {
            for version in UInt64(0)...201 {
                let found = try unsafe table.get(
                    key.span.bytes, hash40: TableWorld.hash(key), version: version, nil)
                #expect(found?.version == (version == 0 ? nil : min(version, 200)))
            }
        }
        let iterator = table.iterator(nil)
        try unsafe iterator.seek(([2] as [UInt8]).span.bytes)
        #expect(TableWorld.entry(iterator) == entries[200])
    }

    @Test func anAttachmentIsKeptEvenAlone() throws {
        let files = MemoryFileSystem()
        let attachment = [UInt8](repeating: 5, count: 1000)
        try TableWorld.write([], to: "t", in: files, .init(), attachment: attachment)
        let table = try TableWorld.open("t", in: files)
        let kept = try #require(try table.attachment())
        #expect(kept.slab.array(kept.range) == attachment)
        #expect(try TableWorld.all(table, nil).isEmpty)
        #expect(try unsafe table.get(attachment.span.bytes, hash40: 1, nil) == nil)
        try table.verify()
    }

    @Test func entriesThatAreTooLargeAreRefused() throws {
        let files = MemoryFileSystem()
        let writer = try OrderedTableWriter(
            files.open("t", .write(truncating: true)), options: .init())
        let large = [UInt8](repeating: 0, count: OrderedTableWriter.entryBytesMax)
        #expect(throws: StorageError.self) {
            try unsafe writer.add(
                key: ([1] as [UInt8]).span.bytes, hash40: 0, kind: .put, version: 1,
                value: large.span.bytes)
        }
    }

    @Test func faultsOfTheFileComeOut() throws {
        var random = SplitMix64(seed: Seeds.base)
        let entries = TableWorld.entries(&random, keys: 50, versions: 2)
        let files = MemoryFileSystem()
        for operation: MemoryFileSystem.Operation in [.write, .sync] {
            files.inject(.error(.noSpace), on: operation)
            #expect(throws: StorageError.self) {
                try TableWorld.write(entries, to: "t", in: files, .init())
            }
        }
        // Short reads and writes do no harm.
        for _ in 0..<20 { files.inject(.short(7), on: .write) }
        try TableWorld.write(entries, to: "t", in: files, .init())
        for _ in 0..<20 { files.inject(.short(3), on: .read) }
        #expect(try TableWorld.all(TableWorld.open("t", in: files), nil) == entries)
        let table = try TableWorld.open("t", in: files)
        files.inject(.error(.inputOutput), on: .read)
        #expect(throws: StorageError.self) { try TableWorld.all(table, nil) }
        #expect(try TableWorld.all(table, nil) == entries)
    }
}
