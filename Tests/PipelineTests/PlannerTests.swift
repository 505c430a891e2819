import Connectors
import Dataflow
import Operators
import Testing

@testable import Pipeline

struct PlannerTests {
    private func pipeline(
        _ text: String, _ world: TestWorld = TestWorld(), set: [String] = []
    ) throws -> CheckedPipeline {
        let result = world.check(text, set: set)
        #expect(result.diagnostics.map(\.description) == [])
        return try #require(result.pipeline)
    }

    /// A pipeline of one JSON source with the given steps and sinks.
    private func file(
        _ steps: String, sinks: String = "{ out: { type: stdout } }", source: String = "",
        settings: String = "{}"
    ) -> String {
        """
        settings: \(settings)
        sources:
          in:
            type: stdin
            schema: { id: string, shop_id: int, amount: float, status: string, note: string, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 5s }
            \(source)
        steps: \(steps)
        sinks: \(sinks)
        """
    }

    private func decoded(_ pipeline: CheckedPipeline) -> [String] {
        pipeline.sources[0].fields.map(\.name.value)
    }

    // MARK: What is decoded

    @Test func onlyNeededFieldsAreDecoded() throws {
        let pipeline = try pipeline(ordersFile)
        #expect(decoded(pipeline) == ["order_id", "shop_id", "region", "amount", "status", "ts"])
        #expect(pipeline.sources[1].fields.map(\.name.value) == ["shop_id", "category", "city"])
        #expect(pipeline.sources[1].table?.key == [0])
        // The late rows leave as they came, and the dead letters of the steps need them too.
        #expect(pipeline.sources[0].schema.record != nil)
    }

    @Test func anUntouchedRecordNeedsNoFieldsButItsTime() throws {
        let pipeline = try pipeline(file("{}"))
        #expect(decoded(pipeline) == ["ts"])
        let schema = pipeline.sources[0].schema
        #expect(schema.record == 1)
        #expect(schema.watermark == nil)
        #expect(pipeline.sinks[0].inputs[0].columns == [])
        #expect(pipeline.sinks[0].inputs[0].schema.record == 1)
    }

    @Test func aFilterNeedsWhatItsConditionNames() throws {
        let pipeline = try pipeline(file("{ a: { type: filter, where: \"amount > 1\" } }"))
        #expect(decoded(pipeline) == ["amount", "ts"])
        #expect(pipeline.sources[0].schema.watermark == nil)
    }

    @Test func aDroppedFieldIsNotDecoded() throws {
        let pipeline = try pipeline(
            file("{ a: { type: map, drop: [ note ], set: { x: amount * 2 } } }"))
        #expect(decoded(pipeline) == ["amount", "ts"])
        let input = pipeline.sinks[0].inputs[0]
        #expect(input.schema.hidden == ["note", "x"])
        #expect(input.columns.map { input.schema.fields[$0].name } == ["x"])
    }

    @Test func theKeyOfALogIsAFieldWhateverItIsCalled() throws {
        let text = """
            sources: { in: { type: stdin, schema: { date: string, n: int } } }
            sinks: { out: { type: log, path: log, key: date } }
            """
        let pipeline = try pipeline(text)
        #expect(decoded(pipeline) == ["date"])
        #expect(pipeline.sinks[0].spec.targetTemplate?.fieldNames == ["date"])
    }

