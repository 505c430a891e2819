import Dataflow
import Execution
import Pipeline
import Storage
import TestSupport
import Testing

/// Input that is gone when a run goes on, and runs that may give its place up.
struct LostInputTests {
    private let files = MemoryFileSystem()

    private static func yaml(_ source: String) -> String {
        """
        name: lost
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          in: { \(source), schema: { n: int } }
        sinks:
          out: { type: file, path: out.ndjson }
        """
    }

    private static func lines(_ numbers: Range<Int>) -> [String] {
        numbers.map { "{\"n\":\($0)}" }
    }

    private static func text(_ numbers: Range<Int>) -> String {
        lines(numbers).map { "\($0)\n" }.joined()
    }

    private func run(
        _ source: String, _ interruption: Interruption? = nil, allowing: Set<String> = []
    ) throws -> PipelineRun {
        var recovery = RecoveryOptions()
        recovery.allowedResets = allowing
        return try PipelineRun.run(
            Self.yaml(source), name: "lost", over: files, interruption: interruption,
            recovery: recovery, clock: .system)
    }

    private func output(_ run: PipelineRun) -> [String] {
        run.lines("out.ndjson").map(String.init)
    }

    private static let bounded = "type: file, paths: [ \"in/*.ndjson\" ]"

    /// What is there is read from its start, but what was read is not read again.
    @Test(arguments: ["gone", "replaced", "shorter"])
    func aFileThatIsGoneIsGivenUpWhenAllowed(_ fate: String) throws {
        files.put("in/a.ndjson", Self.text(0..<10))
        files.put("in/b.ndjson", Self.text(10..<1400))
        files.put("in/c.ndjson", Self.text(1400..<1500))
        let first = try run(Self.bounded, Interruption(.stop, afterReads: 3))
        #expect(first.failure == nil)
        let before = output(first)
        try #require(before.count > 10 && before.count < 1400)
        var expected = before
        switch fate {
        case "gone": try files.unlink("in/b.ndjson")
        case "replaced":
            try files.unlink("in/b.ndjson")
            files.put("in/b.ndjson", Self.text(5000..<5100))
            expected += Self.lines(5000..<5100)
        default: files.setBytes("in/b.ndjson", Array(files.bytes("in/b.ndjson").prefix(2000)))
        }
        files.put("in/d.ndjson", Self.text(1500..<2000))
        expected += Self.lines(1400..<2000)
        let refused = try run(Self.bounded)
        #expect(refused.failure?.contains("--allow-reset") == true, "\(refused.failure ?? "")")
        #expect(output(refused) == before)
        let allowed = try run(Self.bounded, allowing: ["in"])
        #expect(allowed.failure == nil, "\(allowed.failure ?? "")")
        #expect(output(allowed) == expected)
        #expect(allowed.log.contains { $0.contains("in/b.ndjson") }, "\(allowed.log)")
    }

    private static let followed = "type: file, paths: [ \"in/*.log\" ], follow: true"

    @Test(arguments: ["gone", "replaced", "shorter"])
    func aFollowedFileThatIsGoneIsGivenUpWhenAllowed(_ fate: String) throws {
        files.put("in/a.log", Self.text(0..<500))
        files.put("in/b.log", Self.text(500..<600))
        let first = try run(Self.followed, Interruption(.stop, afterReads: 20))
        #expect(first.failure == nil)
        #expect(output(first).sorted() == Self.lines(0..<600).sorted())
        var more = Self.lines(600..<700)
        switch fate {
        case "gone": try files.unlink("in/a.log")
        case "replaced":
            try files.unlink("in/a.log")
            files.put("in/a.log", Self.text(5000..<5100))
            more += Self.lines(5000..<5100)
        default: files.setBytes("in/a.log", Array(files.bytes("in/a.log").prefix(2000)))
        }
        files.put("in/c.log", Self.text(600..<700))
        let refused = try run(Self.followed, Interruption(.stop, afterReads: 20))
        #expect(refused.failure?.contains("--allow-reset") == true, "\(refused.failure ?? "")")
        var last = try run(
            Self.followed, Interruption(.stop, afterReads: 20), allowing: ["in"])
        #expect(last.failure == nil, "\(last.failure ?? "")")
        let expected = (Self.lines(0..<600) + more).sorted()
        #expect(output(last).sorted() == expected)
        // It is given up once.
        last = try run(Self.followed, Interruption(.stop, afterReads: 20))
        #expect(last.failure == nil, "\(last.failure ?? "")")
        #expect(output(last).sorted() == expected)
    }

    private func writeLog(_ numbers: Range<Int>) throws {
        let writer = try LogWriter("log", fileSystem: files)
        for number in numbers {
            let batch = LogBatchBuilder()
            batch.add(SlabSlice("{\"n\":\(number)}"), timestamp: 1)
            _ = try writer.append(batch, to: 0)
        }
        try writer.close()
    }

    private func makeLog() throws {
        var options = LogOptions()
        options.segmentBytes = 64 << 10
        try LogWriter.create("log", options: options, fileSystem: files)
    }

    /// A log that was made anew is read from where `from` says.
    @Test(arguments: ["earliest", "3"])
    func aLogThatIsShorterIsGivenUpWhenAllowed(_ start: String) throws {
        try makeLog()
        try writeLog(0..<2000)
        let source = "type: log, path: log, from: \(start)"
        let first = try run(source, Interruption(.stop, afterReads: 6))
        #expect(first.failure == nil)
        let before = output(first)
        try #require(!before.isEmpty && before.count < 1990)
        for path in files.paths where path.hasPrefix("log/") { try files.unlink(path) }
        try makeLog()
        try writeLog(7000..<7005)
        let refused = try run(source)
        #expect(refused.failure?.contains("--allow-reset") == true, "\(refused.failure ?? "")")
        let allowed = try run(source, allowing: ["in"])
        #expect(allowed.failure == nil, "\(allowed.failure ?? "")")
        let first3 = start == "3" ? 7003 : 7000
        #expect(output(allowed) == before + Self.lines(first3..<7005))
    }

    @Test func aLogThatWasTrimmedIsGivenUpWhenAllowed() throws {
        try makeLog()
        try writeLog(0..<2000)
        let source = "type: log, path: log"
        let first = try run(source, Interruption(.stop, afterReads: 6))
        let before = output(first)
        try #require(!before.isEmpty && before.count < 1900)
        for path in files.paths where path.hasSuffix(".hold") { try files.unlink(path) }
        let writer = try LogWriter("log", fileSystem: files)
        #expect(try writer.trim(0, to: 1950) == 1950)
        try writer.close()
        let refused = try run(source)
        #expect(refused.failure?.contains("--allow-reset") == true, "\(refused.failure ?? "")")
        let allowed = try run(source, allowing: ["in"])
        #expect(allowed.failure == nil, "\(allowed.failure ?? "")")
        #expect(output(allowed) == before + Self.lines(1950..<2000))
    }
}
