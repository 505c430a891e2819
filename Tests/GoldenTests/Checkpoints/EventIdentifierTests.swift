import Connectors
import Dataflow
import Pipeline
import Storage
import Synchronization
import TestSupport
import Testing

/// Identifiers of rows: the same however often, and in whatever chunks, a row is made; different
/// for different rows.
struct EventIdentifierTests {
    /// Rows as a server sees them, from a run that may be interrupted.
    private static func rows(
        _ yaml: String, _ files: MemoryFileSystem, set: [String] = [],
        interruption: Interruption? = nil
    ) throws -> (lines: [String], failure: String?, isFinished: Bool) {
        let server = try #require(TestSocket.listen())
        nonisolated(unsafe) let accepting = server
        let thread = TestThread { () -> String in
            var all: [UInt8] = []
            guard let connection = unsafe accepting.accept() else { return "" }
            while true {
                let bytes = connection.receive()
                if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
                all += bytes
            }
        }
        let run = try PipelineRun.run(
            yaml, name: "identified", over: files,
            set: ["sinks.out.connect=127.0.0.1:\(server.port)"] + set, interruption: interruption)
        // A run that sent nothing never connected.
        TestSocket.connect(port: server.port)?.finish()
        let text = thread.join() ?? ""
        let lines = text.split(separator: "\n").map(String.init).filter { $0.hasSuffix("}") }
        return (lines, run.failure, run.isFinished)
    }

    private static func id(_ line: String) -> Substring? {
        line.components(after: "\"event_id\":\"").map { $0.prefix { $0 != "\"" } }
    }

    private static let source = """
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            schema: { order_id: string, region: string, amount: float, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 1m }
        """
    private static let sink = """
        sinks: { out: { type: tcp, connect: "127.0.0.1:1", event_id: event_id } }
        """

    private static let pipelines = [
        "plain": "\(source)\n\(sink)",
        "steps": """
        \(source)
        steps:
          some: { type: filter, where: amount > 20 }
          less: { type: map, select: [ order_id ] }
        \(sink)
        """,
        "unique": """
        \(source)
        steps: { unique: { type: dedup, key: order_id, bucket: 1m, retain: 10m, keep: last } }
        \(sink)
        """,
        "windows": """
        \(source)
        steps:
          sums:
            type: window
            by: region
            window: { kind: tumbling, size: 1m }
            aggregate: { total: sum(amount) }
        \(sink)
        """,
    ]

    @Test(arguments: pipelines.keys.sorted())
    func rowsThatComeAgainHaveTheirIdentifier(_ name: String) throws {
        let yaml = try #require(Self.pipelines[name])
        let input = WorkloadInput(
            name: "identified", rows: 3_000, seed: Seeds.base + 12, disorder: 30_000,
            duplicates: 30, late: 5, span: 20)
        let orders = try input.orders()
        let plain = MemoryFileSystem()
        plain.put("in.ndjson", orders)
        let expected = try Self.rows(
            yaml, plain, set: ["settings.workers=1", "settings.chunk_size=1MiB"])
        #expect(expected.failure == nil)
        let identifiers = expected.lines.compactMap { Self.id($0) }
        #expect(identifiers.count == expected.lines.count && identifiers.count > 30)
        #expect(Set(identifiers).count == identifiers.count)
        #expect(identifiers.allSatisfy { $0.utf8.count > 17 })
        let files = MemoryFileSystem()
        files.put("in.ndjson", orders)
        var random = SplitMix64(seed: Seeds.base)
        var all: [String] = []
        var isFinished = false
        var runs = 0
        while !isFinished {
            runs += 1
            let interruption = Interruption(.failure, afterReads: random.int(5...30 + runs * 20))
            let run = try Self.rows(
                yaml, files,
                set: [
                    "settings.state={ path: state }", "settings.checkpoint={ every: 10ms }",
                    "settings.workers=\(random.int(1...3))",
                    "settings.chunk_size=\(random.int(3...9))KiB", "settings.batch_rows=50",
                ], interruption: interruption)
            all += run.lines
            isFinished = run.failure == nil && run.isFinished
            if run.failure != nil { #expect(run.failure?.hasPrefix("Failure") == true) }
        }
        #expect(runs > 1)
        // Each at least once, byte for byte with its identifier.
        #expect(Set(all) == Set(expected.lines))
    }

    /// Records of the same text are different events.
    @Test func equalRecordsAreToldApart() throws {
        let files = MemoryFileSystem()
        let lines = ["{\"n\":1}", "{\"n\":1}", " {\"n\":2} ", "wrong", "", "{\"n\":1}"]
        files.put("in.ndjson", lines.joined(separator: "\n") + "\n")
        let yaml = """
            sources: { in: { type: file, paths: [ in.ndjson ], schema: { n: int } } }
            \(Self.sink)
            """
        let rows = try Self.rows(yaml, files)
        #expect(rows.failure == nil)
        let offsets = rows.lines.compactMap { Self.id($0)?.split(separator: "-").last }
        #expect(offsets == ["0", "8", "16", "33"])
        // The offsets of a log are those of its records.
        try LogFile("log", on: files).make(lines.map { $0[...] }, partitions: 1, perBatch: 4)
        let log = """
            sources: { in: { type: log, path: log, schema: { n: int } } }
            \(Self.sink)
            """
        let logged = try Self.rows(log, files)
        #expect(logged.failure == nil)
        #expect(
            logged.lines.compactMap { Self.id($0)?.split(separator: "-").last }
                == ["0", "1", "2", "5"])
    }
}

extension String {
    /// What stands behind a text.
    fileprivate func components(after text: String) -> Substring? {
        guard var start = indices.first(where: { self[$0...].hasPrefix(text) }) else { return nil }
        start = index(start, offsetBy: text.count)
        return self[start...]
    }
}
