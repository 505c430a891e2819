import Dataflow
import Execution
import Storage
import TestSupport
import Testing

/// Pipelines from a log to logs: what they hold in the end is what an undisturbed run gives.
struct LogPipelineTests {
    private static let yaml = """
        name: logs
        sources:
          in:
            type: log
            path: in
            schema: { order_id: string, region: string, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 1s, per: partition }
        steps:
          unique: { type: dedup, key: order_id, bucket: 1m, retain: 1m }
        sinks:
          out: { type: log, path: out, key: region, partitions: 3, compression: lz4 }
          late: { type: log, path: late, inputs: unique.late }
        """
    private static let settings = [
        "settings.state={ path: state, memory_limit: 1MiB }",
        "settings.checkpoint={ every: 10ms }", "settings.batch_rows=100",
    ]

    private static func input() throws -> [Substring] {
        let input = WorkloadInput(
            name: "logged", rows: 6_000, seed: Seeds.base + 11, disorder: 30_000, duplicates: 30,
            late: 5, span: 20)
        return try input.orders().split(separator: "\n")
    }

    private static func disk(_ lines: [Substring]) throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        try LogFile("in", on: files).make(lines, partitions: 3, perBatch: 50)
        files.syncAll()
        return files
    }

    private static func run(
        over files: MemoryFileSystem, set: [String] = [], interruption: Interruption? = nil
    ) throws -> PipelineRun {
        try PipelineRun.run(
            yaml, name: "logs", over: files, set: set, interruption: interruption)
    }

    private static func output(_ files: MemoryFileSystem, _ path: String) throws -> [String] {
        try LogFile(path, on: files).lines().sorted()
    }

    @Test func boundedLogGoesThroughWhole() throws {
        let lines = try Self.input()
        let files = try Self.disk(lines)
        let run = try Self.run(over: files)
        #expect(run.failure == nil)
        let counters = run.counters("unique")
        #expect(counters.received == lines.count)
        let (out, late) = (try Self.output(files, "out"), try Self.output(files, "late"))
        #expect(out.count == counters.passed && late.count == counters.late)
        #expect(counters.duplicate > 0 && counters.late > 0)
        #expect(Set(lines.map(String.init)).isSuperset(of: out))
    }

    @Test(arguments: [
        ("from: latest", 0..<0), ("from: earliest", 0..<300), ("from: 120", 120..<300),
        ("from: 1970-01-01T00:03:20Z", 200..<300),
    ])
    func readingBeginsWhereTheFileSays(_ from: String, _ expected: Range<Int>) throws {
        let lines = (0..<300).map { "{\"n\":\($0)}"[...] }
        let files = MemoryFileSystem()
        try LogFile("in", on: files).make(lines, partitions: 1, perBatch: 7)
        let yaml = """
            sources: { in: { type: log, path: in, schema: { n: int }, \(from) } }
            sinks: { out: { type: log, path: out } }
            """
        let run = try PipelineRun.run(yaml, name: "from", over: files)
        #expect(run.failure == nil)
        #expect(try LogFile("out", on: files).lines() == lines[expected].map(String.init))
    }

    @Test func partitionsCanBeChosen() throws {
        let lines = (0..<60).map { "{\"n\":\($0)}"[...] }
        let files = MemoryFileSystem()
        try LogFile("in", on: files).make(lines, partitions: 3, perBatch: 10)
        let yaml = """
            sources: { in: { type: log, path: in, schema: { n: int }, partitions: [ 2, 0 ] } }
            sinks: { out: { type: log, path: out } }
            """
        let run = try PipelineRun.run(yaml, name: "partitions", over: files)
        #expect(run.failure == nil)
        let chosen = [20..<30, 0..<10, 50..<60, 30..<40]
        #expect(
            try LogFile("out", on: files).lines() == chosen.flatMap { lines[$0].map(String.init) })
    }

    @Test func damageBecomesErrorRecords() throws {
        let files = MemoryFileSystem()
        let lines = (0..<60).map { "{\"n\":\($0)}"[...] }
        try LogFile("in", on: files).make(lines, partitions: 1, perBatch: 20)
        let path = "in/0-00000000000000000000.segment"
        var bytes = files.bytes(path)
        bytes[bytes.count / 2] ^= 1
        files.setBytes(path, bytes)
        let yaml = """
            settings: { dead_letter: rejects }
            sources: { in: { type: log, path: in, schema: { n: int } } }
            sinks:
              out: { type: log, path: out, inputs: in }
              rejects: { type: file, path: rejects.ndjson }
            """
        let run = try PipelineRun.run(yaml, name: "damage", over: files)
        #expect(run.failure == nil)
        let whole = lines[..<20] + lines[40...]
        #expect(try LogFile("out", on: files).lines() == whole.map(String.init))
        #expect(run.lines("rejects.ndjson").count == 1)
    }

    /// While checkpoints need it, nobody trims what they begin at; the end of a run lets go of it.
    @Test func checkpointsHoldTheirLog() throws {
        let lines = try Self.input()
        let plain = try Self.disk(lines)
        #expect(try Self.run(over: plain, set: ["settings.workers=1"]).failure == nil)
        let files = try Self.disk(lines)
        let set = Self.settings + ["settings.workers=2"]
        let first = try Self.run(
            over: files, set: set, interruption: Interruption(.failure, afterReads: 40))
        #expect(first.failure != nil)
        let hold = try #require(try LogHold.all(on: "in", fileSystem: files).first)
        #expect(hold.name.hasPrefix("logs-in-") && hold.offsets.count == 3)
        let writer = try LogWriter("in", fileSystem: files, clock: { 0 })
        for (partition, offset) in hold.offsets.enumerated() {
            #expect(try writer.trim(partition, to: 1 << 40) == offset)
        }
        try writer.close()
        #expect(try Self.run(over: files, set: set).failure == nil)
        for path in ["out", "late"] {
            #expect(try Self.output(files, path) == Self.output(plain, path))
        }
        #expect(try LogHold.all(on: "in", fileSystem: files).isEmpty)
    }

    /// Runs that are stopped and that fail, on different numbers of workers, one after the other.
    @Test(arguments: Seeds.list(4))
    func interruptedRunsGiveTheSame(_ seed: UInt64) throws {
        let lines = try Self.input()
        let plain = try Self.disk(lines)
        #expect(try Self.run(over: plain, set: ["settings.workers=1"]).failure == nil)
        let files = try Self.disk(lines)
        var random = SplitMix64(seed: seed)
        var count = 0
        var isFinished = false
        while !isFinished {
            count += 1
            let kind: Interruption.Kind = random.chance(0.5) ? .stop : .failure
            let interruption = Interruption(kind, afterReads: random.int(3...20 + count * 20))
            let run = try Self.run(
                over: files, set: Self.settings + ["settings.workers=\(random.int(1...4))"],
                interruption: interruption)
            if run.failure?.hasPrefix("Failure") == true { continue }
            try #require(run.failure == nil, "\(run.failure ?? "")")
            isFinished = run.isFinished
        }
        #expect(count > 1)
        for path in ["out", "late"] {
            #expect(
                try Self.output(files, path) == Self.output(plain, path),
                "\(path) \(Seeds.note(seed))")
        }
    }

    /// Power cuts and kills at operations of a run; the next run brings it to its end.
    @Test(arguments: Seeds.list(2))
    func everyCrashIsRecoveredFrom(_ seed: UInt64) throws {
        let lines = Array(try Self.input().prefix(3_000))
        let plain = try Self.disk(lines)
        #expect(try Self.run(over: plain, set: ["settings.workers=1"]).failure == nil)
        let files = try Self.disk(lines)
        let clones = CrashClones(seed: seed, rarity: 20)
        clones.watch(files)
        let set = Self.settings + ["settings.workers=2"]
        #expect(try Self.run(over: files, set: set).failure == nil)
        #expect(clones.all.count > 5)
        // Behind its end a run starts afresh, and appends all once more.
        for clone in clones.all where !clone.files.hasFinishedRun {
            let note = "\(clone.note); \(Seeds.note(seed))"
            let later = try Self.run(over: clone.files, set: set)
            #expect(later.failure == nil, "\(note)")
            for path in ["out", "late"] {
                let (got, expected) = (
                    try Self.output(clone.files, path), try Self.output(plain, path)
                )
                let isSame = got == expected
                #expect(isSame, "\(path): \(got.count) for \(expected.count); \(note)")
            }
        }
    }

    /// A crash at the very end: the next run completes what is left to do, and appends nothing; the
    /// one behind it begins anew.
    @Test func aRunKilledAtItsEndIsCompletedByTheNext() throws {
        let plain = try Self.disk(try Self.input())
        #expect(try Self.run(over: plain, set: ["settings.workers=1"]).failure == nil)
        let files = try Self.disk(try Self.input())
        let clones = CrashClones(seed: Seeds.base, rarity: 1)
        clones.watch(files)
        let set = Self.settings + ["settings.workers=2"]
        #expect(try Self.run(over: files, set: set).failure == nil)
        let told = "its output is complete now"
        var completed = 0
        for clone in clones.all.suffix(60) {
            let places = CheckpointInspection("state", fileSystem: clone.files)
            let newest = try places.list().checkpoints.last
            if newest?.hasEnded != true {
                let run = try Self.run(over: clone.files, set: set)
                #expect(run.failure == nil, "\(clone.note)")
                let isAtEnd = newest?.isFinished == true
                #expect(run.log.contains { $0.contains(told) } == isAtEnd, "\(clone.note)")
                completed += isAtEnd ? 1 : 0
            }
            for path in ["out", "late"] {
                let isSame = try Self.output(clone.files, path) == Self.output(plain, path)
                #expect(isSame, "\(path) \(clone.note)")
            }
        }
        #expect(completed > 10)
        #expect(try Self.run(over: files, set: set).failure == nil)
        #expect(try Self.output(files, "late").count == Self.output(plain, "late").count * 2)
    }

    /// A log that waits for room does not keep checkpoints from making some.
    @Test func logsWaitForRoomOnAFullDisk() throws {
        let plain = try Self.disk(try Self.input())
        #expect(try Self.run(over: plain, set: ["settings.workers=1"]).failure == nil)
        var pauses = 0
        for seed in Seeds.list(6) {
            var random = SplitMix64(seed: seed)
            let files = try Self.disk(try Self.input())
            let (start, length) = (files.operationCount + random.int(30...200), random.int(1...30))
            files.failAll(from: start, with: .noSpace, healingAfter: length)
            let set = [
                "settings.state={ path: state, memory_limit: 1MiB, reserve: 64KiB }",
                "settings.checkpoint={ every: 10ms }", "settings.batch_rows=100",
            ]
            let run = try Self.run(over: files, set: set)
            let note = "\(start)+\(length) \(Seeds.note(seed))"
            #expect(run.failure == nil, "\(note)")
            pauses += run.log.count { $0.contains("sources pause until there is room") }
            for path in ["out", "late"] {
                #expect(try Self.output(files, path) == Self.output(plain, path), "\(path) \(note)")
            }
        }
        #expect(pauses > 0)
    }
}
