import Storage
import TestSupport
import Testing

/// Output that counts with its checkpoint: staged, committed, restored, rolled back.
struct LogEpochTests {
    private func fixture(_ fileSystem: any FileSystem = MemoryFileSystem()) throws -> LogFixture {
        let fixture = LogFixture(fileSystem)
        var options = LogOptions()
        options.partitionCount = 2
        options.segmentBytes = 4096
        try fixture.create(options)
        return fixture
    }

    private let long = String(repeating: "l", count: 3000)

    @Test func stagedOutputIsInvisibleUntilItsEpochCommits() throws {
        let fixture = try fixture()
        let writer = try fixture.writer(.staged)
        try writer.append(["a"])
        try writer.append(["x"], to: 1)
        let first = try writer.stage()
        try writer.append(["b" + long, long])
        #expect(try fixture.values().isEmpty)
        try writer.commit(first, epoch: 1)
        #expect(try fixture.values() == ["a"])
        #expect(try fixture.values(partition: 1) == ["x"])
        try writer.commit(try writer.stage(), epoch: 2)
        try writer.commit(writer.ends, epoch: 2)
        #expect(try fixture.values().count == 3)
        #expect(writer.mark.epoch == 2)
    }

    @Test func closingCommitsNothing() throws {
        let fixture = try fixture()
        let writer = try fixture.writer(.staged)
        try writer.append(["a"])
        try writer.close()
        #expect(try fixture.values().isEmpty)
        // The next run starts where the mark is.
        let next = try fixture.writer(.staged)
        #expect(try next.append(["b"]) == 0..<1)
        try next.commit(try next.stage(), epoch: 1)
        #expect(try fixture.values() == ["b"])
    }

