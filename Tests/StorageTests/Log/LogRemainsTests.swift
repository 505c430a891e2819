import TestSupport
import Testing

@testable import Storage

/// Logs whose description is gone: nobody takes their records for nothing.
struct LogRemainsTests {
    private static let log = "logs/log"

    /// A log of three partitions, the last of which was never written to.
    private func disk() throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        var options = LogOptions()
        options.partitionCount = 3
        try LogWriter.create(Self.log, options: options, fileSystem: files)
        let writer = try LogWriter(Self.log, fileSystem: files, clock: { 0 })
        for value in ["a", "b"] {
            let batch = LogBatchBuilder()
            batch.add(SlabSlice(value), timestamp: 0)
            _ = try writer.append(batch, to: 1)
        }
        try writer.sync()
        try writer.close()
        return files
    }

    /// What a partition holds.
    private func ends(_ files: MemoryFileSystem) throws -> [Int64] {
        try LogView(Self.log, fileSystem: files).mark().partitions.map(\.end.offset)
    }

    @Test func recordsWithoutADescriptionAreNoAbsentLog() throws {
        let files = try disk()
        try files.unlink("\(Self.log)/log.meta")
        let segment = files.bytes("\(Self.log)/1-00000000000000000000.segment")
        let attempts: [() throws -> Void] = [
            { try LogWriter.create(Self.log, options: LogOptions(), fileSystem: files) },
            { try LogWriter.prepare(Self.log, options: LogOptions(), fileSystem: files) },
            { _ = try LogView(Self.log, fileSystem: files) },
            { _ = try LogWriter(Self.log, fileSystem: files) },
        ]
        for attempt in attempts {
            let error = #expect(throws: StorageError.self) { try attempt() }
            #expect(error?.kind == .corrupt && error?.advice.contains("log create") == true)
        }
        #expect(files.bytes("\(Self.log)/1-00000000000000000000.segment") == segment)
    }

    /// The number of partitions is that of the mark, whichever of its copies is whole.
    @Test(arguments: [0, 1, 2])
    func aDescriptionIsMadeAnew(_ marks: Int) throws {
        let files = try disk()
        let meta = files.bytes("\(Self.log)/log.meta")
        if marks == 1 {
            files.setBytes("\(Self.log)/log.meta", Array(meta.dropLast()))
        } else {
            try files.unlink("\(Self.log)/log.meta")
        }
        var bytes = files.bytes("\(Self.log)/log.marks")
        if marks > 0 { bytes[0] ^= 1 }
        if marks == 2 { bytes[4096] ^= 1 }
        files.setBytes("\(Self.log)/log.marks", bytes)
        let made = try LogWriter.describe(Self.log, options: LogOptions(), fileSystem: files)
        // Where both copies are gone, of a partition without segments nothing is known.
        #expect(made?.partitionCount == (marks == 2 ? 2 : 3))
        try LogWriter(Self.log, fileSystem: files, clock: { 0 }).close()
        #expect(try ends(files).prefix(2) == [0, 2])
        #expect(try LogWriter.describe(Self.log, options: LogOptions(), fileSystem: files) == nil)
    }

    /// A log that is whole, one that never had a record, and none at all.
    @Test func whatIsNotLostIsLeftAlone() throws {
        let files = try disk()
        #expect(try LogWriter.describe(Self.log, options: LogOptions(), fileSystem: files) == nil)
        #expect(try LogWriter.describe("none", options: LogOptions(), fileSystem: files) == nil)
        try LogWriter.create("new", options: LogOptions(), fileSystem: files)
        try files.unlink("new/log.meta")
        try LogWriter.create("new", options: LogOptions(), fileSystem: files)
        #expect(try LogView("new", fileSystem: files).mark().partitions.count == 1)
    }

    /// A log that is made anew from nothing, and killed on the way, is made anew again.
    @Test func aRemovalThatWasInterruptedIsNoLoss() throws {
        for operation in 1...30 {
            let files = try disk()
            files.fail(operation: operation, with: .error(.inputOutput))
            do {
                try LogWriter.rebuild(Self.log, from: [], end: 7, fileSystem: files)
            } catch {}
            files.heal()
            let left = files.crashKeepingWritten()
            try LogWriter.prepare(Self.log, options: LogOptions(), fileSystem: left)
            try LogWriter.rebuild(Self.log, from: [], end: 7, fileSystem: left)
            #expect(try ends(left) == [7], "operation \(operation)")
        }
    }
}
