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
}
