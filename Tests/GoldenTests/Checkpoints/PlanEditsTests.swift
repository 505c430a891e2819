import Dataflow
import Execution
import Pipeline
import Synchronization
import TestSupport
import Testing

/// What becomes of state when a pipeline is edited between two runs.
struct PlanEditsTests {
    private static let yaml = """
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          orders:
            type: file
            paths: [ orders.ndjson ]
            schema: { order_id: string, shop: string, amount: float, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 1m }
        steps:
          unique: { type: dedup, inputs: orders, key: order_id, bucket: 1m, retain: 10m }
          sums:
            type: window
            inputs: [ unique ]
            by: [ shop ]
            window: { kind: tumbling, size: 1m }
            aggregate: { total: sum(amount) }
        sinks:
          out: { type: file, inputs: sums, path: out.ndjson }
          copy: { type: file, inputs: unique, path: copy.ndjson }
        """
    private let files = MemoryFileSystem()

    init() throws {
        files.put(
            "orders.ndjson",
            (0..<3000).map { row in
                "{\"order_id\":\"o\(row * 7 % 2500)\",\"shop\":\"s\(row % 9)\""
                    + ",\"amount\":\(row % 13),\"ts\":\(1_767_225_600_000 + row * 100)}\n"
            }.joined())
    }

    /// Runs to about the middle and fails there, with a checkpoint behind it.
    private func interrupt() throws {
        for _ in 0..<20 where !files.paths.contains(where: { $0.hasSuffix(".manifest") }) {
            let run = try PipelineRun.run(
                Self.yaml, name: "edited", over: files,
                interruption: Interruption(.failure, afterReads: 30))
            #expect(run.failure?.hasPrefix("Failure") == true, "\(run.failure ?? "")")
        }
    }

    private func edits(_ yaml: String, set: [String] = []) throws -> PlanEdits {
        try PlanEdits(
            from: PipelineRun.plan(Self.yaml, name: "edited", over: files),
            to: PipelineRun.plan(yaml, name: "edited", over: files, set: set))
    }

    private func fates(_ edits: PlanEdits) -> [String: PlanEdits.Fate] {
        Dictionary(uniqueKeysWithValues: edits.edits.map { ($0.name, $0.fate) })
    }

    @Test func theSameFileKeepsAll() throws {
        try interrupt()
        let edits = try edits(Self.yaml)
        #expect(edits.isEmpty)
        #expect(edits.losses(allowing: []).isEmpty)
        #expect(edits.edits.map(\.name) == ["orders", "unique", "sums", "out", "copy"])
        #expect(edits.edits[1].byteCount > 1000, "\(edits.lines)")
    }

