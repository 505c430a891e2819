import TestSupport
import Testing

@testable import Storage

/// What compaction must not take away.
struct LogCompactionTests {
    private let long = String(repeating: "l", count: 3000)

    private func append(_ writer: LogWriter, _ key: String, _ value: String) throws {
        let batch = LogBatchBuilder()
        batch.add(key: SlabSlice(key), value: SlabSlice(value), timestamp: 0)
        _ = try writer.append(batch, to: 0)
    }

    private func fixture(_ files: any FileSystem, _ sync: LogOptions.Sync) throws -> LogFixture {
        let fixture = LogFixture(files)
        var options = LogOptions()
        options.segmentBytes = 4096
        options.sync = sync
        options.isCompacted = true
        try fixture.create(options)
        return fixture
    }

    @Test(arguments: Seeds.list(20), [LogOptions.Sync.os, .interval(1_000_000)])
    func recordGoesOnlyForOneThatLasts(seed: UInt64, sync: LogOptions.Sync) throws {
        let disk = CrashDisk()
        let writer = try fixture(disk, sync).writer()
        try append(writer, "key", "first")
        for number in 0..<3 { try append(writer, "other \(number)", long) }
        try writer.sync()
        try append(writer, "key", "second")
        try writer.commit()
        #expect(try writer.compact(0) == 1)
        var random = SplitMix64(seed: seed)
        let next = LogFixture(disk.afterCrash(&random, losesPower: true))
        try next.writer().close()
        let values = try next.read().records.filter { $0.key == "key" }.map(\.value)
        #expect(values == ["second"], "\(Seeds.note(seed))")
    }

    @Test func recordsThatDoNotCountYetReplaceNothing() throws {
        let fixture = try fixture(MemoryFileSystem(), .os)
        let writer = try fixture.writer()
        try append(writer, "key", "first")
        for number in 0..<3 { try append(writer, "other \(number)", long) }
        try writer.commit()
        try append(writer, "key", "second")
        #expect(try writer.compact(0) == 0)
        #expect(try fixture.read().records.first?.value == "first")
    }

    /// An older checkpoint knows places that a compaction has moved: to go back to one of these
    /// would cut a batch in two.
    @Test func restoreToAPlaceThatWasCompactedIsRefused() throws {
        let fixture = try fixture(MemoryFileSystem(), .every)
        let writer = try fixture.writer(.staged)
        for number in 0..<3 { try append(writer, "key", "\(number) " + long.prefix(500)) }
        let first = try writer.stage()
        try writer.commit(first, epoch: 1)
        for number in 3..<12 { try append(writer, "key", "\(number) " + long.prefix(500)) }
        let second = try writer.stage()
        try writer.commit(second, epoch: 2)
        try append(writer, "key", "last")
        try writer.commit(try writer.stage(), epoch: 3)
        #expect(try writer.compact(0) > 0)
        try writer.close()
        let before = try fixture.read()
        #expect(before.damages.isEmpty)
        let next = try fixture.writer(.staged)
        #expect(throws: StorageError.self) { try next.restore(to: first, epoch: 1) }
        try next.close()
        let after = try fixture.read()
        #expect(after.records == before.records && after.damages.isEmpty)
        // What was not compacted can be gone back to.
        let other = try fixture.writer(.staged)
        try other.restore(to: second, epoch: 2)
        #expect(try fixture.read().records == Array(before.records.dropLast()))
    }

    /// No writer leaves such a mark; whoever reads it comes to an end all the same.
    @Test(.timeLimit(.minutes(1))) func batchBeyondTheMarkIsNamedAndNotReadForEver() throws {
        let files = MemoryFileSystem()
        let fixture = try fixture(files, .every)
        let writer = try fixture.writer()
        try writer.append(["a"])
        try writer.append(["b", "c", "d"])
        try writer.commit()
        var mark = writer.mark
        mark.sequence += 1
        mark.partitions[0].end.offset = 3
        let marks = try files.open("logs/orders/log.marks", .write(truncating: false))
        for slot in 0..<2 { try mark.write(to: marks, slot: slot) }
        let reader = try fixture.reader()
        var values: [String?] = []
        for _ in 0..<10 {
            guard let batch = try reader.next() else { break }
            values += try batch.modelRecords().map(\.value)
        }
        #expect(values == ["a"])
        #expect(reader.damages.map(\.offsets) == [1..<3])
    }
}
