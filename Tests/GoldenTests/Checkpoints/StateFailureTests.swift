import Storage
import Synchronization
import TestSupport
import Testing

/// State that cannot be written.
struct StateFailureTests {
    private static let yaml = """
        name: followed
        settings:
          state: { path: state }
          checkpoint: { every: 10ms }
          chunk_size: 1KiB
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            follow: true
            schema: { id: int, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 1s }
        steps:
          unique: { type: dedup, key: id, window: 1h }
        sinks:
          out: { type: file, path: out.ndjson }
        """

    /// Nothing that comes later would have what was to be written; to start again has.
    @Test(.timeLimit(.minutes(2)))
    func runWithoutEndEndsWithTheReason() throws {
        let files = MemoryFileSystem()
        files.put("in.ndjson", (0..<100).map { "{\"id\":\($0),\"ts\":0}\n" }.joined())
        let hasFailed = Atomic(false)
        files.observe { [weak files] note in
            guard note.isBefore, note.operation == .write, note.path.hasSuffix(".run"),
                !hasFailed.exchange(true, ordering: .relaxed)
            else { return }
            files?.fail(operation: note.number, with: .error(.inputOutput))
        }
        let run = try PipelineRun.run(Self.yaml, name: "followed", over: files)
        let wasTried = hasFailed.load(ordering: .relaxed)
        #expect(wasTried)
        #expect(run.failure?.contains("injected") == true, "\(run.failure ?? "none")")
        #expect(run.failure?.contains(".run") == true)
    }
}
