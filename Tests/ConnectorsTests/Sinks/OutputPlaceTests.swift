import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// What stands beside an output, and what becomes of that of earlier versions.
struct OutputPlaceTests {
    private static let former = ".weir-p-out"
    private static let journal = ".a.weir-journal"

    private func sink(
        _ files: MemoryFileSystem, _ path: String = "a", pipeline: String = "p",
        ahead: StagedFileSink.Ahead = .refuse
    ) throws -> StagedFileSink {
        StagedFileSink(
            FileSink.Options(path: path),
            at: OutputPlace(try PathTemplate(path), pipeline: pipeline, sink: "out"),
            ahead: ahead, fileSystem: files, clock: VirtualClock().clock)
    }

    /// Writes a line for an epoch; gives what was staged for it.
    private func write(_ epoch: Int, to sink: StagedFileSink, commits: Bool = true) throws
        -> [UInt8]
    {
        try sink.write([EncodedPart("\(epoch)\n")])
        let staged = try sink.stage(for: epoch)
        try staged.sync()
        if commits {
            try staged.commit()
            sink.committed(epoch)
        }
        return staged.own
    }

    /// A record of a journal as earlier versions wrote it.
    private func record(_ epoch: Int, _ changes: [(path: String, base: Int, end: Int)]) -> [UInt8] {
        var body = ByteWriter()
        body.append(Int64(epoch))
        body.append(count: changes.count)
        for change in changes {
            body.append(change.path)
            body.append(Int64(change.base))
            body.append(Int64(change.end))
        }
        var whole = ByteWriter()
        whole.append(UInt32(body.bytes.count))
        whole.append(CRC32C.checksum(SlabSlice(Slab(body.bytes), 0..<body.bytes.count)))
        return whole.bytes + body.bytes
    }

