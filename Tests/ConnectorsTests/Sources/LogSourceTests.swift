import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

/// Logs as sources; what a pipeline makes of them is tested in `GoldenTests`.
struct LogSourceTests {
    /// A reader sees the mark of a commit before its writer has made it durable; a checkpoint that
    /// stands behind it must not last when the mark does not.
    @Test func whatACheckpointStandsBehindIsDurable() throws {
        let files = MemoryFileSystem()
        try LogWriter.create("log", options: LogOptions(), fileSystem: files)
        let writer = try LogWriter("log", mode: .staged, fileSystem: files, clock: { 0 })
        let reader = Reader(files)
        try reader.source.open()
        let batch = LogBatchBuilder()
        batch.add(SlabSlice("row"), timestamp: 0)
        _ = try writer.append(batch, to: 0)
        let ends = try writer.stage()

        files.observe { note in
            if note.operation == .write && !note.isBefore { reader.readAndCrash() }
        }
        try writer.commit(ends, epoch: 1)
        files.observe(nil)
        #expect(reader.found == ["resumed"])
    }

    @Test func addedPartitionsAreReadFromTheStart() throws {
        let files = MemoryFileSystem()
        var log = LogOptions()
        log.partitionCount = 2
        try LogWriter.create("log", options: log, fileSystem: files)
        let writer = try LogWriter("log", fileSystem: files, clock: { 0 })
        for (value, partition) in [("one", 0), ("two", 1)] {
            let batch = LogBatchBuilder()
            batch.add(SlabSlice(value), timestamp: 0)
            _ = try writer.append(batch, to: partition)
        }
        try writer.commit()
        func source(_ partitions: [Int]?) -> LogSource {
            var options = LogSource.Options(directory: "log")
            options.partitions = partitions
            options.partitionPerPartition = true
            return LogSource(options, fileSystem: files, clock: VirtualClock().clock)
        }
        let first = source([1])
        try first.open()
        var reading = SourceReading()
        try reading.read(first) { !$0.text.isEmpty }
        #expect(reading.text == "two\n" && reading.events == [.opened(0)])
        let second = source(nil)
        try second.resume(at: try #require(first.position))
        try reading.read(second)
        #expect(reading.text == "two\none\n" && reading.hasEnded)
        #expect(reading.events.contains(.opened(1)))
    }

    /// Another process, between two file operations of the writer.
    private final class Reader: @unchecked Sendable {
        // Sendable: the test has one thread.
        let source: LogSource
        private let files: MemoryFileSystem
        private(set) var found: [String] = []

        init(_ files: MemoryFileSystem) {
            self.files = files
            source = Self.source(files)
        }

        private static func source(_ files: MemoryFileSystem) -> LogSource {
            var options = LogSource.Options(directory: "log")
            options.isFollowing = true
            return LogSource(options, fileSystem: files, clock: VirtualClock().clock)
        }

        /// Reads, makes what its position stands on durable, and goes on from there after each of
        /// some power cuts.
        func readAndCrash() {
            guard found.isEmpty else { return }
            do {
                guard case .chunk = try source.read(byteCount: 1000, waitMilliseconds: 0),
                    let position = source.position
                else { return found = ["nothing was read"] }
                try source.sync()
                for seed in UInt64(0)..<20 {
                    try Self.source(files.crash(seed: seed)).resume(at: position)
                }
                found = ["resumed"]
            } catch {
                found = ["\(error)"]
            }
        }
    }
}
