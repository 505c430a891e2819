import Dataflow
import Execution
import Pipeline
import Storage
import TestSupport
import Testing

/// Sinks that share directories, and sinks that are edited between two runs.
struct SinkEditsTests {
    private static let head = """
        name: sinks
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          in: { type: file, paths: [ in.ndjson ], schema: { n: int, shop: string } }
        steps:
          some: { type: filter, where: "n <> 3" }
        sinks:

        """
    private let files = MemoryFileSystem()
    private let rows: [String]

    init() throws {
        rows = (0..<3000).map { "{\"n\":\($0),\"shop\":\"s\($0 % 5)\"}" }
        files.put("in.ndjson", rows.map { "\($0)\n" }.joined())
        files.syncAll()
    }

    private func run(
        _ sinks: String, over files: MemoryFileSystem? = nil, _ interruption: Interruption? = nil,
        allowing allowed: Set<String> = []
    ) throws -> PipelineRun {
        var recovery = RecoveryOptions()
        recovery.allowedResets = allowed
        return try PipelineRun.run(
            Self.head + sinks, name: "sinks", over: files ?? self.files,
            interruption: interruption, recovery: recovery)
    }

    /// All lines of files whose paths begin like this, sorted.
    private func lines(_ prefix: String, in files: MemoryFileSystem? = nil) -> [String] {
        let files = files ?? self.files
        return files.paths.filter { $0.hasPrefix(prefix) && !$0.contains("/.") }
            .flatMap { (files.text($0) ?? "").split(separator: "\n").map(String.init) }.sorted()
    }

    private var expected: [String] { rows.filter { !$0.contains("\"n\":3,") }.sorted() }

    @Test(arguments: [
        ("out/totals", "out/late-{shop}"), ("out/late-{shop}", "out/totals"), ("out/x2", "out/x"),
        ("out/x", "out/x2"), ("out/{shop}", "out/{shop}-b"),
    ])
    func sinksMayShareADirectory(_ one: String, _ other: String) throws {
        let sinks = """
              a: { type: file, path: "\(one).a", inputs: some }
              b: { type: file, path: "\(other).b", inputs: some }
              c: { type: file, path: "out/x-{shop}/c", inputs: some, roll: { size: 2KiB } }
            """
        for reads in [3, 4, 3] {
            _ = try run(sinks, Interruption(.failure, afterReads: reads))
        }
        #expect(try run(sinks).failure == nil)
        for sink in ["a", "b"] {
            let found = files.paths.filter { $0.hasSuffix(".\(sink)") }.flatMap { lines($0) }
            #expect(found.sorted() == expected, "\(one) \(other) \(sink)")
        }
        #expect(lines("out/x-").count >= expected.count)
        #expect(!files.paths.contains { $0.hasPrefix("out/.") && $0.last?.isNumber == true })
    }

    /// What a run has staged that was killed before its first checkpoint goes, in directories that
    /// nobody has noted, too.
    @Test func whatWasStagedInNewDirectoriesIsRemoved() throws {
        let sinks = "  a: { type: file, path: \"out/{shop}/a\", inputs: some }"
        let clones = CrashClones(seed: Seeds.base, rarity: 1)
        clones.watch(files)
        _ = try run(sinks)
        let isStaged = { (path: String) in
            path.hasPrefix("out/s") && path.contains("/.a.weir-") && path.last?.isNumber == true
        }
        let early = try #require(
            clones.all.first { clone in
                clone.files.paths.contains(where: isStaged)
                    && !clone.files.paths.contains { $0.hasSuffix(".manifest") }
            })
        #expect(try run(sinks, over: early.files).failure == nil)
        #expect(lines("out/", in: early.files) == expected)
        #expect(!early.files.paths.contains(where: isStaged))
    }

    @Test(arguments: [Interruption.Kind.stop, .failure])
    func rollingCanBeTurnedOffAndOn(_ kind: Interruption.Kind) throws {
        let plain = "  a: { type: file, path: out/a.ndjson, inputs: some"
        for (number, end) in [", roll: { size: 9KiB } }", " }", ", roll: { size: 5KiB } }"]
            .enumerated()
        {
            let run = try run(plain + end, Interruption(kind, afterReads: 4))
            #expect(kind == .failure || run.failure == nil, "\(number) \(run.failure ?? "")")
        }
        let run = try run(plain + " }")
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(lines("out/a") == expected)
    }

    /// Checkpoints whose output was not committed, of a run to a log and a file.
    private func clones(_ sinks: String, isFinished: Bool) throws -> [MemoryFileSystem] {
        let clones = CrashClones(seed: Seeds.base, rarity: 1)
        clones.watch(files)
        #expect(try run(sinks).failure == nil)
        return clones.all.map(\.files).filter { files in
            guard
                let list = try? CheckpointInspection("state", fileSystem: files).list(),
                let newest = list.checkpoints.last,
                let mark = try? LogView("log", fileSystem: files).mark()
            else { return false }
            // Its last rows may have come with the checkpoint before.
            let byteCount = files.paths.filter {
                $0.hasPrefix("log/0-") && $0.hasSuffix(".segment")
            }
            .reduce(0) { $0 + files.bytes($1).count }
            return newest.isFinished == isFinished && !newest.hasEnded
                && mark.epoch < UInt64(newest.epoch)
                && mark.partitions[0].end.position < byteCount
        }
    }

    @Test(arguments: [false, true])
    func outputThatWaitsInALogIsNotLostUnasked(_ isFinished: Bool) throws {
        let file = "  f: { type: file, path: out/f, inputs: some }\n"
        let log = "  l: { type: log, path: log, inputs: some }\n"
        var left: [MemoryFileSystem] = []
        for _ in 0..<100 where left.isEmpty {
            left = try clones(file + log, isFinished: isFinished)
        }
        let edits = [file, file + log.replacing("path: log", with: "path: other")]
        for (edit, files) in zip(edits, [left.first, left.last]) {
            let files = try #require(files)
            let refused = try run(edit, over: files)
            #expect(
                refused.failure?.contains("--allow-reset l") == true, "\(refused.failure ?? "")")
            #expect(try run(edit, over: files, allowing: ["l"]).failure == nil)
        }
    }

    /// Nothing waits behind an orderly stop: the sink goes, and another log begins.
    @Test func aLogCanBeChangedBehindAStop() throws {
        let log = "  l: { type: log, path: log, inputs: some }"
        #expect(try run(log, Interruption(.stop, afterReads: 6)).failure == nil)
        let edited = log.replacing("path: log", with: "path: other")
        #expect(try run(edited).failure == nil)
        let found = try ["log", "other"].flatMap { try LogFile($0, on: files).lines() }
        #expect(found.sorted() == expected)
    }

    /// A step that was renamed is another pipeline: what is left to do is done, and it begins.
    @Test func anEditedPipelineIsNotCompletedInPlaceOfRun() throws {
        let sinks = "  l: { type: log, path: log, inputs: some }"
        let left = try #require(try clones(sinks, isFinished: true).first)
        let yaml = (Self.head + sinks).replacing("some", with: "any")
        let run = try PipelineRun.run(yaml, name: "sinks", over: left)
        #expect(run.failure == nil)
        #expect(run.counters("any").received == rows.count)
        #expect(try LogFile("log", on: left).lines().count == expected.count * 2)
    }
}