    /// What an earlier version staged for file `a`, which has lines 1 and 2, at epoch 2.
    private func formerOwn(journalled: Int = 2) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(count: 3)
        writer.append(count: 1)
        writer.append("a")
        writer.append(count: 0)
        writer.append(count: 4)
        writer.append(count: 0)
        writer.append(Self.former)
        writer.append(Int64(journalled))
        return writer.bytes
    }

    /// A disk that an earlier version has left, whose journal other files are in, too, or not.
    private func formerDisk(shared: Bool) -> MemoryFileSystem {
        let files = MemoryFileSystem()
        files.put("a", "1\n2\n")
        files.put("b", "other\n")
        files.put(Self.former + ".lock", "")
        var bytes = record(1, [("a", 0, 2)]) + record(2, [("a", 2, 4)])
        if shared { bytes += record(3, [("b", 0, 6)]) }
        files.put(Self.former, bytes: bytes)
        return files
    }

    @Test(arguments: [false, true])
    func aJournalOfAnEarlierVersionIsTakenOver(_ shared: Bool) throws {
        let files = formerDisk(shared: shared)
        let sink = try sink(files)
        try sink.resume(formerOwn(), epoch: 2)
        _ = try write(4, to: sink)
        try sink.close()
        #expect(files.text("a") == "1\n2\n4\n")
        #expect(files.text("b") == "other\n")
        #expect(files.paths.contains(Self.journal))
        #expect(files.paths.contains(Self.former) == shared)
        #expect(files.paths.contains(Self.former + ".lock") == shared)
    }

    /// It says what was committed behind a checkpoint, as before, but of this output alone.
    @Test func whatAnEarlierVersionCommittedIsRolledBack() throws {
        let files = formerDisk(shared: true)
        files.put("a", "1\n2\n3\n")
        let bytes = files.bytes(Self.former) + record(4, [("a", 4, 6)])
        files.put(Self.former, bytes: bytes)
        #expect(throws: SinkAhead.self) { try sink(files).resume(formerOwn(), epoch: 2) }
        try sink(files, ahead: .rollBack).resume(formerOwn(), epoch: 2)
        #expect(files.text("a") == "1\n2\n")
        #expect(files.text("b") == "other\n")
    }

    /// As in a journal of this version.
    @Test func aJournalOfAnEarlierVersionThatIsTooShortIsRefused() throws {
        let files = formerDisk(shared: false)
        for _ in 0..<2 {
            let error = #expect(throws: StorageError.self) {
                try sink(files).resume(formerOwn(journalled: 3), epoch: 3)
            }
            #expect(error?.kind == .corrupt)
        }
    }

    /// A damaged one stays as it is until that is allowed.
    @Test func aDamagedJournalOfAnEarlierVersionIsRefused() throws {
        let files = formerDisk(shared: false)
        var bytes = files.bytes(Self.former)
        bytes[9] ^= 1
        files.put(Self.former, bytes: bytes)
        #expect(throws: StorageError.self) { try sink(files).resume(formerOwn(), epoch: 2) }
        #expect(files.bytes(Self.former) == bytes)
        let allowed = try sink(files, ahead: .acceptDuplicates)
        try allowed.resume(formerOwn(), epoch: 2)
        let own = try write(4, to: allowed)
        try allowed.close()
        try sink(files).resume(own, epoch: 4)
        #expect(files.text("a") == "1\n2\n4\n")
    }

    @Test func aRunOfAnEarlierVersionKeepsItsOutput() throws {
        let files = formerDisk(shared: false)
        let lock = try files.open(Self.former + ".lock", .write(truncating: false))
        #expect(try lock.lock())
        let error = #expect(throws: StorageError.self) {
            try sink(files).resume(formerOwn(), epoch: 2)
        }
        #expect(error?.kind == .alreadyExists)
    }

    /// Staged files of earlier versions have the same owner in all pipelines of a name.
    @Test func stagedFilesOfEarlierVersionsGoWhereTheyAreOurs() throws {
        let files = formerDisk(shared: false)
        let bytes = Array(Self.former.utf8)
        let digits = String(Slab(bytes).hash(0..<bytes.count) & 0xffff_ffff, radix: 16)
        let owner = String(repeating: "0", count: 8 - digits.utf8.count) + digits
        for target in ["a", "b"] { files.put(".\(target).weir-\(owner)-9", "x") }
        try sink(files).resume(formerOwn(), epoch: 2)
        #expect(!files.paths.contains(".a.weir-\(owner)-9"))
        #expect(files.paths.contains(".b.weir-\(owner)-9"))
    }

    /// Rows that another run has put into the file since are not cut.
    @Test func rollingBackCutsNoRowsOfOthers() throws {
        let (files, clock) = (MemoryFileSystem(), VirtualClock())
        func sink(_ ahead: StagedFileSink.Ahead = .refuse) throws -> StagedFileSink {
            StagedFileSink(
                FileSink.Options(path: "a"), at: OutputPlace(try PathTemplate("a")), ahead: ahead,
                fileSystem: files, clock: clock.clock)
        }
        let first = try sink()
        try first.open()
        let own = try write(1, to: first)
        try first.close()
        clock.advance(nanoseconds: 5_000_000)
        let second = try sink()
        try second.open()
        _ = try write(2, to: second)
        try second.close()
        #expect(throws: SinkAhead.self) { try sink(.rollBack).resume(own, epoch: 1) }
        #expect(files.text("a") == "2\n")
    }

    /// The journal of the path that a sink had before is heeded.
    @Test func aSinkWithAnotherPathHeedsItsEarlierJournal() throws {
        let files = MemoryFileSystem()
        let first = try sink(files, "a")
        try first.open()
        let own = try write(1, to: first)
        let waiting = try write(2, to: first, commits: false)
        try first.close()
        let disk = files.crashKeepingWritten()
        let moved = try sink(disk, "b")
        try moved.resume(waiting, epoch: 2)
        _ = try write(3, to: moved)
        try moved.close()
        #expect(disk.text("a") == "1\n2\n")
        #expect(disk.text("b") == "3\n")
        let error = #expect(throws: SinkAhead.self) { try sink(disk, "b").resume(own, epoch: 1) }
        #expect(error?.paths == ["a"])
    }

    /// One output has one lock, whatever the pipelines are called; two in a directory have two.
    @Test func anOutputHasALockForItself() throws {
        let files = MemoryFileSystem()
        let one = try sink(files, "out/a-{date}")
        _ = try one.lastEpoch()
        _ = try sink(files, "out/a-{hour}").lastEpoch()
        _ = try sink(files, "out/a").lastEpoch()
        let error = #expect(throws: StorageError.self) {
            try sink(files, "out/a-{date}", pipeline: "q").lastEpoch()
        }
        #expect(error?.kind == .alreadyExists)
        let plain = FileSink(
            FileSink.Options(path: nil), at: OutputPlace(try PathTemplate("out/a-{date}")),
            fileSystem: files, clock: VirtualClock().clock)
        #expect(throws: StorageError.self) { try plain.open() }
        try one.close()
        try plain.open()
    }
}
