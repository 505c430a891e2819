import Dataflow
import Execution
import Pipeline
import Storage
import TestSupport
import Testing

/// Others that write to a log in which output of a pipeline waits for its checkpoint.
struct StagedLogTests {
    private static let yaml = """
        name: staged
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          in: { type: file, paths: [ in.ndjson ], schema: { n: int } }
        steps:
          all: { type: filter, where: "n >= 0" }
        sinks:
          out: { type: log, path: log }
        """
    private let files = MemoryFileSystem()
    private let rows: [String]

    init() throws {
        rows = (0..<12_000).map { "{\"n\":\($0)}" }
        files.put("in.ndjson", rows.map { "\($0)\n" }.joined())
        files.syncAll()
    }

    private func run(
        _ yaml: String = Self.yaml, over files: MemoryFileSystem, allowing: Set<String> = [],
        _ interruption: Interruption? = nil
    ) throws -> PipelineRun {
        var recovery = RecoveryOptions()
        recovery.allowedResets = allowing
        return try PipelineRun.run(
            yaml, name: "staged", over: files, interruption: interruption, recovery: recovery)
    }

    /// Another pipeline, with state of its own.
    private static let other = yaml.replacing("name: staged", with: "name: other")
        .replacing("path: state", with: "path: other").replacing("out:", with: "rows:")
        .replacing("n >= 0", with: "n < 5")

    private func lines(_ files: MemoryFileSystem) throws -> [String] {
        try LogFile("log", on: files).lines()
    }

    /// What a kill left between a manifest and the mark that makes its output count.
    private func left() throws -> MemoryFileSystem {
        let clones = CrashClones(seed: Seeds.base, rarity: 1)
        clones.watch(files)
        #expect(try run(over: files).failure == nil)
        let found = clones.all.map(\.files).last { files in
            guard
                let list = try? CheckpointInspection("state", fileSystem: files).list(),
                let newest = list.checkpoints.last, !newest.hasEnded,
                let mark = try? LogView("log", fileSystem: files).mark(),
                mark.epoch < UInt64(newest.epoch)
            else { return false }
            let segment = files.bytes("log/0-00000000000000000000.segment")
            return segment.count > mark.partitions[0].end.position
        }
        return try #require(found)
    }

    @Test func outputThatWaitsIsNotRemovedByWhoAppends() throws {
        let left = try left()
        let error = #expect(throws: StorageError.self) {
            try LogFile("log", on: left).append(["x"])
        }
        #expect(error?.kind == .wouldLose)
        #expect(error?.cause.hasPrefix("sink 'out' of pipeline 'staged' has staged") == true)
        #expect(try run(over: left).failure == nil)
        #expect(try lines(left) == rows)
    }

    @Test func anotherPipelineDoesNotRemoveIt() throws {
        let left = try left()
        for yaml in [Self.other, Self.other.replacing("checkpoint: { every: 10ms }", with: "")] {
            let refused = try run(yaml, over: left)
            #expect(refused.failure?.contains("pipeline 'staged'") == true)
            #expect(refused.failure?.contains("--allow-reset rows") == true)
        }
        #expect(try run(over: left).failure == nil)
        #expect(try lines(left) == rows)
    }

    @Test(arguments: [true, false])
    func whoIsAllowedToRemovesIt(_ hasCheckpoints: Bool) throws {
        let left = try left()
        let before = try lines(left)
        let yaml =
            hasCheckpoints
            ? Self.other : Self.other.replacing("checkpoint: { every: 10ms }", with: "")
        let run = try run(yaml, over: left, allowing: ["rows"])
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(try lines(left) == before + rows[..<5])
        // Some of what its checkpoint says is there is not any more.
        let refused = try self.run(over: left)
        #expect(refused.failure != nil)
        #expect(try lines(left) == before + rows[..<5])
    }

    /// Rows that others append while a pipeline rests are theirs.
    @Test func aRunThatGoesOnKeepsRowsThatOthersAppended() throws {
        #expect(try run(over: files, Interruption(.stop, afterReads: 3)).failure == nil)
        let before = try lines(files)
        #expect(!before.isEmpty && before.count < rows.count)
        try LogFile("log", on: files).append(["x", "y"])
        #expect(try run(over: files).failure == nil)
        #expect(try lines(files) == before + ["x", "y"] + rows[before.count...])
    }

    /// What a pipeline staged whose state is gone is of no use to it, or to anybody.
    @Test func aPipelineThatBeginsAnewRemovesWhatItStaged() throws {
        let left = try left()
        let before = try lines(left)
        for path in left.paths where path.hasPrefix("state/") { try left.unlink(path) }
        #expect(try run(over: left).failure == nil)
        #expect(try lines(left) == before + rows)
    }
}
