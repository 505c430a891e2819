import Dataflow
import Pipeline
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Execution

/// Checkpoints that fail, or come too late.
struct CheckpointFailureTests {
    private static let yaml = """
        settings:
          workers: 1
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s, timeout: 10s, keep: 1 }
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            follow: true
            schema: { id: int, ts: timestamp_s }
            event_time: ts
            watermark: { max_delay: 0s, idle_timeout: 1h }
        steps:
          unique: { type: dedup, key: id, bucket: 1m, retain: 1m }
        sinks:
          out: { type: file, path: out.ndjson }
        """

    private let clock = VirtualClock()
    private let files = MemoryFileSystem()

    private func rows(_ seconds: ClosedRange<Int>) -> String {
        seconds.map { "{\"id\":\($0),\"ts\":\($0)}\n" }.joined()
    }

    /// Fails the first rename of a path that has `part` in it.
    private func failRename(of part: String) {
        let hasFailed = Atomic(false)
        files.observe { [weak files] note in
            guard note.isBefore, note.operation == .rename, note.path.contains(part),
                !hasFailed.exchange(true, ordering: .relaxed)
            else { return }
            files?.fail(operation: note.number, with: .error(.inputOutput))
        }
    }

    /// Lets buckets go, and with them what only older checkpoints could still have needed.
    private func expectNothingLeftInTime(_ life: Life) throws {
        for minute in 1...6 {
            life.files.append("in.ndjson", rows(minute * 100...minute * 100 + 5))
            life.pass(seconds: 2)
        }
        life.pass(seconds: 2)
        try expectNothingLeft(life)
        #expect(life.files.text("out.ndjson") == life.files.text("in.ndjson"))
    }

    /// What is there of state is what the newest checkpoint needs.
    private func expectNothingLeft(_ life: Life) throws {
        let inspection = CheckpointInspection("state", fileSystem: life.files)
        let checkpoints = try inspection.list().checkpoints
        #expect(checkpoints.count == 1)
        #expect(life.names(in: "state", ".run").count == checkpoints.last?.files)
        #expect(try inspection.verify().map(\.description) == [])
    }

    @Test func aCheckpointThatCameTooLateLetsGoOfItsFiles() throws {
        files.put("in.ndjson", rows(0...10))
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle(without: ["sink-0"])
        // Its barrier waits at the sink until its time is over.
        life.pass(seconds: 2, without: ["sink-0"])
        life.pass(seconds: 11, without: ["sink-0"])
        #expect(life.log.lines.contains { $0.contains("more than its timeout") })
        #expect(life.names(in: "state", ".manifest") == [])
        #expect(!life.names(in: "state", ".run").isEmpty)
        life.settle()
        try expectNothingLeftInTime(life)
    }

    @Test func aCheckpointThatFailedLetsGoOfItsFiles() throws {
        files.put("in.ndjson", rows(0...10))
        failRename(of: ".manifest")
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        #expect(life.log.lines.contains { $0.contains("checkpoint 1 failed") })
        try expectNothingLeftInTime(life)
    }

    /// Nobody removes the manifest of a checkpoint of which nothing can be read.
    @Test func anOlderManifestThatIsDamagedIsSetAside() throws {
        files.put("in.ndjson", rows(0...10))
        let yaml = Self.yaml.replacing("keep: 1", with: "keep: 3")
        let life = try Life(yaml, over: files, at: clock)
        life.settle()
        for second in 11...13 {
            life.pass(seconds: 2)
            files.append("in.ndjson", rows(second...second))
        }
        let left = life.killed
        let manifests = left.paths.filter { $0.hasSuffix(".manifest") }.sorted()
        try #require(manifests.count == 3)
        left.setBytes(manifests[0], [1, 2, 3])
        let next = try Life(yaml, over: left, at: clock)
        let list = try CheckpointInspection("state", fileSystem: left).list()
        #expect(list.checkpoints.count == 2 && list.problems.isEmpty)
        #expect(next.names(in: "state", ".damaged") == [manifests[0] + ".damaged"])
    }