    @Test func otherWorkersAndTimesTakeStateAlong() throws {
        try interrupt()
        let set = ["settings.workers=3", "steps.unique.retain=20m", "sinks.copy.path=other.ndjson"]
        let edits = try edits(Self.yaml, set: set)
        #expect(
            fates(edits) == [
                "orders": .kept, "unique": .migrated, "sums": .migrated, "out": .kept,
                "copy": .migrated,
            ])
        #expect(edits.losses(allowing: []).isEmpty)
        let run = try PipelineRun.run(Self.yaml, name: "edited", over: files, set: set)
        #expect(run.failure == nil)
        #expect(run.log.contains { $0.hasPrefix("step unique: migrated") })
        #expect(run.counters("unique").received == 3000)
    }

    @Test func whatIsLostMustBeAllowed() throws {
        try interrupt()
        let edited = Self.yaml
            .replacing("sum(amount)", with: "max(amount)")
            .replacing("inputs: unique", with: "inputs: orders")
            .replacing("unique: {", with: "distinct: {")
            .replacing("inputs: [ unique ]", with: "inputs: [ distinct ]")
        let edits = try edits(edited)
        #expect(
            fates(edits) == [
                "orders": .kept, "unique": .dropped, "distinct": .added, "sums": .reset,
                "out": .kept, "copy": .kept,
            ])
        #expect(edits.losses(allowing: []).count == 2, "\(edits.losses(allowing: []))")
        #expect(edits.losses(allowing: ["sums"]).count == 1)
        #expect(edits.losses(allowing: ["sums", "unique"]).isEmpty)
        let refused = try PipelineRun.run(edited, name: "edited", over: files)
        #expect(refused.failure?.contains("--allow-reset sums") == true)
        #expect(refused.failure?.contains("--allow-reset unique") == true)
    }

    @Test func aSourceOfAnotherTypeBeginsAnew() throws {
        try interrupt()
        let edits = try edits(Self.yaml, set: ["sources.orders.follow=true"])
        #expect(fates(edits)["orders"] == .reset)
        #expect(
            edits.losses(allowing: []).contains { $0.hasPrefix("source 'orders' was changed") })
    }

    @Test func outputThatWaitsForASinkIsNotDropped() throws {
        // Output is committed behind the manifest: a crash between leaves it staged.
        let clones = Mutex<[MemoryFileSystem]>([])
        let files = files
        files.observe { note in
            guard note.isBefore, note.operation == .rename, note.path.contains("copy.ndjson")
            else { return }
            clones.withLock { if $0.isEmpty { $0.append(files.crashKeepingWritten()) } }
        }
        _ = try PipelineRun.run(Self.yaml, name: "edited", over: files)
        files.observe(nil)
        let crash = try #require(clones.withLock { $0.first })
        let without = Self.yaml.replacing(
            "  copy: { type: file, inputs: unique, path: copy.ndjson }", with: "")
        let edits = try PlanEdits(
            from: PipelineRun.plan(Self.yaml, name: "edited", over: crash),
            to: PipelineRun.plan(without, name: "edited", over: crash))
        #expect(fates(edits)["copy"] == .dropped)
        #expect(edits.losses(allowing: []).count == 1, "\(edits.lines)")
        #expect(edits.losses(allowing: ["copy"]).isEmpty)
    }

    /// What was changed is told in the words of the file, and nothing else is.
    @Test(arguments: [
        (
            "by: [ shop ]", "by: [ shop, order_id ]", "sums",
            "by: shop -> by: shop, order_id"
        ),
        ("size: 1m", "size: 2m", "sums", "window: tumbling 1m -> window: tumbling 2m"),
        (
            "sum(amount)", "sum(amount * 2)", "sums",
            "aggregate: total = sum(amount) -> aggregate: total = sum(amount * 2)"
        ),
        (
            "{ total: sum(amount) }", "{ total: sum(amount), rows: count() }", "sums",
            "nothing -> aggregate: rows = count()"
        ),
        ("shop: string", "shop: int", "sums", "field shop: string -> field shop: int"),
        ("amount: float", "amount: int", "sums", "field amount: float -> field amount: int"),
        ("key: order_id", "key: shop", "unique", "key: order_id -> key: shop"),
        ("retain: 10m", "retain: 20m", "unique", "retain: 10m -> retain: 20m"),
        (
            "retain: 10m", "retain: 10m, keep: last", "unique",
            "keep: first -> keep: last"
        ),
        (
            "type: file\n    paths", "type: file\n    follow: true\n    paths", "orders",
            "orders.ndjson (1 file), json -> orders.ndjson (1 file, followed), json"
        ),
    ])
    func editsAreToldInTheWordsOfTheFile(
        _ old: String, _ new: String, _ name: String, _ change: String
    ) throws {
        let edited = Self.yaml.replacing(old, with: new)
        try #require(edited != Self.yaml)
        let edits = try edits(edited)
        let told = edits.edits.first { $0.name == name }?.change ?? ""
        #expect(told == change)
    }

    @Test func withoutACheckpointNothingIsLost() throws {
        let edits = try edits(Self.yaml, set: ["steps.unique.bucket=2m"])
        #expect(edits.epoch == nil)
        #expect(fates(edits)["unique"] == .reset)
        #expect(edits.losses(allowing: []).isEmpty)
    }
}
