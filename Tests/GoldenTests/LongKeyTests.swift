import Dataflow
import Storage
import TestSupport
import Testing

/// Rows whose key is longer than any that state takes: each is an error of its own record.
struct LongKeyTests {
    private static let yaml = """
        settings: { workers: 2, dead_letter: rejects }
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            max_record: 64MiB
            schema: { id: int, k: string, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 1s }
        steps:
          step: STEP
        sinks:
          out: { type: file, path: out.ndjson }
          rejects: { type: file, path: rejects.ndjson }
        """
    private static let table = """
          table:
            type: file
            paths: [ table.ndjson ]
            max_record: 64MiB
            schema: { k: string, v: int }
            table: { key: k }
        steps:
        """
    /// The longest text that is a key together with its group and its mark.
    private static let bytesMax = 1 << 24 - 4

    private static func record(_ id: Int, _ key: String) -> String {
        "{\"id\":\(id),\"k\":\"\(key)\",\"ts\":\(1000 + id)}\n"
    }

    private func run(_ step: String, table: String? = nil) throws -> PipelineRun {
        let files = MemoryFileSystem()
        files.put(
            "in.ndjson",
            Self.record(1, "a") + Self.record(2, String(repeating: "x", count: Self.bytesMax))
                + Self.record(3, String(repeating: "x", count: Self.bytesMax + 1))
                + Self.record(4, "b"))
        var yaml = Self.yaml.replacing("STEP", with: step)
        if let table {
            files.put("table.ndjson", table)
            yaml = yaml.replacing("steps:", with: Self.table)
        }
        return try PipelineRun.run(yaml, name: "long", over: files)
    }

    @Test(arguments: [
        ("{ type: dedup, key: k, bucket: 1m, retain: 1m }", 3),
        ("{ type: dedup, key: k, bucket: 1m, retain: 1m, keep: last }", 3),
        // A column that is not the last has an end.
        ("{ type: dedup, key: [ k, id ], bucket: 1m, retain: 1m }", 2),
        (window("[ k ]", "c: count()"), 3), (window("[ id ]", "c: count_distinct(k)"), 2),
    ])
    func aKeyThatIsTooLongIsAnError(_ step: String, _ passed: Int) throws {
        let run = try run(step)
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(run.lines("out.ndjson").count == passed)
        let rejects = run.lines("rejects.ndjson")
        #expect(rejects.count == 4 - passed)
        #expect(run.counters("step").errors == 4 - passed)
        let last = rejects.last ?? ""
        #expect(last.contains("\"step\":\"step\",\"source\":\"in\""), "\(last.prefix(300))")
        #expect(last.contains("16 MiB"), "\(last.prefix(300))")
        #expect(last.contains("\"position\":\"in.ndjson:"), "\(last.prefix(300))")
    }

    private static func window(_ by: String, _ aggregate: String) -> String {
        "{ type: window, by: \(by), window: { kind: tumbling, size: 1m }, "
            + "aggregate: { \(aggregate) } }"
    }

    /// No table has such a key, and so a row with one finds nothing.
    @Test func aTableHasNoKeyThatIsTooLong() throws {
        let long = String(repeating: "x", count: Self.bytesMax + 1)
        let run = try run(
            "{ type: broadcast_join, table: table, on: k, kind: left }",
            table: "{\"k\":\"b\",\"v\":1}\n{\"k\":\"\(long)\",\"v\":2}\n")
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(
            run.lines("out.ndjson").map { $0.hasSuffix("\"v\":1}") } == [false, false, false, true])
        let rejects = run.lines("rejects.ndjson")
        #expect(rejects.count == 1 && rejects[0].contains("16 MiB"), "\(rejects.count)")
        let position = "\"position\":\"table.ndjson:16 record 1\""
        #expect(rejects.first?.contains(position) == true, "\(rejects.first ?? "")")
        #expect(run.counters("step").missed == 3)
    }
}
