import TestSupport
import Testing

@testable import Storage

/// Damaged runs: every byte is detected, named, or harmless.
struct HashedRunDamageTests {
    private static let path = "state/0000000000000001-0-1.run"

    /// A small run with values and stored bytes, and a world in which it can be asked.
    private static func makeRun(_ codec: BlockCodec) throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        try files.makeDirectories("state")
        var options = HashedRunWriter.Options()
        options.blockBytes = 128
        options.codec = codec
        let writer = try HashedRunWriter(
            files.open(path, .write(truncating: true)), valueWidth: 16, references: [8],
            options: options)
        for bucket in 0..<2 as Range<Int64> {
            let table = HotTable(valueWidth: 16, references: [8])
            let keys = keys(bucket)
            let entries = Slab(byteCount: keys.count * 4)
            _ = table.getOrInsert(
                HotTableTests.encoded(keys), rows: nil, count: keys.count, into: entries)
            for row in keys.indices {
                let entry = HotTableTests.word(entries, row) & ~HotTable.isNewMark
                table.setWord(of: entry, at: 0, to: UInt64(row))
                let text = [UInt8](repeating: 7, count: row)
                table.setWord(of: entry, at: 8, to: UInt64(table.store(text, replacing: 0)))
            }
            writer.begin(bucket: bucket, keyCount: keys.count)
            try writer.add(table.freeze(), count: keys.count)
            try writer.endSection()
        }
        _ = try writer.finish()
        return files
    }

    private static func keys(_ bucket: Int64) -> [HotTableTests.Key] {
        (0..<20).map { number in
            let bytes = Array("key \(bucket) \(number)".utf8)
            return HotTableTests.Key(
                bytes: bytes, hash: UInt64(number + 1) &* 0x9e37_79b9_7f4a_7c15)
        }
    }

    /// Reads all of a run; gives the keys and values of it, or throws.
    private static func readAll(_ files: MemoryFileSystem) throws(StorageError) -> [String] {
        let run = try HashedRun(files.open(path, .read), name: "run", number: 1)
        try run.verify()
        var found: [String] = []
        for section in run.sections {
            let cold = try ColdSection(run, section, within: StateStore.allHashes)
            let cache = BlockCache(budget: 1 << 20)
            let keys = HotTableTests.encoded(keys(section.bucket))
            for row in 0..<keys.rowCount {
                let (key, count) = unsafe keys.key(row)
                let hash = (UInt64(row + 1) &* 0x9e37_79b9_7f4a_7c15) >> 24
                let place = unsafe try cold.find(hash, key, keyCount: count, cache)
                guard let place else { continue }
                let number = unsafe place.block.value(place.cursor).loadUnaligned(as: UInt64.self)
                let extras = unsafe Array(place.block.extras(place.cursor))
                found.append("\(section.bucket) \(row) \(number) \(extras)")
            }
        }
        return found
    }

    @Test(arguments: [BlockCodec.none, .lz4, .zstd(level: 1)])
    func everyByteCounts(_ codec: BlockCodec) throws {
        let files = try Self.makeRun(codec)
        let sound = try Self.readAll(files)
        #expect(sound.count == 40)
        let bytes = files.bytes(Self.path)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            files.setBytes(Self.path, damaged)
            expectDetected(files, sound, "byte \(index)")
        }
        for count in bytes.indices {
            files.setBytes(Self.path, Array(bytes[..<count]))
            expectDetected(files, sound, "cut at \(count)")
        }
    }

    private func expectDetected(_ files: MemoryFileSystem, _ sound: [String], _ what: String) {
        do throws(StorageError) {
            let found = try Self.readAll(files)
            #expect(found == sound, "\(what) gives other values")
        } catch {
            #expect(error.kind == .corrupt, "\(what): \(error)")
            #expect(error.path == Self.path, "\(what): \(error)")
        }
    }

    @Test func aFlushThatFailsIsToldAndLeavesNoFile() throws {
        for kind in [StorageError.Kind.noSpace, .inputOutput] {
            for operation in [MemoryFileSystem.Operation.open, .write, .sync] {
                let files = MemoryFileSystem()
                let directory = try StateDirectory("state", fileSystem: files)
                let store = StateStore(
                    directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
                    executor: InlineExecutor())
                let family = store.makeFamily("test", valueWidth: 0)
                let keys = Self.keys(0)
                let entries = Slab(byteCount: keys.count * 4)
                _ = try family.getOrInsert(
                    bucket: 0, HotTableTests.encoded(keys), rows: nil, count: keys.count,
                    into: entries)
                files.inject(.error(kind), on: operation)
                family.evict([0])
                #expect(throws: StorageError.self) { try store.settle() }
                #expect(files.paths == ["state/LOCK"])
            }
        }
    }
}