    @Test func stateWithoutAPlaceSaysWhatChangesNothing() {
        let text = """
            settings: { state: { memory_limit: 64MiB, quota: 1GiB } }
            sources: { in: { type: stdin, schema: { n: int } } }
            sinks: { out: { type: stdout } }
            """
        let result = TestWorld().check(text)
        #expect(result.pipeline != nil)
        #expect(
            result.diagnostics.map(\.description)
                == ["memory_limit", "quota"].enumerated().map {
                    "p.yaml:1:\($0 == 0 ? 22 : 43): warning: '\($1)' changes nothing without a "
                        + "'path': state stays in memory"
                })
    }

    @Test func aSelectNeedsNoRecord() throws {
        let pipeline = try pipeline(file("{ a: { type: map, select: [ note, id ] } }"))
        #expect(decoded(pipeline) == ["id", "note", "ts"])
        #expect(pipeline.sources[0].schema.record == nil)
        let input = pipeline.sinks[0].inputs[0]
        #expect(input.columns.map { input.schema.fields[$0].name } == ["note", "id"])
    }

    @Test func errorRowsNeedTheRecordOnlyWhereSomebodyTakesThem() throws {
        let steps =
            "{ a: { type: filter, where: \"amount > 1\" }, b: { type: map, select: [ id ] } }"
        let without = try pipeline(file(steps))
        #expect(without.sources[0].schema.record == nil)
        let with = try pipeline(
            file(
                steps,
                sinks: "{ out: { type: stdout }, bad: { type: blackhole, inputs: a.errors } }"))
        #expect(with.sources[0].schema.record != nil)
    }

    @Test func aSinkOfCSVNeedsAllFields() throws {
        let all = try pipeline(file("{}", sinks: "{ out: { type: stdout, format: csv } }"))
        #expect(decoded(all) == ["id", "shop_id", "amount", "status", "note", "ts"])
        #expect(all.sinks[0].inputs[0].columns == [0, 1, 2, 3, 4, 5])
        #expect(all.sinks[0].inputs[0].schema.record == nil)
        let some = try pipeline(
            file(
                "{}",
                sinks: "{ out: { type: stdout, format: { type: csv, columns: [ note, id ] } } }"))
        #expect(decoded(some) == ["id", "note", "ts"])
        #expect(some.sinks[0].inputs[0].columns == [1, 0])
    }

    @Test func rowsOfCSVLeaveAsTheirFields() throws {
        let pipeline = try pipeline(
            file(
                "{ a: { type: filter, where: \"amount > 1\" } }",
                sinks: "{ out: { type: stdout }, bad: { type: blackhole, inputs: a.errors } }",
                source: "format: csv"))
        let input = pipeline.sinks[0].inputs[0]
        #expect(input.columns.map { input.schema.fields[$0].name }.count == 6)
        // The record is there for the error rows, and not for the sink.
        #expect(pipeline.sources[0].schema.record == 6)
        #expect(input.schema.record == nil)
    }

    @Test func pathsNeedTheirFields() throws {
        let pipeline = try pipeline(
            file("{}", sinks: "{ out: { type: file, path: \"out/{status}/{date}.ndjson\" } }"))
        #expect(decoded(pipeline) == ["status", "ts"])
    }

    @Test func keyedStepsNeedTheWatermarkOfEachRow() throws {
        let pipeline = try pipeline(file("{ a: { type: dedup, key: id, window: 1h } }"))
        let schema = pipeline.sources[0].schema
        #expect(schema.fields.map(\.name.count).count == 5)
        #expect(schema.watermark == 3)
        #expect(schema.ordinal == 4)
        #expect(pipeline.steps[0].key == [0])
    }

    // MARK: Wiring

    @Test func stepsMayStandInAnyOrder() throws {
        let pipeline = try pipeline(
            file(
                """
                { c: { type: filter, where: "amount > 3", inputs: b },
                  a: { type: filter, where: "amount > 1", inputs: in },
                  b: { type: filter, where: "amount > 2", inputs: a } }
                """, sinks: "{ out: { type: stdout, inputs: c } }"))
        #expect(pipeline.steps.map(\.spec.name.value) == ["a", "b", "c"])
        #expect(
            pipeline.steps.map(\.input) == [
                Plan.Edge(.source(0)), Plan.Edge(.step(0)), Plan.Edge(.step(1)),
            ])
    }

    @Test func deadLettersAreTheErrorsNobodyElseTakes() throws {
        let pipeline = try pipeline(
            file(
                """
                { a: { type: filter, where: "amount > 1" }, b: { type: dedup, key: id, window: 1h } }
                """,
                sinks: """
                    { out: { type: stdout }, own: { type: blackhole, inputs: a.errors },
                      bad: { type: blackhole } }
                    """, settings: "{ dead_letter: bad }"))
        #expect(
            pipeline.sinks[2].inputs.map(\.edge) == [
                Plan.Edge(.source(0), .errors), Plan.Edge(.step(1), .errors),
            ])
    }

    @Test func resultsOfAWindowHaveTheirFieldsInOrder() throws {
        let pipeline = try pipeline(
            file(
                """
                { w: { type: window, by: [ shop_id, id ], window: { kind: tumbling, size: 1m },
                       aggregate: { total: sum(amount), newest: max(ts), n: count() } } }
                """))
        let input = pipeline.sinks[0].inputs[0]
        let fields = input.columns.map { input.schema.fields[$0] }
        #expect(
            fields.map(\.name) == [
                "window_start", "window_end", "shop_id", "id", "total", "newest", "n",
            ])
        #expect(
            fields.map(\.type) == [.timestamp, .timestamp, .int, .string, .float, .timestamp, .int])
        #expect(fields[0].timestampFormat == .milliseconds)
        #expect(fields[5].timestampFormat == .milliseconds)
    }

    @Test func aJoinAddsTheFieldsOfItsTable() throws {
        let text = ordersFile.replacing(
            "select: [ category, city ]", with: "select: [ { kind: category } ]"
        )
        .replacing("by: [ region, category ]", with: "by: [ region, kind ]")
        let pipeline = try pipeline(text)
        #expect(pipeline.sources[1].fields.map(\.name.value) == ["shop_id", "category"])
        #expect(pipeline.steps[2].outputs[.main]?.fields.last?.name == "kind")
        #expect(pipeline.steps[2].outputs[.unmatched] == nil)
    }

    // MARK: Without a schema

    @Test func aFollowedFileMayBeAwayAtTheStart() throws {
        let text = """
            sources:
              in: { type: file, paths: [ data/away.ndjson ], follow: FOLLOW, schema: { id: int } }
            sinks: { out: { type: stdout } }
            """
        let followed = text.replacing("FOLLOW", with: "true")
        #expect(try pipeline(followed).sources.count == 1)
        let bounded = TestWorld().check(text.replacing("FOLLOW", with: "false"))
        #expect(bounded.diagnostics.map(\.message) == ["there is no file 'data/away.ndjson'"])
    }

    @Test func typesComeFromASample() throws {
        var world = TestWorld()
        world.samples["in"] = "{\"id\":\"a\",\"n\":1,\"actor\":{\"login\":\"x\"}}\n{\"n\":2.5}\n"
        let pipeline = try pipeline(
            """
            sources: { in: { type: stdin } }
            steps: { a: { type: filter, where: "actor.login = 'x' AND n > 1" } }
            sinks: { out: { type: stdout } }
            """, world)
        #expect(pipeline.sources[0].fields.map(\.path) == [["n"], ["actor", "login"]])
        #expect(pipeline.sources[0].fields.map(\.type) == [.float, .string])
    }

    @Test func withoutASampleExpressionsAreOnlyParsed() {
        let text = """
            sources: { in: { type: stdin } }
            steps: { a: { type: filter, where: "amuont > 1" } }
            sinks: { out: { type: stdout } }
            """
        let result = TestWorld().check(text)
        #expect(!result.hasErrors)
        #expect(result.pipeline == nil)
        #expect(result.diagnostics.map(\.severity) == [.note])
        let wrong = TestWorld().check(text.replacing("> 1", with: "> > 1"))
        #expect(wrong.hasErrors)
    }

    // MARK: Outside values

    @Test func anotherTypeTakesTheKeysOfTheFormerOneAway() throws {
        let text = """
            sources:
              in:
                type: generate
                generator: orders
                rows: 10
                event_time: ts
                schema: { ts: timestamp_ms }
                watermark: { max_delay: 5s }
            sinks: { out: { type: file, path: out.ndjson } }
            """
        let pipeline = try pipeline(
            text,
            set: [
                "sources.in.type=file", "sources.in.paths=[ data/orders-1.ndjson ]",
                "sinks.out.type=blackhole",
            ])
        guard case .file(let file) = pipeline.sources[0].spec.kind else {
            Issue.record("the source is \(pipeline.sources[0].spec.kind)")
            return
        }
        #expect(file.paths.map(\.value) == ["data/orders-1.ndjson"])
        // Keys that the file has wrong are still reported.
        let wrong = TestWorld().check(text, set: ["sources.in.type=stdin", "sources.in.pats=a"])
        #expect(wrong.hasErrors)
    }

    @Test func overridesChangeAndAddValues() throws {
        let pipeline = try pipeline(
            file("{ a: { type: dedup, key: id, window: 1h } }"),
            set: [
                "settings.workers=3", "steps.a.window=2h", "steps.a.keep=last",
                "sinks.more={ type: blackhole, inputs: [ a.late ] }",
                "sources.in.schema.\"a.b\"=int",
            ])
        #expect(pipeline.workers == 3)
        #expect(pipeline.sinks.count == 2)
        guard case .dedup(let dedup) = pipeline.steps[0].kind else {
            Issue.record("not a dedup")
            return
        }
        #expect(dedup.scope == .window(size: 7_200_000_000, buckets: 12))
        #expect(dedup.keep == .last)
    }

    @Test(arguments: [
        (
            "settings.workers=many",
            "--set settings.workers: error: 'workers' takes auto or a whole number from 1 to 256, "
                + "not 'many'"
        ),
        ("nothing", "--set nothing: error: takes the form a.b.c=value"),
        ("a..b=1", "--set a..b: error: 'a..b' is not a path of keys such as steps.unique.retain"),
        (
            "steps.a.where.x=1",
            "--set steps.a.where.x: error: 'x' stands below 'amount > 1', which has no keys"
        ),
        (
            "sinks.out.inputs.4=a",
            "--set sinks.out.inputs.4: error: '4' is not a place in a list of 1"
        ),
        (
            "sinks.out.inputs=[ a",
            "--set sinks.out.inputs: error: YAML: did not find expected ',' or ']' while parsing a "
                + "flow sequence of line 1; quote the value if it is text"
        ),
        (
            "steps.a.wehre=x",
            "--set steps.a.wehre: error: unknown key 'wehre'; did you mean 'where'?"
        ),
    ])
    func mistakesInOverridesNameThem(_ argument: String, _ expected: String) {
        let text = file(
            "{ a: { type: filter, where: \"amount > 1\" } }",
            sinks: "{ out: { type: stdout, inputs: [ a ] } }")
        let result = TestWorld().check(text, set: [argument])
        #expect(result.diagnostics.map(\.description) == [expected])
    }

    @Test func variablesAreReplacedAndHidden() throws {
        let text = file(
            "{ a: { type: filter, where: \"status = '${REGION}' AND id <> '$$x'\" } }",
            sinks: """
                { out: { type: tcp, connect: "host:${PORT:-1}" },
                  more: { type: file, path: "out/${file:/run/secret}/${EMPTY:-none}/x" } }
                """)
        let pipeline = try pipeline(text)
        let shown = pipeline.describe()
        #expect(shown.steps[0].summary == "status = '***' AND id <> '$x'")
        #expect(shown.sinks[0].target == "host:***")
        #expect(shown.sinks[1].target == "out/***/none/x")
        #expect(!shown.text().contains("s3cret") && !shown.dot().contains("north-west"))
    }

    @Test func anExpressionWithHiddenValuesIsNotQuoted() {
        let text = file("{ a: { type: filter, where: \"amount > ${REGION}\" } }")
        #expect(
            TestWorld().check(text).diagnostics.map(\.message) == [
                "with the values of its variables this is not a valid expression"
            ])
    }
}