    /// Whoever staged it may go on; others open the log only if it is given up.
    @Test(arguments: [0, 1])
    func whatIsStagedIsNotRemovedByAnother(_ partition: Int) throws {
        let fixture = try fixture()
        let owner = LogOwner(pipeline: "p", sink: "out")
        let writer = try fixture.writer(.staged)
        try writer.claim(for: owner)
        try writer.append(["a", long, long], to: partition)
        try writer.commit(try writer.stage(), epoch: 1)
        // In a segment of its own.
        try writer.append(["b"], to: partition)
        let staged = try writer.stage()
        try writer.close()
        let error = #expect(throws: StorageError.self) { try fixture.writer() }
        #expect(error?.kind == .wouldLose)
        #expect(error?.cause.contains("sink 'out' of pipeline 'p'") == true)
        let other = try fixture.writer(.staged)
        let refused = #expect(throws: StorageError.self) {
            try other.claim(for: LogOwner(pipeline: "q", sink: "out"))
        }
        #expect(refused?.kind == .wouldLose)
        try other.close()
        let next = try fixture.writer(.staged)
        try next.claim(for: owner)
        try next.restore(to: staged, epoch: 2)
        try next.append(["c"], to: partition)
        _ = try next.stage()
        try next.close()
        #expect(try fixture.values(partition: partition) == ["a", long, long, "b"])
        let last = try LogWriter(
            LogFixture.path, staged: .discarded, fileSystem: fixture.fileSystem, clock: { 0 })
        try last.append(["d"], to: partition)
        try last.close()
        #expect(try fixture.values(partition: partition) == ["a", long, long, "b", "d"])
        try fixture.writer().close()
    }

    /// A batch that was not written whole was not staged for a checkpoint.
    @Test func aTornTailIsRemovedByAnyone() throws {
        let files = MemoryFileSystem()
        let fixture = try fixture(files)
        let writer = try fixture.writer(.staged)
        try writer.append(["a"])
        try writer.commit(try writer.stage(), epoch: 1)
        try writer.append(["b"])
        try writer.close()
        let path = "logs/orders/0-00000000000000000000.segment"
        files.setBytes(path, files.bytes(path).dropLast())
        let next = try fixture.writer()
        try next.append(["c"])
        try next.close()
        #expect(try fixture.values() == ["a", "c"])
    }

    @Test func restoreCommitsWhatWasStagedAndRemovesTheRest() throws {
        let fixture = try fixture()
        let writer = try fixture.writer(.staged)
        try writer.append(["a", long])
        try writer.append(["b", long])
        let staged = try writer.stage()
        try writer.append(["c", long, long])
        try writer.append(["y"], to: 1)
        try writer.close()
        // The checkpoint is complete; its commit never came.
        let bytes = staged.encoded
        let next = try fixture.writer(.staged)
        try next.restore(to: try LogPlaces(decoding: bytes), epoch: 5)
        #expect(try fixture.values() == ["a", long, "b", long])
        #expect(next.mark.epoch == 5)
        #expect(try next.append(["d"]) == 4..<5)
        try next.commit(try next.stage(), epoch: 6)
        #expect(try fixture.values().last == "d")
        #expect(try fixture.values(partition: 1).isEmpty)
    }

    /// Where a part of what was staged is damaged, none of it counts.
    @Test func aRestoreThatFailsMovesNothing() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        var options = LogOptions()
        options.partitionCount = 2
        try fixture.create(options)
        let writer = try fixture.writer(.staged)
        for partition in 0..<2 { try writer.append(["whole"], to: partition) }
        let first = try writer.stage()
        try writer.commit(first, epoch: 1)
        for partition in 0..<2 { try writer.append(["staged"], to: partition) }
        let second = try writer.stage()
        try writer.close()
        let segment = "logs/orders/1-00000000000000000000.segment"
        var bytes = files.bytes(segment)
        bytes[bytes.count - 1] ^= 1
        files.setBytes(segment, bytes)
        let next = try fixture.writer(.staged)
        #expect(throws: StorageError.self) { try next.restore(to: second, epoch: 2) }
        #expect(next.ends == first)
        #expect(try next.append(["new"], to: 0) == 1..<2)
    }

    @Test func restoreRollsBackToAnOlderEpoch() throws {
        let fixture = try fixture()
        let writer = try fixture.writer(.staged)
        try writer.append(["a"])
        let first = try writer.stage()
        try writer.commit(first, epoch: 1)
        for round in 0..<6 { try writer.append(["\(round)", long]) }
        try writer.commit(try writer.stage(), epoch: 2)
        try writer.close()
        let next = try fixture.writer(.staged)
        try next.restore(to: first, epoch: 1)
        #expect(try fixture.values() == ["a"])
        #expect(try next.append(["b"]) == 1..<2)
        try next.commit(try next.stage(), epoch: 2)
        #expect(try fixture.values() == ["a", "b"])
    }

    @Test func restoreOfDamagedOutputIsRefused() throws {
        let files = MemoryFileSystem()
        let fixture = try fixture(files)
        let writer = try fixture.writer(.staged)
        try writer.append(["a", "b"])
        let staged = try writer.stage()
        try writer.close()
        let path = "logs/orders/0-00000000000000000000.segment"
        var bytes = files.bytes(path)
        bytes[bytes.count - 1] ^= 1
        files.setBytes(path, bytes)
        let next = try fixture.writer(.staged)
        #expect(throws: StorageError.self) { try next.restore(to: staged, epoch: 1) }
    }

    /// Epochs of three batches; after a crash at any operation the epoch that the checkpoint has is
    /// restored, and its output is there exactly once.
    @Test func everyCrashRestoresItsEpochExactly() throws {
        func run(_ disk: CrashDisk) -> (staged: [LogPlaces], isDone: Bool) {
            var staged: [LogPlaces] = []
            do {
                let writer = try LogFixture(disk).writer(.staged)
                for epoch in 1...4 {
                    for batch in 0..<3 {
                        try writer.append(["\(epoch).\(batch)", String(long.prefix(900))])
                    }
                    staged.append(try writer.stage())
                    try writer.commit(staged[epoch - 1], epoch: UInt64(epoch))
                }
                try writer.close()
            } catch { return (staged, false) }
            return (staged, true)
        }
        let whole = CrashDisk()
        _ = try fixture(whole)
        let first = whole.operations
        #expect(run(whole).isDone)
        for operation in first + 1...whole.operations {
            for losesPower in [false, true] {
                let disk = CrashDisk()
                _ = try fixture(disk)
                disk.stop(at: operation)
                let staged = run(disk).staged
                var random = SplitMix64(seed: UInt64(operation))
                let next = disk.afterCrash(&random, losesPower: losesPower)
                let writer = try LogFixture(next).writer(.staged)
                let epoch = staged.count
                let note: Comment = "operation \(operation), epoch \(epoch)"
                #expect(writer.mark.epoch <= epoch, note)
                if let place = staged.last { try writer.restore(to: place, epoch: UInt64(epoch)) }
                try writer.append(["next"])
                try writer.commit(try writer.stage(), epoch: UInt64(epoch + 1))
                let read = try LogFixture(next).read()
                let values = read.records.map { $0.value ?? "" }.filter { !$0.hasPrefix("l") }
                let wanted = (0..<epoch).flatMap { index in
                    (0..<3).map { "\(index + 1).\($0)" }
                }
                #expect(values == wanted + ["next"], note)
                #expect(read.damages.isEmpty, note)
            }
        }
    }
}
