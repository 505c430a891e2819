import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// What a file sink makes of its journal, and of what it remembers of its files.
struct SinkJournalTests {
    private static let journal = ".out.weir-journal"

    private func sink(
        _ files: MemoryFileSystem, path: String? = "out",
        ahead: StagedFileSink.Ahead = .refuse
    ) throws -> StagedFileSink {
        StagedFileSink(
            FileSink.Options(path: path), at: OutputPlace(try PathTemplate("out")), ahead: ahead,
            fileSystem: files,
            clock: VirtualClock().clock)
    }

    /// A disk on which a sink has committed lines 1 to 5, each with the epoch of its number; what
    /// it had staged for each, and where the records of the journal end.
    private func committed() throws -> (
        files: MemoryFileSystem, own: [[UInt8]], ends: [Int]
    ) {
        let files = MemoryFileSystem()
        let sink = try sink(files)
        try sink.open()
        var own: [[UInt8]] = []
        var ends: [Int] = []
        for epoch in 1...5 {
            try sink.write([EncodedPart("\(epoch)\n")])
            let staged = try sink.stage(for: epoch)
            try staged.sync()
            try staged.commit()
            sink.committed(epoch)
            own.append(staged.own)
            ends.append(files.bytes(Self.journal).count)
        }
        try sink.close()
        return (files, own, ends)
    }

    /// A record that is damaged was acted upon, unless it is the last.
    @Test func damageBeforeTheLastRecordIsRefused() throws {
        let (files, own, ends) = try committed()
        for place in 0..<ends[4] {
            let disk = files.crashKeepingWritten()
            var bytes = disk.bytes(Self.journal)
            bytes[place] ^= 0x41
            disk.setBytes(Self.journal, bytes)
            guard place < ends[3] else {
                try sink(disk).resume(own[4], epoch: 5)
                continue
            }
            let error = #expect(throws: StorageError.self) {
                try sink(disk).resume(own[4], epoch: 5)
            }
            #expect(error?.kind == .corrupt && error?.path == Self.journal)
            #expect(error?.offset == ([0] + ends).last { $0 <= place }, "\(place)")
            #expect(disk.bytes(Self.journal) == bytes, "nothing is changed")
        }
    }

    /// What was cut off is missed where a checkpoint knows of it.
    @Test func aJournalThatIsTooShortIsRefused() throws {
        let (files, own, ends) = try committed()
        for length in 0...ends[4] {
            let disk = files.crashKeepingWritten()
            disk.setBytes(Self.journal, Array(disk.bytes(Self.journal).prefix(length)))
            if length >= ends[3] {
                try sink(disk).resume(own[4], epoch: 5)
            } else {
                let error = #expect(throws: StorageError.self) {
                    try sink(disk).resume(own[4], epoch: 5)
                }
                #expect(error?.kind == .corrupt && error?.path == Self.journal)
            }
        }
    }

    /// With leave to do so a sink goes on behind a damaged journal, which is whole from then on.
    @Test(arguments: [
        (StagedFileSink.Ahead.rollBack, "1\n2\n3\n6\n"), (.acceptDuplicates, "1\n2\n3\n4\n5\n6\n"),
    ])
    func aDamagedJournalIsPassedOverWhenAllowed(
        _ ahead: StagedFileSink.Ahead, _ expected: String
    ) throws {
        let (files, own, ends) = try committed()
        for place in 0..<ends[3] {
            let disk = files.crashKeepingWritten()
            var bytes = disk.bytes(Self.journal)
            bytes[place] ^= 0x41
            disk.setBytes(Self.journal, bytes)
            let resumed = try sink(disk, ahead: ahead)
            try resumed.resume(own[2], epoch: 3)
            try resumed.write([EncodedPart("6\n")])
            let staged = try resumed.stage(for: 6)
            try staged.sync()
            try staged.commit()
            #expect(disk.text("out") == expected, "\(place)")
            try resumed.close()
            try sink(disk).resume(staged.own, epoch: 6)
        }
    }

    /// What is staged is committed where that was not done before, whatever the journal has lost.
    @Test(arguments: [StagedFileSink.Ahead.rollBack, .acceptDuplicates])
    func whatWaitsIsCommittedBehindADamagedJournal(_ ahead: StagedFileSink.Ahead) throws {
        let (files, own, _) = try committed()
        let last = try sink(files)
        try last.resume(own[4], epoch: 5)
        try last.write([EncodedPart("6\n")])
        let staged = try last.stage(for: 6)
        try staged.sync()
        let disk = files.crashKeepingWritten()
        var bytes = disk.bytes(Self.journal)
        bytes[20] ^= 0x41
        disk.setBytes(Self.journal, bytes)
        try sink(disk, ahead: ahead).resume(staged.own, epoch: 6)
        #expect(disk.text("out") == "1\n2\n3\n4\n5\n6\n")
    }

    /// Output of an epoch whose commit failed, and was cut off with that of the next one, is there
    /// after a return to that epoch.
    @Test func rollingBackCommitsWhatFailedBefore() throws {
        let files = MemoryFileSystem()
        let first = try sink(files, path: nil)
        try first.open()
        try first.write([EncodedPart("1\n", target: "a"), EncodedPart("1\n", target: "b")])
        let staged = try first.stage(for: 1)
        try staged.sync()
        // The journal is written, and no file.
        files.inject(.error(.inputOutput), on: .rename)
        #expect(throws: StorageError.self) { try staged.commit() }
        try first.write([EncodedPart("2\n", target: "b")])
        let next = try first.stage(for: 2)
        try next.sync()
        files.inject(.error(.inputOutput), on: .rename)
        #expect(throws: StorageError.self) { try next.commit() }
        let disk = files.crashKeepingWritten()
        try sink(disk, path: nil, ahead: .rollBack).resume(staged.own, epoch: 1)
        #expect(disk.text("a") == "1\n" && disk.text("b") == "1\n")
    }

    /// A sink that writes to ever new paths does not remember all of them, and goes on with those
    /// that it has forgotten.
    @Test func oldTargetsAreForgotten() throws {
        let files = MemoryFileSystem()
        let first = try sink(files, path: nil)
        try first.open()
        var sizes: [Int] = []
        var own: [UInt8] = []
        for epoch in 1...30 {
            let parts = (0..<100).map { EncodedPart("x\n", target: "out/\(epoch)-\($0)") }
            try first.write(parts)
            if epoch == 20 { try first.write([EncodedPart("y\n", target: "out/1-0")]) }
            let staged = try first.stage(for: epoch)
            try staged.sync()
            try staged.commit()
            first.committed(epoch)
            own = staged.own
            sizes.append(own.count)
        }
        #expect(sizes[29] < sizes[11] + sizes[11] / 10)
        #expect(files.text("out/1-0") == "x\ny\n")
        let disk = files.crashKeepingWritten()
        let second = try sink(disk, path: nil)
        try second.resume(own, epoch: 30)
        try second.write([EncodedPart("z\n", target: "out/1-0")])
        let staged = try second.stage(for: 31)
        try staged.sync()
        try staged.commit()
        #expect(disk.text("out/1-0") == "x\ny\nz\n")
        #expect(disk.paths.count { $0.hasPrefix("out/") } == 3000)
    }
}
