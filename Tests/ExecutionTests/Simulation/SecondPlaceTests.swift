import Pipeline
import Storage
import TestSupport
import Testing

@testable import Execution

/// Runs that copy their checkpoints to a second place.
struct SecondPlaceTests {
    private static let yaml = """
        settings:
          workers: 1
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s, second_place: { path: second, required: true } }
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

    private func life(
        over files: MemoryFileSystem, set: [String] = [], allowing resets: Set<String> = []
    ) throws -> Life {
        var recovery = RecoveryOptions()
        recovery.allowedResets = resets
        return try Life(Self.yaml, over: files, at: clock, set: set, recovery: recovery)
    }

    /// With nothing here, and all there that cannot be read, a run does not begin anew.
    @Test func aSecondPlaceThatCannotBeReadIsNotTakenForAnEmptyOne() throws {
        files.put("in.ndjson", "{\"id\":1,\"ts\":1}\n")
        let first = try life(over: files)
        first.settle()
        first.pass(seconds: 2)
        let left = first.killed
        for path in left.paths where path.hasPrefix("state/") { try left.unlink(path) }
        left.put("broken", "no directory")
        let place = "settings.checkpoint.second_place={ path: broken, required: true }"
        let error = #expect(throws: StorageError.self) { try life(over: left, set: [place]) }
        #expect(error?.path == "broken")
        #expect(left.text("out.ndjson") == left.text("in.ndjson"))
        let second = try life(over: left)
        second.settle()
        second.files.append("in.ndjson", "{\"id\":2,\"ts\":2}\n")
        second.pass(seconds: 2)
        #expect(second.files.text("out.ndjson") == second.files.text("in.ndjson"))
    }

    /// Nor is an older checkpoint here taken in place of one that is damaged, and may be whole
    /// there.
    @Test func aSecondPlaceThatCannotBeReadMayHaveWhatIsDamaged() throws {
        files.put("in.ndjson", "{\"id\":1,\"ts\":1}\n")
        let first = try life(over: files)
        first.settle()
        first.pass(seconds: 2)
        first.files.append("in.ndjson", "{\"id\":2,\"ts\":2}\n")
        first.pass(seconds: 2)
        let left = first.killed
        let newest = try #require(left.paths.filter { $0.hasPrefix("state/checkpoint") }.max())
        left.setBytes(newest, [1, 2, 3])
        left.put("broken", "no directory")
        let place = "settings.checkpoint.second_place={ path: broken, required: true }"
        let error = #expect(throws: StorageError.self) { try life(over: left, set: [place]) }
        #expect(error?.path.hasPrefix("broken") == true)
        #expect(left.paths.filter { $0.hasSuffix(".damaged") } == [])
        let second = try life(over: left)
        second.settle()
        #expect(second.files.text("out.ndjson") == second.files.text("in.ndjson"))
    }

    /// Of a box that is lost the output is lost, too: where it is not put back, it begins anew.
    @Test func outputThatIsLostWithTheBoxBeginsAnewWhenAllowed() throws {
        files.put("in.ndjson", "{\"id\":1,\"ts\":1}\n")
        let first = try life(over: files)
        first.settle()
        first.pass(seconds: 2)
        let box = MemoryFileSystem()
        for path in files.paths where path.hasPrefix("second/") {
            box.put(path, bytes: files.bytes(path))
        }
        box.put("in.ndjson", "{\"id\":1,\"ts\":1}\n{\"id\":2,\"ts\":2}\n")
        let error = #expect(throws: StorageError.self) { try life(over: box) }
        #expect(error?.kind == .corrupt && error?.path == "out.ndjson")
        #expect(error?.advice.contains("--allow-reset") == true)
        let second = try life(over: box, allowing: ["out"])
        second.settle()
        second.pass(seconds: 2)
        #expect(box.text("out.ndjson") == "{\"id\":2,\"ts\":2}\n")
    }

    /// Each would remove what the other one is just copying.
    @Test func nobodyElseCopiesToTheSecondPlaceOfARun() throws {
        files.put("in.ndjson", "{\"id\":1,\"ts\":1}\n")
        let other = try life(
            over: files, set: ["settings.state.path=other", "sinks.out.path=other/out.ndjson"])
        let running = try life(over: files)
        running.settle()
        running.pass(seconds: 2)
        let inspection = CheckpointInspection("state", fileSystem: files)
        let error = #expect(throws: StorageError.self) { try inspection.copy(to: "second") }
        #expect(error?.path == "second" && error?.kind == .alreadyExists)
        #expect(try inspection.copy(to: "elsewhere").epoch == 1)
        other.settle()
        other.pass(seconds: 2)
        #expect(other.log.lines.contains { $0.contains("cannot copy checkpoints to second") })
        running.stop()
        running.settle()
        #expect(running.finish() == nil)
        #expect(try inspection.copy(to: "second").epoch == 2)
        #expect(files.paths.filter { $0.hasSuffix("/COPIES") } == [])
    }
}
