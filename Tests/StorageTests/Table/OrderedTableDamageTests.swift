import TestSupport
import Testing

@testable import Storage

/// Damage to an ordered table is found and named, or does no harm.
struct OrderedTableDamageTests {
    typealias Entry = TableWorld.Entry

    static func smallEntries() -> [Entry] {
        (0..<60).map { number in
            Entry(
                key: Array("key-\(1000 + number / 2)".utf8), version: UInt64(100 - number),
                kind: number % 7 == 0 ? .delete : .put,
                value: [UInt8](repeating: UInt8(number), count: number % 9))
        }
    }

    static func smallTable(_ codec: BlockCodec) throws -> (MemoryFileSystem, [UInt8]) {
        let files = MemoryFileSystem()
        try TableWorld.write(
            smallEntries(), to: "t", in: files, .init(blockBytes: 200, codec: codec),
            attachment: [1, 2, 3])
        return (files, files.bytes("t"))
    }

    /// Reads all that can be read, in every way; gives whether anything was refused.
    static func isRefused(_ files: MemoryFileSystem, _ entries: [Entry]) throws -> Bool {
        do {
            let table = try TableWorld.open("t", in: files)
            var isRefused = false
            do {
                #expect(try TableWorld.all(table, nil) == entries)
                let attachment = try table.attachment()
                #expect(attachment.map { $0.slab.array($0.range) } == [1, 2, 3])
            } catch {
                isRefused = true
                #expect(throws: StorageError.self) { try table.verify() }
            }
            for number in stride(from: 0, to: entries.count, by: 4) {
                let key = entries[number].key
                do {
                    let found = try unsafe table.get(
                        key.span.bytes, hash40: TableWorld.hash(key), nil)
                    #expect(found.map { TableWorld.entry(key, $0) } == entries[number])
                } catch {
                    isRefused = true
                    #expect(error.kind == .corrupt && error.path == "t" && error.offset != nil)
                }
            }
            return isRefused
        } catch let error as StorageError {
            #expect(error.kind == .corrupt && error.path == "t", "\(error)")
            return true
        }
    }

    @Test(arguments: [BlockCodec.none, .lz4])
    func everyFlippedByteIsFound(codec: BlockCodec) throws {
        let (files, bytes) = try Self.smallTable(codec)
        let entries = Self.smallEntries()
        #expect(try !Self.isRefused(files, entries))
        for offset in bytes.indices {
            files.setBytes(
                "t",
                FrameTests.flipped(
                    bytes, offset, offset % 2 == 0 ? 0xff : 1 << UInt8(offset / 2 % 8)))
            #expect(try Self.isRefused(files, entries), "byte \(offset)")
            files.setBytes("t", bytes)
        }
    }

    @Test(arguments: [BlockCodec.none, .lz4])
    func everyCutIsFound(codec: BlockCodec) throws {
        let (files, bytes) = try Self.smallTable(codec)
        for count in 0..<bytes.count {
            files.setBytes("t", Array(bytes[..<count]))
            #expect(throws: StorageError.self, "cut to \(count) bytes") {
                try TableWorld.open("t", in: files)
            }
        }
    }

    @Test(arguments: Seeds.list(8))
    func damageToALargerTableIsFound(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let entries = TableWorld.entries(&random, keys: 300, versions: 2)
        let files = MemoryFileSystem()
        let options = OrderedTableWriter.Options(codec: random.pick(FrameTests.codecs))
        try TableWorld.write(entries, to: "t", in: files, options)
        let bytes = files.bytes("t")
        for _ in 0..<15 {
            files.setBytes(
                "t",
                FrameTests.flipped(bytes, random.int(0..<bytes.count), UInt8(random.int(1...255))))
            #expect(throws: StorageError.self, "\(Seeds.note(seed))") {
                try TableWorld.open("t", in: files).verify()
            }
            files.setBytes("t", bytes)
        }
    }

    /// Frames of a table: blocks, index, filter and footer.
    static func frames(_ table: OrderedTable, _ bytes: [UInt8]) -> [FramePlace] {
        let properties = table.properties
        var places = [properties.index] + [properties.filter].compactMap { $0 }
        // The blocks stand one behind the other; any stretch of them will do.
        for number in 0..<table.blockCount { places.append(table.place(of: number)) }
        let trailer = bytes[(bytes.count - FrameFormat.trailerBytes)...]
        let offset = trailer.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let count = trailer.dropFirst(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return places + [FramePlace(offset: offset, storedByteCount: count)]
    }

    /// Content that was written wrong, with checksums that are right, must not bring anything
    /// down; whether it can be told is another matter.
    @Test(arguments: Seeds.list(40))
    func wrongContentUnderRightChecksumsDoesNoHarm(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let entries = TableWorld.entries(&random, keys: 40, versions: 3)
        let files = MemoryFileSystem()
        let options = OrderedTableWriter.Options(
            blockBytes: 300, codec: random.chance(0.8) ? .none : .lz4)
        try TableWorld.write(entries, to: "t", in: files, options)
        let bytes = files.bytes("t")
        let frames = Self.frames(try TableWorld.open("t", in: files), bytes)
        for _ in 0..<60 {
            var damaged = bytes
            let place = random.pick(frames)
            let body = place.offset..<place.offset + place.storedByteCount - 4
            for _ in 0..<random.int(1...4) {
                damaged[random.int(body)] = UInt8(
                    random.pick([0, 1, 127, 128, 255, random.int(0...255)]))
            }
            let checksum = CRC32CTests.fast(Array(damaged[body]))
            for byte in 0..<4 {
                damaged[body.upperBound + byte] = UInt8(checksum >> (byte * 8) & 0xff)
            }
            files.setBytes("t", damaged)
            do {
                let table = try TableWorld.open("t", in: files)
                let iterator = table.iterator(nil)
                var steps = 0
                try iterator.seekToFirst()
                while iterator.isValid {
                    steps += 1
                    try iterator.next()
                }
                #expect(steps <= bytes.count)
                for _ in 0..<10 {
                    let key = OrderedTableTests.anyKey(entries, &random)
                    var found = try unsafe table.get(
                        key.span.bytes, hash40: TableWorld.hash(key), nil)
                    while let entry = found {
                        found = try unsafe table.older(than: entry, of: key.span.bytes, nil)
                    }
                    try unsafe iterator.seek(key.span.bytes)
                }
                try table.verify()
            } catch let error as StorageError {
                #expect(error.kind == .corrupt && error.offset != nil, "\(Seeds.note(seed))")
            }
        }
    }
}
