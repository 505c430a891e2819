import Storage
import Synchronization
import TestSupport
import Testing

/// What went wrong with the disk buffers of other streaming tools, each as a test of this log.
struct LogHistoryTests {
    private func fixture(_ change: (inout LogOptions) -> Void = { _ in }) throws -> LogFixture {
        let fixture = LogFixture(CrashDisk())
        var options = LogOptions()
        options.sync = .every
        change(&options)
        try fixture.create(options)
        return fixture
    }

    /// A writer that goes without a flush must not take its last events along.
    @Test func writerThatIsDroppedLosesNothing() throws {
        let fixture = try fixture { $0.sync = .interval(1_000_000) }
        var writer: LogWriter? = try fixture.writer()
        try writer?.append(["a", "b"])
        writer = nil
        #expect(try fixture.values() == ["a", "b"])
        #expect(try fixture.writer().mark.partitions[0].synced == 2)
    }

    /// What was refused must not count as delivered.
    @Test func refusedBatchMovesNoOffset() throws {
        let fixture = try fixture { $0.quota = 1000 }
        let writer = try fixture.writer()
        try writer.append(["a"])
        let refused = LogBatchBuilder()
        refused.add(String(repeating: "x", count: 2000))
        #expect(throws: StorageError.self) { try writer.append(refused, to: 0) }
        #expect(writer.ends.partitions[0].offset == 1)
        try writer.commit()
        #expect(try writer.append(["b"]) == 1..<2)
        try writer.commit()
        #expect(try fixture.values() == ["a", "b"])
    }

    /// The size is what the files have, whatever happened: it never falls below zero and blocks.
    @Test func sizeIsThatOfTheFiles() throws {
        let fixture = try fixture {
            $0.segmentBytes = 4096
            $0.quota = 30_000
        }
        let writer = try fixture.writer()
        for round in 0..<200 {
            try writer.append([String(repeating: "x", count: 1000)])
            try writer.commit()
            try writer.trim(0, to: max(Int64(round) - 10, 0))
            try writer.trim(0, to: max(Int64(round) - 10, 0))
            let names = try fixture.fileSystem.names(in: LogFixture.path)
            var sum = 0
            for name in names where name.hasSuffix(".segment") {
                sum +=
                    try fixture.fileSystem.status(of: "\(LogFixture.path)/\(name)")?.byteCount ?? 0
            }
            #expect(writer.byteCount == sum)
            #expect(sum < 30_000)
        }
    }

    /// A segment's end in the mark and its removal are two steps: a crash between them leaves a
    /// file that goes at the next start.
    @Test func segmentWhoseRemovalFailedGoesAtTheNextStart() throws {
        let disk = CrashDisk()
        let writer = try LogFixture(disk).filledWriter(batches: 12)
        try writer.commit()
        let before = try disk.names(in: LogFixture.path).count { $0.hasSuffix(".segment") }
        // Mark, sync, mark's copy; then the first removal.
        disk.stop(at: disk.operations + 4)
        #expect(throws: StorageError.self) { try writer.trim(0, to: 12) }
        var random = SplitMix64(seed: 1)
        let next = disk.afterCrash(&random, losesPower: true)
        #expect(try next.names(in: LogFixture.path).count { $0.hasSuffix(".segment") } == before)
        let again = try LogFixture(next).writer()
        #expect(again.mark.partitions[0].start == 12)
        #expect(try next.names(in: LogFixture.path).count { $0.hasSuffix(".segment") } == 1)
        #expect(try again.append(["on"]) == 12..<13)
        try again.commit()
        #expect(try LogFixture(next).values() == ["on"])
    }

    /// A log that cannot be read as a whole is read in part, and never has to be removed by hand.
    @Test func logWithAForeignSegmentOpens() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        try fixture.create()
        let writer = try fixture.writer()
        try writer.append(["a", "b"])
        try writer.close()
        var random = SplitMix64(seed: 3)
        let noise = (0..<5000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        files.setBytes("logs/orders/0-00000000000000000000.segment", noise)
        let again = try fixture.writer()
        #expect(again.findings.damages.map(\.offsets) == [0..<2])
        #expect(try again.append(["c"]) == 2..<3)
        try again.close()
        let read = try fixture.read()
        #expect(read.records.map(\.value) == ["c"])
        #expect(read.damages.map(\.offsets) == [0..<2])
        // The next start finds the same, and goes on.
        #expect(try fixture.writer().append(["d"]) == 3..<4)
    }

