import Connectors
import Dataflow
import Storage
import Testing

@testable import Pipeline

struct ExplainTests {
    private func described() throws -> PipelineDescription {
        try #require(TestWorld().check(ordersFile).pipeline).describe()
    }

    @Test func theTextSaysWhatThePipelineDoes() throws {
        #expect(
            try described().text() == """
                pipeline orders, 2 workers

                sources
                  orders: file, data/orders-*.ndjson (2 files), json
                      decodes order_id string, shop_id int, region string, amount float, status string, ts timestamp_ms; keeps records whole
                      watermark 5s behind the greatest ts; idle after 30s; refuses rows more than 1m ahead of the clock
                      at most 200000/s
                      a crash costs: all state; the next run reads it from its start

                tables
                  shops: data/shops.ndjson (1 file), by shop_id
                      decodes shop_id int, category string, city string
                      at most 100MiB of memory

                steps
                  paid: filter of orders
                      status = 'paid' AND amount > 0
                  unique: dedup of paid
                      first of each order_id
                      exchange by order_id
                      keeps keys, in buckets of 1m; a bucket goes 1h after its end
                  located: broadcast_join of unique
                      left join of shops on shop_id
                      keeps the table shops, shared by all workers; at most 100MiB
                  per_minute: window of located
                      tumbling 1m: total = sum(amount), orders = count()
                      exchange by region, category
                      keeps an accumulator for each key in each open window of 1m; a window closes when the watermark reaches its end

                sinks
                  totals: stdout, standard output, json
                      writes per_minute
                      when its target is away: ends the run quietly when the reader closes the pipe
                      guarantee: none without checkpoints: the next run writes everything again
                  late: file, out/late-{date}.ndjson, json
                      writes unique.late, per_minute.late
                      when its target is away: ends the run with an error that names the file
                      guarantee: none without checkpoints: the next run writes everything again, behind what is there
                  rejects: file, out/rejects.ndjson, json
                      writes orders.errors, shops.errors, paid.errors, unique.errors, located.errors, per_minute.errors
                      when its target is away: ends the run with an error that names the file
                      guarantee: none without checkpoints: the next run writes its file anew

                tasks
                  1. orders -> paid
                  2. paid -> unique -> located
                      exchange by order_id
                  3. located -> per_minute
                      exchange by region, category

                """)
    }

    @Test func theGraphsNameEveryNodeAndEdge() throws {
        let dot = try described().dot()
        #expect(dot.hasPrefix("digraph \"orders\" {\n") && dot.hasSuffix("}\n"))
        #expect(dot.contains("  subgraph cluster_1 {\n    label=\"task 2\";\n"))
        #expect(dot.contains("step0 -> step1 [label=\"exchange by order_id\"];"))
        #expect(dot.contains("table0 -> step2 [label=\"broadcast\"];"))
        let mermaid = try described().mermaid()
        #expect(mermaid.hasPrefix("flowchart LR\n"))
        #expect(mermaid.contains("step3 -->|\"late\"| sink1\n"))
        #expect(mermaid.contains("    step1[\"unique<br>dedup\"]\n"))
    }

    @Test(arguments: [
        ("", "", "beside what is there"), ("", ", key: id", "over the rows of the same key"),
        ("settings: { state: { path: s }, checkpoint: {} }\n", "", "exactly once, with each"),
    ])
    func aTableIsDescribedWithItsGuarantee(
        _ settings: String, _ key: String, _ guarantee: String
    ) throws {
        let text = """
            \(settings)sources:
              in: { type: file, paths: [ data/orders-1.ndjson ], schema: { id: int, t: timestamp } }
            sinks: { out: { type: sqlite, path: out/a.db, table: t\(key) } }
            """
        let pipeline = try #require(TestWorld().check(text).pipeline)
        let sink = pipeline.describe().sinks[0]
        #expect(sink.type == "sqlite" && sink.format == "values")
        #expect(sink.target == "table t of out/a.db" + (key.isEmpty ? "" : ", by id"))
        #expect(sink.guarantee.contains(guarantee))
        #expect(pipeline.sinks[0].inputs[0].columns == [0, 1])
        let plan = try pipeline.plan(in: surroundings)
        #expect(plan.sinks[0].binding.meaning == "sqlite out/a.db t")
        _ = plan.sinks[0].inputs[0].makeEncoder()
    }

    @Test func aBuildWithoutSQLiteRefusesItAndChecksAllElse() {
        var world = TestWorld()
        world.hasSQLite = false
        let text = """
            sources: { in: { type: stdin, schema: { n: int } } }
            sinks:
              out: { type: sqlite, path: out/a.db, table: t, key: x }
            """
        #expect(
            world.check(text).diagnostics.map(\.description) == [
                "p.yaml:3:10: error: sink 'out': this weir was built without SQLite; install "
                    + "libsqlite3-dev, and build with 'swift build -c release --product weir "
                    + "--traits SQLite'",
                "p.yaml:3:55: error: unknown field 'x' in 'in'; did you mean 'n'?",
            ])
    }

    // MARK: Plans

    private var surroundings: Surroundings {
        Surroundings(
            fileSystem: DiskFileSystem(), clock: .system, zones: .none, notice: { _ in })
    }

    @Test func aCheckedPipelineBecomesAPlan() throws {
        let pipeline = try #require(TestWorld().check(ordersFile).pipeline)
        let plan = try pipeline.plan(in: surroundings)
        #expect(plan.settings.workers == 2)
        #expect(plan.sources.map(\.name) == ["orders", "shops"])
        #expect(plan.sources.map { $0.table?.index } == [nil, 0])
        #expect(plan.sources[0].watermark?.delay == 5_000_000)
        #expect(plan.steps.map(\.type) == ["filter", "dedup", "broadcast_join", "window"])
        #expect(
            plan.steps.map(\.key) == [
                nil, [0], nil, [2, plan.steps[3].inputSchema.index(of: "category") ?? -1],
            ])
        #expect(plan.sinks.map(\.inputs.count) == [1, 2, 6])
        for source in plan.sources { _ = source.makeDecoder() }
        for step in plan.steps {
            let context = StepContext(step: step.name, worker: 0, workers: 1, sources: ["orders"])
            _ = step.makeOperator(context)
        }
        for input in plan.sinks.flatMap(\.inputs) { _ = input.makeEncoder() }
    }

    @Test func identifiersOfRowsAreTold() throws {
        let text = """
            sources: { in: { type: generate, generator: orders, rows: 100 } }
            sinks: { out: { type: stdout, event_id: id } }
            """
        let pipeline = try #require(TestWorld().check(text).pipeline)
        #expect(pipeline.describe().text().contains("each row with its event_id in 'id'"))
    }

    @Test func theStateOfAWindowIsBoundToTheTypesOfWhatItComputes() throws {
        func meaning(_ type: String) throws -> String {
            let text = """
                sources:
                  in:
                    type: stdin
                    schema: { n: \(type), ts: timestamp_ms }
                    event_time: ts
                    watermark: { max_delay: 5s }
                steps:
                  all: { type: window, window: { kind: tumbling, size: 1m }, aggregate: { least: min(n) } }
                sinks: { out: { type: stdout } }
                """
            let pipeline = try #require(TestWorld().check(text).pipeline)
            return try pipeline.plan(in: surroundings).steps[0].binding.meaning
        }
        let meanings = try ["int", "float", "string", "timestamp"].map(meaning)
        #expect(Set(meanings).count == 4)
        #expect(try meaning("timestamp_ms") == meanings[3])
    }

    /// What checkpoints hold of a generator is bound to how its rate was always told.
    @Test(arguments: [("1000/s", "1000"), ("120/m", "2"), ("10/m", "10/60000000us")])
    func theRateOfAGeneratorKeepsItsName(rate: String, name: String) throws {
        let text = """
            sources: { in: { type: generate, generator: orders, rate: \(rate) } }
            sinks: { out: { type: blackhole } }
            """
        let pipeline = try #require(TestWorld().check(text).pipeline)
        let meaning = try pipeline.plan(in: surroundings).sources[0].binding.meaning
        #expect(meaning.contains("rate: Optional(\(name))"), "\(meaning)")
    }

    @Test func aGeneratorMayGiveLessThanARowASecond() throws {
        let text = """
            sources: { in: { type: generate, generator: orders, rate: 10/m } }
            sinks: { out: { type: blackhole } }
            """
        let pipeline = try #require(TestWorld().check(text).pipeline)
        #expect(pipeline.sources[0].spec.generatedRate == 10.0 / 60)
        guard case .generate(let spec) = pipeline.sources[0].spec.kind else { return }
        let rate = GeneratorOptions.Rate(count: 10, microseconds: 60_000_000)
        #expect(spec.options.rate == rate)
    }

    @Test func generatedRowsPassADecoderOfThePlan() throws {
        let text = """
            sources: { in: { type: generate, generator: orders, rows: 100, duplicates: 0% } }
            steps: { a: { type: filter, where: "amount >= 0 AND status <> ''" } }
            sinks: { out: { type: blackhole, format: { type: csv, columns: [ order_id, amount ] } } }
            """
        let result = TestWorld().check(text)
        let plan = try #require(result.pipeline).plan(in: surroundings)
        let source = try plan.sources[0].makeSource()
        let decoder = plan.sources[0].makeDecoder()
        let encoder = plan.sinks[0].inputs[0].makeEncoder()
        try source.open()
        var rows = 0
        while case .chunk(let chunk) = try source.read(byteCount: 4096, waitMilliseconds: 0) {
            decoder.begin(chunk)
            var rejects = RejectedRows()
            while let batch = decoder.next(rowsMax: 16, rejects: &rejects) {
                #expect(batch.columns.count == 3)
                for part in encoder.encode(batch) {
                    rows += part.rowCount
                    let text = String(
                        decoding: part.slab.array(0..<part.byteCount), as: UTF8.self)
                    #expect(text.hasPrefix("o-1"))
                }
            }
            let rejected = rejects.count
            #expect(rejected == 0)
        }
        #expect(rows == 100)
    }

    @Test(arguments: ["orders", "shops", "sensors"])
    func theFieldsOfAGeneratorAreThoseOfItsRows(_ kind: String) throws {
        let text = """
            sources: { in: { type: generate, generator: \(kind), rows: 50 } }
            sinks: { out: { type: blackhole } }
            """
        let result = TestWorld().check(text)
        let pipeline = try #require(result.pipeline)
        guard case .generate(let spec) = pipeline.sources[0].spec.kind else { return }
        var options = spec.options
        options.rows = 50
        let generator = try RecordGenerator(options)
        var out = GeneratedText(byteCount: 1 << 16)
        generator.write(rows: 0..<50, into: &out)
        let source = GenerateSource(generator)
        guard case .chunk(let chunk) = source.read(byteCount: 1 << 16, waitMilliseconds: 0) else {
            Issue.record("no rows")
            return
        }
        let guessed = SampleInference.fields(
            of: chunk.slab.array(chunk.range), format: .json, at: Place(file: "p"))
        #expect(guessed.map(\.name.value) == spec.fields.map(\.name))
        for (guess, field) in zip(guessed, spec.fields) {
            #expect(guess.type == (field.type == .timestamp ? .int : field.type), "\(field.name)")
        }
    }

    @Test func aCrashCostsWhatCannotBeReadAgain() throws {
        let yaml = """
            settings: { state: { path: state }, checkpoint: { every: 1s } }
            sources:
              kept: { type: generate, generator: orders, rows: 9, schema: { order_id: string } }
              heard: { type: tcp, listen: "127.0.0.1:7000", schema: { id: int } }
            sinks:
              first: { type: file, inputs: kept, path: a.out }
              both: { type: file, inputs: [ kept, heard ], path: b.out }
              sent: { type: tcp, inputs: heard, connect: "127.0.0.1:7001" }
            """
        let result = TestWorld().check(yaml)
        #expect(
            result.diagnostics.map(\.message) == [
                "what source 'heard' received since the last checkpoint is lost in a crash: tcp "
                    + "cannot be read again; 'buffer: log' keeps it"
            ])
        let described = try #require(result.pipeline).describe()
        #expect(
            described.sources.map(\.crashCost) == [
                "nothing: it is read again from the last checkpoint on",
                "what was received since the last checkpoint: at most once",
            ])
        #expect(described.sinks[2].whenAway.contains("a queue of 1GiB on disk"))
        #expect(
            described.sinks.map(\.guarantee) == [
                "exactly once, with each checkpoint",
                "exactly once, with each checkpoint; less what a crash loses of 'heard'",
                "at least once: rows since the last checkpoint come again after a crash; less "
                    + "what a crash loses of 'heard'",
            ])
    }

    @Test func aHeaderStandsAtTheStartOfAStream() throws {
        final class Recorder: SinkWriter {
            var written: [String: String] = [:]
            func open() throws {}
            func write(_ parts: [EncodedPart]) throws {
                for part in parts {
                    written[part.target, default: ""] += String(
                        decoding: part.slab.array(0..<part.byteCount), as: UTF8.self)
                }
            }
            func flush() throws {}
            func close() throws {}
            func interrupt() {}
        }
        func part(_ target: String, _ text: String) -> EncodedPart {
            let slab = Slab(byteCount: 16)
            return EncodedPart(
                target: target, slab: slab, byteCount: slab.copy(text, to: 0), rowCount: 1)
        }
        let recorder = Recorder()
        let writer = HeaderWriter(recorder, "a,b\n")
        try writer.open()
        try writer.write([part("", "1,2\n"), part("", "5,6\n")])
        try writer.write([part("", "7,8\n")])
        try writer.close()
        #expect(recorder.written == ["": "a,b\n1,2\n5,6\n7,8\n"])
        let empty = Recorder()
        try HeaderWriter(empty, "a,b\n").close()
        #expect(empty.written == ["": "a,b\n"])
    }
}
