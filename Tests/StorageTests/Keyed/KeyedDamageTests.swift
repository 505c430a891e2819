import Storage
import TestSupport
import Testing

/// Damage to the files of a keyed family is found and named, or does no harm.
struct KeyedDamageTests {
    typealias Contents = [[UInt8]: [UInt8]]

    /// Some files with what they hold.
    struct World {
        let files = MemoryFileSystem()
        let state: KeyedFamilyState
        let contents: Contents

        /// Files of two levels, with merged, deleted and hidden keys.
        init(_ codec: BlockCodec, keyCount: Int) throws {
            let directory = try StateDirectory("state", fileSystem: files)
            let store = StateStore(
                directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
                executor: InlineExecutor())
            var options = KeyedFamilyOptions()
            options.operation = .append
            options.codecs = [codec]
            options.blockBytes = 256
            options.levelZeroTrigger = 2
            let family = try store.makeKeyedFamily("test", options)
            for round in 0..<3 as Range<UInt8> {
                for number in 0..<keyCount where number % 3 != Int(round) {
                    let key = Array("key-\(number)".utf8)
                    try family.merge(key, [UInt8](repeating: round + 65, count: 9))
                }
                try family.delete([UInt8]("key-1\(round)".utf8))
                family.freeze()
            }
            try family.deleteRange(KeyRange(prefix: Array("key-2".utf8)))
            state = family.checkpoint()
            try store.settle()
            contents = try family.iterator().contents()
            directory.close()
            #expect(state.files.count > 1 && Set(state.files.map(\.level)).count > 1)
        }

        func makeStore(_ directory: StateDirectory) -> StateStore {
            StateStore(
                directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
                executor: InlineExecutor())
        }

        /// The family as another run opens it.
        func restored(in store: StateStore) throws(StorageError) -> KeyedFamily {
            var options = KeyedFamilyOptions()
            options.operation = .append
            return try store.makeKeyedFamily("test", options, restoring: [state])
        }

        /// Reads everything; false where damage to a file was found.
        func isSound(_ path: String, _ what: @autoclosure () -> String) throws -> Bool {
            let directory = try StateDirectory("state", fileSystem: files)
            defer { directory.close() }
            let store = makeStore(directory)
            do throws(StorageError) {
                let family = try restored(in: store)
                let found = try family.iterator().contents()
                #expect(found == contents, "\(what()): other values")
                for (key, value) in contents {
                    let alone = try family.get(key)
                    #expect(alone == value, "\(what()): another value for \(key)")
                }
                return true
            } catch {
                #expect(error.kind == .corrupt, "\(what()): \(error)")
                #expect(error.path == path, "\(what()): \(error)")
                #expect(error.offset != nil, "\(what()): \(error)")
                return false
            }
        }
    }

    @Test(arguments: [BlockCodec.none, .lz4, .zstd(level: 1)])
    func everyByteCounts(_ codec: BlockCodec) throws {
        let world = try World(codec, keyCount: 40)
        for file in world.state.files {
            let path = "state/" + file.name
            #expect(try world.isSound(path, "no damage"))
            try StateFiles("state", fileSystem: world.files).verify(file.name)
            let whole = world.files.bytes(path)
            var foundCount = 0
            for place in whole.indices {
                var bytes = whole
                bytes[place] ^= place % 2 == 0 ? 0xff : 1 << UInt8(place / 2 % 8)
                world.files.setBytes(path, bytes)
                if try !world.isSound(path, "byte \(place) of \(path)") { foundCount += 1 }
                #expect(throws: StorageError.self, "byte \(place)") {
                    try StateFiles("state", fileSystem: world.files).verify(file.name)
                }
            }
            #expect(foundCount == whole.count, "\(path)")
            for count in whole.indices {
                world.files.setBytes(path, Array(whole[..<count]))
                #expect(try !world.isSound(path, "\(path) cut to \(count)"))
            }
            world.files.setBytes(path, whole)
        }
    }

    @Test(arguments: Seeds.list(3))
    func damageToALargerStoreIsFound(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let world = try World(random.pick([.none, .lz4, .zstd(level: 3)]), keyCount: 2_000)
        for _ in 0..<20 {
            let path = "state/" + random.pick(world.state.files).name
            let whole = world.files.bytes(path)
            var bytes = whole
            bytes[random.int(0..<bytes.count)] ^= UInt8(random.int(1...255))
            if random.chance(0.2) { bytes.removeLast(random.int(1..<bytes.count)) }
            world.files.setBytes(path, bytes)
            #expect(try !world.isSound(path, Seeds.note(seed)))
            world.files.setBytes(path, whole)
        }
    }

    @Test func missingFilesAreNamed() throws {
        let world = try World(.lz4, keyCount: 40)
        let path = "state/" + world.state.files[0].name
        try world.files.unlink(path)
        let directory = try StateDirectory("state", fileSystem: world.files)
        let store = world.makeStore(directory)
        do throws(StorageError) {
            _ = try world.restored(in: store)
            Issue.record("a missing file was not missed")
        } catch {
            #expect(error.kind == .notFound && error.path == path)
        }
    }
}
