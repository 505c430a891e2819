import Storage
import TestSupport
import Testing

/// The log on a machine that stops at every operation in turn, or whose disk fails there.
struct LogCrashTests {
    /// What a run has been told before it ended.
    private struct Run {
        /// Records that were appended, in order.
        var appended: [String] = []
        /// How many of them were committed and durable, as far as the log has said.
        var acknowledged = 0
        var trimmed: Int64 = 0
        var isDone = false
    }

    private func options(_ sync: LogOptions.Sync, _ codec: BlockCodec) -> LogOptions {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.sync = sync
        options.codec = codec
        return options
    }

    /// Appends, commits, rolls and trims until it is through, or until the disk stops.
    private func work(_ fixture: LogFixture, _ seed: UInt64) -> Run {
        var run = Run()
        var random = SplitMix64(seed: seed)
        do {
            let writer = try fixture.writer()
            for round in 0..<12 {
                let values = (0..<random.int(1...4)).map { index in
                    "\(round).\(index) " + String(repeating: "x", count: random.int(0...1500))
                }
                run.appended += values
                try writer.append(values)
                if random.chance(0.7) {
                    try writer.commit()
                    if writer.options.sync == .every { run.acknowledged = run.appended.count }
                }
                if round == 8 {
                    run.trimmed = Int64(run.acknowledged / 2)
                    try writer.trim(0, to: run.trimmed)
                }
            }
            try writer.close()
            if writer.options.sync != .os { run.acknowledged = run.appended.count }
            run.isDone = true
        } catch {}
        return run
    }

    /// - Parameter mayHaveHoles: Whether the system wrote what nobody synced in any order it liked.
    private func check(
        _ disk: CrashDisk, _ run: Run, mayHaveHoles: Bool = false, _ note: Comment
    ) throws {
        let fixture = LogFixture(disk)
        let writer = try fixture.writer()
        let read = try fixture.read()
        // A prefix of what was appended, with all that was acknowledged.
        let mark = writer.mark.partitions[0]
        #expect(mark.start <= run.trimmed, note)
        #expect(mark.end.offset >= run.acknowledged, note)
        for record in read.records {
            #expect(record.value == run.appended[Int(record.offset)], note)
        }
        let lost = read.damages.flatMap { Array($0.offsets) }
        let found = read.records.map(\.offset)
        #expect(Array(mark.start..<mark.end.offset) == (lost + found).sorted(), note)
        if !mayHaveHoles { #expect(read.damages.isEmpty, note) }
        // It goes on.
        let offsets = try writer.append(["behind"])
        try writer.commit()
        let values = try fixture.values(.offset(offsets.lowerBound))
        #expect(values == ["behind"], note)
        try writer.close()
        if !mayHaveHoles { #expect(try fixture.writer().findings.isClean, note) }
    }

    @Test(arguments: [LogOptions.Sync.every, .os, .interval(1)], [BlockCodec.none, .lz4])
    func everyCrashLeavesWhatWasAcknowledged(
        sync: LogOptions.Sync, codec: BlockCodec
    ) throws {
        let whole = CrashDisk()
        try LogFixture(whole).create(options(sync, codec))
        let first = whole.operations
        #expect(work(LogFixture(whole), Seeds.base).isDone)
        let last = whole.operations
        for losesPower in [false, true] {
            for operation in first + 1...last {
                let disk = CrashDisk()
                try LogFixture(disk).create(options(sync, codec))
                disk.stop(at: operation)
                let run = work(LogFixture(disk), Seeds.base)
                var random = SplitMix64(seed: UInt64(operation))
                let next = disk.afterCrash(&random, losesPower: losesPower)
                try check(
                    next, run, mayHaveHoles: losesPower && sync != .every,
                    "operation \(operation) of \(last), power lost: \(losesPower)")
            }
        }
    }

    @Test func crashWithinTheCheckAfterACrashDoesNoHarm() throws {
        let disk = CrashDisk()
        try LogFixture(disk).create(options(.every, .none))
        disk.stop(at: 40)
        let run = work(LogFixture(disk), 7)
        for operation in 1...30 {
            var random = SplitMix64(seed: UInt64(operation))
            let second = disk.afterCrash(&random, losesPower: true)
            second.stop(at: operation)
            do {
                let writer = try LogFixture(second).writer()
                try writer.close()
            } catch {}
            let third = second.afterCrash(&random, losesPower: true)
            try check(third, run, "operation \(operation)")
        }
    }

    @Test(arguments: [StorageError.Kind.noSpace, .inputOutput])
    func operationThatFailsIsToldAndLosesNothing(kind: StorageError.Kind) throws {
        for operation in 1...60 {
            let disk = CrashDisk()
            let fixture = LogFixture(disk)
            try fixture.create(options(.every, .none))
            disk.stop(at: disk.operations + operation, fault: kind)
            var acknowledged: [String] = []
            var appended: [String] = []
            for attempt in 0..<3 {
                do {
                    let writer = try fixture.writer()
                    for round in 0..<8 {
                        let value = "\(attempt).\(round) " + String(repeating: "y", count: 900)
                        try writer.append([value])
                        appended.append(value)
                        try writer.commit()
                        acknowledged.append(value)
                    }
                    try writer.close()
                } catch {}
            }
            let values = try fixture.values()
            #expect(Set(acknowledged).isSubset(of: values), "operation \(operation)")
            #expect(Set(values).count == values.count, "operation \(operation)")
            #expect(Set(values).isSubset(of: appended), "operation \(operation)")
        }
    }

    @Test func fullDiskIsToldAndAppendsGoOnWhenThereIsSpace() throws {
        let disk = CrashDisk()
        let fixture = LogFixture(disk)
        try fixture.create(options(.every, .none))
        let writer = try fixture.writer()
        try writer.append(["a"])
        try writer.commit()
        disk.stop(at: disk.operations + 1, fault: .noSpace)
        #expect(throws: StorageError.self) { try writer.append(["lost", "too"]) }
        #expect(try writer.append(["b"]) == 1..<2)
        try writer.commit()
        #expect(try fixture.values() == ["a", "b"])
    }
}
