import Storage
import TestSupport
import Testing

/// Manifests through crashes, faults and damage.
struct ManifestFileTests {
    private static let path = "state/manifest"

    /// Writes bodies one after the other, and knows which of them must be there.
    private final class Writer {
        let bodies: [[UInt8]]
        /// How many writes are done, and were begun.
        var done = 0
        var begun = 0

        init(seed: UInt64) {
            var random = SplitMix64(seed: seed)
            bodies = [0, 1, 700, 3000].map { count in
                (0..<count).map { _ in UInt8(random.int(0..<256)) }
            }
        }

        func run(_ files: MemoryFileSystem) throws {
            (done, begun) = (0, 0)
            try files.makeDirectories("state")
            for body in bodies {
                begun += 1
                try ManifestFile.write(body, to: path, in: files)
                done += 1
            }
        }

        /// The last body that was written, or the one that was being written.
        func check(_ files: MemoryFileSystem) throws {
            guard try files.status(of: path) != nil else {
                #expect(done == 0)
                return
            }
            let body = try ManifestFile.read(path, in: files)
            #expect(bodies[max(done - 1, 0)..<begun].contains(body))
        }
    }

    @Test(arguments: Seeds.list(3))
    func oldOrNewOneOutlivesEveryCrash(seed: UInt64) throws {
        let writer = Writer(seed: seed)
        var matrix = CrashMatrix(seed: seed)
        matrix.powerCutCount = 20
        let count = try matrix.run(writer.run) { files, _ in try writer.check(files) }
        #expect(count == 22 * 21)
    }

    @Test(arguments: Seeds.list(3))
    func oldOrNewOneOutlivesEveryFault(seed: UInt64) throws {
        let writer = Writer(seed: seed)
        try FaultMatrix(seed: seed).run(writer.run) { files, _, _ in
            try writer.check(files)
            // What failed does not stand in the way of the next.
            try files.makeDirectories("state")
            try ManifestFile.write([1, 2, 3], to: Self.path, in: files)
            #expect(try ManifestFile.read(Self.path, in: files) == [1, 2, 3])
            #expect(files.paths == [Self.path])
        }
    }

    @Test func everyDamagedByteIsDetected() throws {
        let files = MemoryFileSystem()
        try files.makeDirectories("state")
        try ManifestFile.write(Array("a body".utf8), to: Self.path, in: files)
        let sound = files.bytes(Self.path)
        var damaged: [[UInt8]] = sound.indices.map { Array(sound.prefix($0)) }
        for index in sound.indices {
            for bit in 0..<8 as Range<UInt8> {
                var bytes = sound
                bytes[index] ^= 1 << bit
                damaged.append(bytes)
            }
        }
        damaged.append(sound + [0])
        for bytes in damaged {
            files.setBytes(Self.path, bytes)
            let error = #expect(throws: StorageError.self) {
                try ManifestFile.read(Self.path, in: files)
            }
            #expect(error?.kind == .corrupt)
            #expect(error?.path == Self.path)
        }
    }
}

/// Copies of files of state in another place.
struct StateFilesTests {
    private static let name = "0000000000000001-0-1.tab"
    private static let body = [UInt8](repeating: 5, count: 5000)

    private static func makeFiles() throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        try files.makeDirectories("here")
        try files.makeDirectories("there")
        try ManifestFile.write(body, to: "here/\(name)", in: files)
        files.syncAll()
        return files
    }

    private static func copy(_ files: MemoryFileSystem) throws {
        let here = StateFiles("here", fileSystem: files)
        try here.copyMissing(name, to: StateFiles("there", fileSystem: files))?.settle()
        try files.syncDirectory("there")
    }

    /// What has the name is whole; and another attempt makes it so.
    private static func check(_ files: MemoryFileSystem) throws {
        let there = StateFiles("there", fileSystem: files)
        if try there.byteCount(of: name) != nil { try there.verify(name) }
        try copy(files)
        try there.verify(name)
        #expect(try ManifestFile.read("there/\(name)", in: files) == body)
        #expect(files.paths == ["here/\(name)", "there/\(name)"])
    }

    @Test func copyIsWholeOrAbsentAfterEveryCrashAndFault() throws {
        let files = try Self.makeFiles()
        var crashes = CrashMatrix(seed: Seeds.base) { files.crashKeepingWritten() }
        crashes.powerCutCount = 20
        try crashes.run(Self.copy) { left, _ in try Self.check(left) }
        let faults = FaultMatrix(seed: Seeds.base) { files.crashKeepingWritten() }
        let errorCount = try faults.run(Self.copy) { left, _, _ in try Self.check(left) }
        #expect(errorCount > 10)
        #expect(try StateFiles("here", fileSystem: files).byteCount(of: Self.name) == 5024)
    }
}
