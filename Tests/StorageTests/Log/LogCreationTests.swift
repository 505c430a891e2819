import Synchronization
import TestSupport
import Testing

@testable import Storage

struct LogCreationTests {
    /// A kill while a log is made may leave names that are not durable; what is committed to it
    /// later is.
    @Test func whatIsCommittedToALogWhoseMakingWasInterruptedLasts() throws {
        let disks = Mutex<[MemoryFileSystem]>([])
        let files = MemoryFileSystem()
        files.observe { _ in
            let disk = files.crashKeepingWritten()
            disks.withLock { $0.append(disk) }
        }
        try LogWriter.create("logs/log", options: LogOptions(), fileSystem: files)
        files.observe(nil)
        for disk in disks.withLock({ $0 }) {
            try LogWriter.prepare("logs/log", options: LogOptions(), fileSystem: disk)
            let writer = try LogWriter("logs/log", mode: .staged, fileSystem: disk, clock: { 0 })
            for seed in UInt64(0)..<10 {
                _ = try LogWriter(
                    "logs/log", mode: .staged, fileSystem: disk.crash(seed: seed), clock: { 0 })
            }
            let batch = LogBatchBuilder()
            batch.add(SlabSlice("row"), timestamp: 0)
            _ = try writer.append(batch, to: 0)
            let ends = try writer.stage()
            try writer.commit(ends, epoch: 1)
            for seed in UInt64(0)..<10 {
                let after = try LogWriter(
                    "logs/log", mode: .staged, fileSystem: disk.crash(seed: seed), clock: { 0 })
                #expect(after.mark.ends == ends, "\(Seeds.note(seed))")
            }
        }
    }

    /// Who comes second to make a log, and found none a moment ago, leaves the first one's mark.
    @Test func logThatAnotherWriterMakesIsLeftAlone() throws {
        let files = MemoryFileSystem()
        try LogWriter.create("logs/log", options: LogOptions(), fileSystem: files)
        let writer = try LogWriter("logs/log", fileSystem: files, clock: { 0 })
        let batch = LogBatchBuilder()
        batch.add(SlabSlice("row"), timestamp: 0)
        _ = try writer.append(batch, to: 0)
        try writer.sync()
        let marks = files.bytes("logs/log/log.marks")
        try files.unlink("logs/log/log.meta")
        #expect(throws: StorageError.self) {
            try LogWriter.create("logs/log", options: LogOptions(), fileSystem: files)
        }
        #expect(files.bytes("logs/log/log.marks") == marks)
    }

    /// A writer whose opening failed does not say of records that they are durable.
    @Test func openingThatFailsPromisesNothing() throws {
        var isWhole = false
        for operation in 1...40 where !isWhole {
            let disk = CrashDisk()
            let fixture = LogFixture(disk)
            try fixture.create()
            let killed = try fixture.writer()
            for value in ["a", "b", "c"] { try killed.append([value]) }
            try killed.commit()
            try killed.append(["not committed"])
            disk.state.withLock { $0.locked = [] }
            disk.stop(at: disk.operations + operation, fault: .inputOutput)
            do { try fixture.writer().close() } catch {}
            isWhole = disk.operations < disk.state.withLock { $0.stopAt }
            let view = try LogView(LogFixture.path, fileSystem: disk)
            let mark = try view.mark().partitions[0]
            let durable = disk.state.withLock { state in
                state.names["logs/orders/0-00000000000000000000.segment"].map {
                    state.contents[$0].durable.count
                }
            }
            let isKept = mark.synced == 0 || durable ?? 0 >= mark.end.position
            #expect(isKept, "operation \(operation): \(mark)")
            withExtendedLifetime(killed) {}
        }
        #expect(isWhole)
    }
}
