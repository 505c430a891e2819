import Storage
import TestSupport
import Testing

/// What power cuts and kills leave of files in memory.
struct MemoryFileSystemCrashTests {
    private let files = MemoryFileSystem()
    private static let cuts: Range<UInt64> = 0..<200

    @Test func syncedContentOfSyncedNameIsAlwaysThere() throws {
        try files.makeDirectories("deep/below")
        let file = try files.open("deep/below/file", .write(truncating: true))
        try file.writeAll([SlabSlice("synced")])
        try file.sync()
        try files.syncDirectory("deep/below")
        for seed in Self.cuts {
            #expect(files.crash(seed: seed).contents == ["deep/below/file": Array("synced".utf8)])
        }
    }

    @Test func nameThatIsNotSyncedMayBeLost() throws {
        try files.write("text", to: "file")
        try files.open("file", .write(truncating: false)).sync()
        #expect(Set(Self.cuts.map { files.crash(seed: $0).text("file") }) == [nil, "text"])
        try files.syncDirectory("")
        try files.unlink("file")
        #expect(Set(Self.cuts.map { files.crash(seed: $0).text("file") }) == [nil, "text"])
        try files.syncDirectory("")
        #expect(Self.cuts.allSatisfy { files.crash(seed: $0).paths.isEmpty })
    }

    @Test func replacementIsOldOrNew() throws {
        files.put("target", "old")
        try files.write("newer", to: "target.new")
        try files.open("target.new", .write(truncating: false)).sync()
        try files.rename("target.new", to: "target")
        let texts = Self.cuts.map { files.crash(seed: $0).text("target") }
        #expect(Set(texts) == ["old", "newer"])
        try files.syncDirectory("")
        #expect(Self.cuts.allSatisfy { files.crash(seed: $0).contents == files.contents })
    }

    @Test func replacementWithoutSyncMayBeDamaged() throws {
        files.put("target", "old")
        try files.write("newer", to: "target.new")
        try files.rename("target.new", to: "target")
        let texts = Set(Self.cuts.map { files.crash(seed: $0).text("target") })
        #expect(texts.isSuperset(of: ["old", "newer", "", "\0\0\0\0\0"]))
    }

    @Test func fileThatMovesBetweenDirectoriesIsInOneOfThem() throws {
        files.put("a/file", "x")
        files.put("b/other", "y")
        try files.rename("a/file", to: "b/file")
        let places = Self.cuts.map { files.crash(seed: $0).paths }
        #expect(Set(places) == [["a/file", "b/other"], ["b/file", "b/other"]])
        try files.syncDirectory("a")
        #expect(Self.cuts.allSatisfy { files.crash(seed: $0).paths == ["b/file", "b/other"] })
    }

    @Test func independentChangesComeInAnyOrder() throws {
        try files.write("", to: "first")
        try files.write("", to: "second")
        let found = Set(Self.cuts.map { files.crash(seed: $0).paths })
        #expect(found == [[], ["first"], ["second"], ["first", "second"]])
    }

    @Test func laterChangesOfNameNeedEarlierOnes() throws {
        try files.makeDirectories("d")
        try files.write("", to: "d/a")
        try files.rename("d/a", to: "d/b")
        try files.write("", to: "d/a")
        try files.unlink("d/b")
        let found = Set(Self.cuts.map { files.crash(seed: $0).paths })
        #expect(found == [[], ["d/a"], ["d/b"], ["d/a", "d/b"]])
    }

    @Test func killLeavesAllThatWasWritten() throws {
        try files.makeDirectories("d")
        let file = try files.open("d/file", .append)
        #expect(try file.lock())
        try file.writeAll([SlabSlice("text")])
        let left = files.crashKeepingWritten()
        #expect(left.contents == ["d/file": Array("text".utf8)])
        #expect(left.openCount == 0)
        #expect(try left.open("d/file", .read).lock())
        #expect(try file.lock())
        #expect(try left.open("d/file", .read).status().identity == file.status().identity)
        // Nothing of it is durable for that.
        #expect(Set(Self.cuts.map { left.crash(seed: $0).text("d/file") }).contains(nil))
        try left.append(" more", to: "d/file")
        #expect(files.text("d/file") == "text")
        left.syncAll()
        #expect(Self.cuts.allSatisfy { left.crash(seed: $0).text("d/file") == "text more" })
        #expect(files.crash(seed: 0).operationCount == 0)
    }