    /// A run without checkpoints would remove what one with them goes on from.
    @Test func checkpointsAreNotLostToARunThatMakesNone() throws {
        files.put("in.ndjson", rows(0...10))
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        let left = life.killed
        let yaml = Self.yaml.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains("checkpoint:") }.joined(separator: "\n")
        let error = #expect(throws: RestoreError.self) {
            try Life(yaml, over: left, at: clock)
        }
        guard case .wouldLose? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(left.text("out.ndjson") == left.text("in.ndjson"))
        left.append("in.ndjson", rows(11...12))
        let next = try Life(Self.yaml, over: left, at: clock)
        next.settle()
        next.pass(seconds: 2)
        #expect(left.text("out.ndjson") == left.text("in.ndjson"))
    }

    /// Output whose commit failed becomes visible, also where nothing more is read, and no
    /// checkpoints pile up meanwhile.
    @Test func aCommitThatFailedIsDoneAgain() throws {
        files.put("in.ndjson", rows(0...10))
        failRename(of: ".out.ndjson")
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        #expect(life.files.text("out.ndjson") == nil)
        life.pass(seconds: 2)
        #expect(life.files.text("out.ndjson") == life.files.text("in.ndjson"))
        try expectNothingLeft(life)
        let before = life.names(in: "state", ".manifest")
        life.pass(seconds: 2)
        #expect(life.names(in: "state", ".manifest") == before)
    }

    /// Nobody puts output back by itself that was taken away: the run ends and says so, and another
    /// one does the same.
    @Test func outputThatWasTakenAwayEndsTheRun() throws {
        files.put("in.ndjson", rows(0...10))
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        let written = try #require(life.files.text("out.ndjson"))
        try life.files.unlink("out.ndjson")
        life.files.append("in.ndjson", rows(11...12))
        life.pass(seconds: 2)
        #expect(life.hasEnded)
        let failure = try #require(life.finish() as? StorageError)
        #expect(failure.kind == .corrupt && failure.path == "out.ndjson", "\(failure)")
        let again = #expect(throws: StorageError.self) {
            try Life(Self.yaml, over: life.killed, at: clock)
        }
        #expect(again?.path == "out.ndjson")
        let whole = life.killed
        whole.put("out.ndjson", written)
        let last = try Life(Self.yaml, over: whole, at: clock)
        last.settle()
        last.pass(seconds: 2)
        #expect(last.files.text("out.ndjson") == last.files.text("in.ndjson"))
    }

    /// The same before a run: that nothing waits for the output does not make it whole.
    @Test func outputThatWasTakenAwayIsMissedAtTheStart() throws {
        files.put("in.ndjson", rows(0...10))
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        // A checkpoint for which nothing is staged.
        life.files.append("in.ndjson", "no record\n")
        life.pass(seconds: 2)
        let left = life.killed
        try left.unlink("out.ndjson")
        let error = #expect(throws: StorageError.self) {
            try Life(Self.yaml, over: left, at: clock)
        }
        #expect(error?.kind == .corrupt && error?.path == "out.ndjson")
        left.append("in.ndjson", rows(11...12))
        var recovery = RecoveryOptions()
        recovery.allowedResets = ["out"]
        let next = try Life(Self.yaml, over: left, at: clock, recovery: recovery)
        next.settle()
        next.pass(seconds: 2)
        #expect(left.text("out.ndjson") == rows(11...12))
    }

    /// What a sync that failed was to make durable may be lost, whatever a later one says.
    @Test func aSyncThatFailedAtTheEndFailsTheRun() throws {
        let life = try Life(
            Self.yaml, over: files, at: clock,
            sources: ["in": { UnsyncedSource(ScriptedSource([.text("{\"id\":1,\"ts\":1}\n")])) }])
        life.step("source-0")
        clock.advance(nanoseconds: 2_000_000_000)
        life.step("checkpoints")
        // The barrier is complete when nobody looks for it any more.
        life.settle(without: ["checkpoints"])
        #expect(life.hasEnded)
        let failure = life.finish() as? StorageError
        #expect(failure?.path == "unsynced", "\(String(describing: failure))")
    }
}

/// A source whose first sync fails.
private final class UnsyncedSource: ForwardingSource {
    let source: any Source
    private let hasFailed = Atomic(false)

    init(_ source: any Source) { self.source = source }

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
    }

    func sync() throws {
        guard !hasFailed.exchange(true, ordering: .relaxed) else { return }
        throw StorageError(.inputOutput, operation: "sync", path: "unsynced", cause: "injected")
    }
}
