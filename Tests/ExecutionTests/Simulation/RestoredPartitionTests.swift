import Dataflow
import TestSupport
import Testing

@testable import Execution

/// Partitions with watermarks of their own, in a run that goes on from a checkpoint.
struct RestoredPartitionTests {
    private static func yaml(_ source: String) -> String {
        """
        settings:
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s }
        sources:
          in:
            \(source)
            schema: { id: string, ts: timestamp_s }
            event_time: ts
        steps:
          tens: { type: window, window: { kind: tumbling, size: 10s }, aggregate: { n: count() } }
        sinks:
          out: { type: file, path: out.ndjson }
          late: { type: file, path: late.ndjson, inputs: tens.late }
        """
    }

    private let clock = VirtualClock()

    private static func row(_ seconds: Int) -> String { "{\"id\":\"x\",\"ts\":\(seconds)}\n" }

    /// A file that says nothing more holds the others until it is idle, and no longer.
    @Test func aFileThatIsSilentSinceTheCheckpointBecomesIdle() throws {
        let yaml = Self.yaml(
            """
            type: file
                paths: [ "in-*" ]
                follow: true
                watermark: { max_delay: 0s, per: file, idle_timeout: 10s }
            """)
        let files = MemoryFileSystem()
        files.put("in-a", Self.row(5))
        files.put("in-b", Self.row(5))
        let first = try Life(yaml, over: files, at: clock)
        first.settle()
        first.pass(seconds: 2)
        #expect(first.names(in: "state", ".manifest").count == 1)
        let second = try Life(yaml, over: first.killed, at: clock)
        second.settle()
        for time in 20..<28 {
            second.files.append("in-b", Self.row(time))
            second.pass(seconds: 1)
        }
        #expect(second.files.text("out.ndjson") == "", "the silent one is not idle yet")
        for time in 28..<34 {
            second.files.append("in-b", Self.row(time))
            second.pass(seconds: 1)
        }
        second.pass(seconds: 2)
        let lines = second.files.text("out.ndjson")?.split(separator: "\n") ?? []
        #expect(lines.count == 2)
        #expect(lines.first?.contains("\"n\":2") == true)
    }

    /// Connections end with their run; those of the next one have nothing to do with them.
    @Test func connectionsOfTheRunBeforeHoldNothing() throws {
        let yaml = Self.yaml(
            """
            type: tcp
                listen: "127.0.0.1:1"
                watermark: { max_delay: 0s, per: connection, idle_timeout: 1h }
            """)
        let first = try Life(
            yaml, over: MemoryFileSystem(), at: clock,
            sources: [
                "in": {
                    ScriptedSource(
                        [
                            .text(Self.row(5), partition: 0, events: [.opened(0), .opened(1)]),
                            .text(Self.row(7), partition: 1),
                        ], isBounded: false)
                }
            ])
        first.settle()
        first.pass(seconds: 2)
        let second = try Life(
            yaml, over: first.killed, at: clock,
            sources: [
                "in": {
                    ScriptedSource(
                        [.text(Self.row(25), partition: 0, events: [.opened(0)])], isBounded: false)
                }
            ])
        second.settle()
        second.pass(seconds: 2)
        let lines = second.files.text("out.ndjson")?.split(separator: "\n") ?? []
        #expect(lines.count == 1)
        #expect(lines.first?.contains("\"n\":2") == true)
    }
}