    @Test func writesComeTornAndInAnyOrder() throws {
        files.put("file", String(repeating: "-", count: 2048))
        let file = try files.open("file", .write(truncating: false))
        for (offset, letter) in [(0, "a"), (512, "b"), (1024, "c")] {
            _ = try file.write(SlabSlice(String(repeating: letter, count: 1024)), at: offset)
        }
        try file.writeAll(SlabSlice(String(repeating: "d", count: 700)), at: 2048)
        var found: Set<String> = []
        for seed in 0..<2000 as Range<UInt64> {
            let text = files.crash(seed: seed).text("file") ?? ""
            let sectors = stride(from: 0, to: text.utf8.count, by: 512).map { start in
                Set(text.utf8.dropFirst(start).prefix(512))
            }
            #expect(sectors.allSatisfy { $0.count == 1 })
            found.insert(
                String(
                    decoding: sectors.compactMap { $0.first == 0 ? 0x30 : $0.first }, as: UTF8.self)
            )
        }
        let first = "-a", second = "-ab", third = "-bc", fourth = "-c"
        for text in found {
            let letters = Array(text)
            #expect((4...6).contains(letters.count))
            #expect(first.contains(letters[0]) && second.contains(letters[1]))
            #expect(third.contains(letters[2]) && fourth.contains(letters[3]))
            #expect(letters.dropFirst(4).allSatisfy { "d0".contains($0) })
        }
        // Among them: all, none, the last alone, a first half, a size without data.
        #expect(found.isSuperset(of: ["abccdd", "----", "--cc", "a---", "----00"]))
    }

    @Test func truncationAndWhatIsBehindItComeInOrder() throws {
        files.put("file", "old content")
        let file = try files.open("file", .write(truncating: true))
        try file.writeAll([SlabSlice("new")])
        let found = Set(Self.cuts.map { files.crash(seed: $0).text("file") })
        #expect(found == ["old content", "", "new", "\0\0\0"])
        try file.sync()
        #expect(Self.cuts.allSatisfy { files.crash(seed: $0).text("file") == "new" })
    }

    @Test(arguments: Seeds.list(30))
    func syncedBytesOutliveLaterWritesElsewhere(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let file = try files.open("file", .write(truncating: true))
        try files.syncDirectory("")
        var synced: [UInt8] = []
        var versions: [Set<UInt8>] = []
        var size = 0
        for _ in 0..<random.int(1...40) {
            let bytes = (0..<random.int(1...1500)).map { _ in UInt8(random.int(1...255)) }
            let offset = random.int(0...size)
            try file.writeAll(SlabSlice(bytes), at: offset)
            size = max(size, offset + bytes.count)
            while versions.count < size { versions.append([0]) }
            for (index, byte) in bytes.enumerated() { versions[offset + index].insert(byte) }
            if random.chance(0.2) {
                try file.sync()
                synced = files.bytes("file")
                versions = synced.map { [$0] }
            }
        }
        for cut in 0..<20 as Range<UInt64> {
            let left = files.crash(seed: seed &+ cut).bytes("file")
            #expect(left.count >= synced.count && left.count <= size, "\(Seeds.note(seed))")
            let isPossible = zip(left, versions).allSatisfy { $1.contains($0) }
            #expect(isPossible, "\(Seeds.note(seed))")
        }
        #expect(files.crash(seed: 1).contents == files.crash(seed: 1).contents)
    }

    @Test func failedSyncMayNeverBeMadeGood() throws {
        files.put("file", "")
        var lost = 0
        for _ in 0..<20 {
            files.overwrite("file", "")
            let file = try files.open("file", .write(truncating: false))
            try file.writeAll([SlabSlice("text")])
            files.inject(.error(.inputOutput), on: .sync)
            #expect(throws: StorageError.self) { try file.sync() }
            try file.sync()
            #expect(files.text("file") == "text")
            let left = Set(Self.cuts.map { files.crash(seed: $0).text("file") })
            #expect(left == ["text"] || left == ["\0\0\0\0"])
            if left == ["\0\0\0\0"] { lost += 1 }
        }
        #expect(lost > 0 && lost < 20)
    }
}