    /// A backlog is not loaded at the start: opening reads the end of one segment alone.
    @Test func openingReadsTheLastSegmentAlone() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        try fixture.filledWriter(batches: 60).close()
        // Whoever reads one of the others meets its damage.
        let segments = files.paths.filter { $0.hasSuffix(".segment") }
        #expect(segments.count == 20)
        for path in segments.dropLast() { files.setBytes(path, [1, 2, 3]) }
        #expect(try fixture.writer().findings.isClean)
        #expect(try fixture.read().damages.count == 19)
    }

    /// Reading a log with damage comes to an end, whatever the damage is: nobody loops over it.
    @Test func readingNoiseEnds() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        try fixture.create()
        let writer = try fixture.writer()
        for round in 0..<20 { try writer.append(["\(round)"]) }
        try writer.close()
        let path = "logs/orders/0-00000000000000000000.segment"
        let bytes = files.bytes(path)
        var random = SplitMix64(seed: Seeds.base)
        for _ in 0..<100 {
            var noisy = bytes
            for _ in 0..<random.int(1...40) {
                noisy[random.int(0..<noisy.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            files.setBytes(path, noisy)
            let read = try fixture.read()
            for record in read.records { #expect(record.value == "\(record.offset)") }
        }
    }

    @Test func secondWriterIsRefused() throws {
        let fixture = try fixture()
        let writer = try fixture.writer()
        #expect(throws: StorageError.self) { try fixture.writer() }
        try writer.close()
        _ = try fixture.writer()
    }

    @Test func failedSyncEndsTheWriter() throws {
        let disk = CrashDisk()
        let fixture = LogFixture(disk)
        var options = LogOptions()
        options.sync = .every
        try fixture.create(options)
        let writer = try fixture.writer()
        try writer.append(["a"])
        disk.stop(at: disk.operations + 1, fault: .inputOutput)
        #expect(throws: StorageError.self) { try writer.commit() }
        // What the device has is not known: nothing is acknowledged any more.
        #expect(throws: StorageError.self) { try writer.commit() }
        #expect(throws: StorageError.self) { try writer.append(["b"]) }
        #expect(throws: StorageError.self) { try writer.close() }
        _ = try fixture.writer()
    }

    /// A sync that is asked for is made, whatever the log's options leave to the system.
    @Test(arguments: [LogOptions.Sync.os, .interval(1_000_000)])
    func askedSyncIsMade(_ sync: LogOptions.Sync) throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        var options = LogOptions()
        options.sync = sync
        try fixture.create(options)
        let writer = try fixture.writer()
        for value in ["a", "b"] {
            try writer.append([value])
            try writer.commit()
            try writer.sync()
        }
        for seed in Seeds.list(20) {
            #expect(try LogFixture(files.crash(seed: seed)).values() == ["a", "b"])
        }
    }

    @Test func producersShareSyncs() throws {
        let fixture = try fixture()
        let disk = try #require(fixture.fileSystem as? CrashDisk)
        let writer = try fixture.writer()
        let before = disk.operations
        let threads = (0..<8).map { producer in
            TestThread { () -> Int in
                for round in 0..<50 {
                    do {
                        try writer.append(["\(producer).\(round)"])
                        try writer.commit()
                    } catch { return round }
                }
                return 50
            }
        }
        #expect(threads.map { $0.join() } == Array(repeating: 50, count: 8))
        let values = try fixture.values()
        #expect(values.count == 400)
        for producer in 0..<8 {
            let own = values.filter { $0.hasPrefix("\(producer).") }
            #expect(own == (0..<50).map { "\(producer).\($0)" })
        }
        // An append and at most four operations of a commit for each.
        #expect(disk.operations - before <= 400 * 5 + 4)
    }
}
