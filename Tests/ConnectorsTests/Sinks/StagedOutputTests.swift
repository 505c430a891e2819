import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// What sinks have staged and committed, on disks that lose what was not synced.
struct StagedOutputTests {
    private static func fileSink(_ files: MemoryFileSystem) throws -> StagedFileSink {
        StagedFileSink(
            FileSink.Options(path: "out"), at: OutputPlace(try PathTemplate("out")),
            fileSystem: files,
            clock: VirtualClock().clock)
    }

    private static func logSink(_ files: MemoryFileSystem) -> LogSink {
        var options = LogSink.Options(
            directory: "log", owner: LogOwner(pipeline: "p", sink: "out"))
        options.isStaged = true
        return LogSink(options, fileSystem: files, clock: VirtualClock().clock) { _ in }
    }

    /// After a sync that failed, a later one says nothing about what was written before.
    @Test func aSinkWhoseSyncFailedStagesNoMore() throws {
        let files = MemoryFileSystem()
        let sink = try Self.fileSink(files)
        try sink.open()
        try sink.write([EncodedPart("a\n")])
        let staged = try sink.stage(for: 1)
        files.inject(.error(.inputOutput), on: .sync)
        #expect(throws: StorageError.self) { try staged.sync() }
        #expect(throws: StorageError.self) { try staged.sync() }
        #expect(throws: StorageError.self) { try sink.write([EncodedPart("b\n")]) }
        #expect(throws: StorageError.self) { try sink.stage(for: 2) }
    }

    /// A rename that was done, but not durable, is made so when it is done again.
    @Test(arguments: Seeds.list(20))
    func aCommitThatIsRepeatedIsDurable(_ seed: UInt64) throws {
        let files = MemoryFileSystem()
        let sink = try Self.fileSink(files)
        try sink.open()
        try sink.write([EncodedPart("a\n")])
        let staged = try sink.stage(for: 1)
        try staged.sync()
        // The journal's directory is synced first.
        files.inject(.short(1), on: .syncDirectory)
        files.inject(.error(.inputOutput), on: .syncDirectory)
        #expect(throws: StorageError.self) { try staged.commit() }
        try staged.commit()
        #expect(files.crash(seed: seed).text("out") == "a\n", "\(Seeds.note(seed))")
    }

    /// The segment of a run that was killed is there under a name that was never synced.
    @Test(arguments: Seeds.list(20))
    func aSegmentOfAKilledRunIsDurableWithTheNextCommit(_ seed: UInt64) throws {
        let files = MemoryFileSystem()
        let killed = Self.logSink(files)
        try killed.open()
        try killed.write([EncodedPart("a\n")])
        let left = files.crashKeepingWritten()
        let sink = Self.logSink(left)
        try sink.open()
        try sink.write([EncodedPart("b\n")])
        let staged = try sink.stage(for: 1)
        try staged.sync()
        try staged.commit()
        let disk = left.crash(seed: seed)
        let view = try LogView("log", fileSystem: disk)
        let reader = try LogReader(view, partition: 0, from: .earliest)
        let batch = try #require(try reader.next(), "\(Seeds.note(seed))")
        #expect(batch.header.recordCount == 1)
        #expect(reader.damages.isEmpty)
    }
}
