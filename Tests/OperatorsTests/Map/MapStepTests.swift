import Dataflow
import Operators
import Testing

struct MapStepTests {
    /// Fields a, b (int), ts; a row that is open with its record, or a plain one.
    static func schema(record: Bool) -> Schema {
        var schema = Schema()
        schema.add(Field("a", .int), leaves: !record)
        schema.add(Field("b", .int), leaves: !record)
        let time = schema.add(
            Field("ts", .timestamp, timestampFormat: .milliseconds), leaves: !record)
        schema.set(.eventTime, to: time)
        if record { schema.add(.record) }
        return schema
    }

    static func plan(
        _ schema: Schema, known: Set<String> = [], _ change: (inout MapOptions) -> Void
    ) throws -> MapStep {
        var options = MapOptions()
        change(&options)
        return try MapStep.plan(input: schema, options: options, known: known).get()
    }

    private static func output(_ schema: Schema) -> [String] {
        schema.output.map { schema.fields[$0].name }
    }

    @Test func openRowListsOnlyWhatChanged() throws {
        let step = try Self.plan(Self.schema(record: true), known: ["c"]) {
            $0.set = [.init("b", "a + 1"), .init("d", "a * 2.5")]
            $0.rename = [.init("a", to: "first")]
            $0.drop = ["c"]
        }
        #expect(Self.output(step.schema) == ["first", "b", "d"])
        #expect(Set(step.schema.hidden) == ["a", "first", "b", "c", "d"])
        #expect(step.schema.index(of: "a") == nil)
        #expect(step.schema.index(of: "first") == 0)
        #expect(step.schema.record == 3)
        #expect(step.schema.eventTime == 2)
        #expect(step.schema.index(of: "d").map { step.schema.fields[$0].type } == .float)
    }

    @Test func rowWithoutRecordListsAllFieldsInOrder() throws {
        let step = try Self.plan(Self.schema(record: false)) {
            $0.set = [.init("b", "a + 1"), .init("d", "a * 2.5")]
            $0.rename = [.init("a", to: "first")]
            $0.drop = ["ts"]
        }
        #expect(Self.output(step.schema) == ["first", "b", "d"])
        #expect(step.schema.hidden.isEmpty)
        #expect(step.schema.eventTime == 2)
        #expect(step.schema.index(of: "ts") == nil)
        #expect(step.schema.index(of: "b") == 3)
    }

    @Test func overwrittenEventTimeStaysEventTime() throws {
        let step = try Self.plan(Self.schema(record: true)) {
            $0.set = [.init("ts", "ts + INTERVAL '1' HOUR")]
        }
        #expect(step.schema.eventTime == 2)
        #expect(step.schema.index(of: "ts") == 4)
        #expect(step.schema.fields[4].timestampFormat == .rfc3339)
    }

    @Test func selectClosesTheRow() throws {
        let step = try Self.plan(Self.schema(record: true)) {
            $0.set = [.init("d", "b * 2")]
            $0.select = [
                .field("ts"), .computed(.init("sum", "a + b")), .field("d"),
                .computed(.init("a", "ts")),
            ]
        }
        #expect(Self.output(step.schema) == ["ts", "sum", "d", "a"])
        #expect(step.schema.record == nil)
        #expect(step.schema.hidden.isEmpty)
        #expect(step.schema.index(of: "b") == nil)
        #expect(step.schema.eventTime == 2)
        let a = try #require(step.schema.index(of: "a"))
        #expect(step.schema.fields[a].type == .timestamp)
        #expect(step.schema.fields[a].timestampFormat == .milliseconds)
    }

    @Test func aSecondMapSeesTheFieldsOfTheFirst() throws {
        let first = try Self.plan(Self.schema(record: true)) { $0.set = [.init("d", "a + b")] }
        let second = try Self.plan(first.schema) {
            $0.set = [.init("d", "d * 2")]
            $0.drop = ["b"]
        }
        #expect(Self.output(second.schema) == ["d"])
        #expect(Set(second.schema.hidden) == ["d", "b"])
        let third = try Self.plan(second.schema) { $0.drop = ["d"] }
        #expect(Self.output(third.schema).isEmpty)
        #expect(third.schema.index(of: "d") == nil)
    }

    @Test func namesCanBeExchanged() throws {
        let step = try Self.plan(Self.schema(record: false)) {
            $0.rename = [.init("a", to: "b"), .init("b", to: "a")]
        }
        #expect(Self.output(step.schema) == ["b", "a", "ts"])
        #expect(step.schema.index(of: "a") == 1)
        let taken = try Self.plan(Self.schema(record: false)) {
            $0.rename = [.init("a", to: "b")]
            $0.drop = ["b"]
        }
        #expect(Self.output(taken.schema) == ["b", "ts"])
        #expect(taken.schema.index(of: "b") == 0)
    }

    @Test func allMistakesComeOutAtOnce() {
        var options = MapOptions()
        options.set = [.init("x", "aa + 1"), .init("x", "1 +"), .init("", "1")]
        options.rename = [.init("c", to: "d"), .init("a", to: "b"), .init("b", to: "x")]
        options.drop = ["a", "nothing", "ts", "ts"]
        options.select = [.field("bb"), .computed(.init("y", "b AND a"))]
        guard
            case .failure(let mistakes) = MapStep.plan(
                input: Self.schema(record: true), options: options)
        else {
            Issue.record("no error")
            return
        }
        let found = mistakes.list.map { mistake in
            "\(mistake.place): "
                + mistake.errors.list.map { "\($0.offset) \($0.message)" }.joined(separator: ", ")
        }
        #expect(
            found == [
                "drop(0): 0 the field 'a' is both renamed and dropped",
                "drop(1): 0 unknown field 'nothing'",
                "drop(3): 0 the field 'ts' is dropped twice",
                "rename(0): 0 unknown field 'c'; did you mean 'a'?",
                "set(0): 0 the field 'x' is given twice",
                "set(0): 0 unknown field 'aa'; did you mean 'a'?",
                "set(1): 0 the field 'x' is given twice",
                "set(1): 3 expected a value but found the end of the expression",
                "set(2): 0 a field needs a name",
                "select(0): 0 unknown field 'bb'; did you mean 'b'?",
                "select(1): 0 AND joins conditions, and this is an int, "
                    + "6 AND joins conditions, and this is an int",
            ])
    }

    @Test func neededFieldsAreThoseWhoseValuesAreRead() {
        var options = MapOptions()
        options.set = [.init("x", "a + b")]
        options.rename = [.init("c", to: "d")]
        options.drop = ["e"]
        options.select = [.field("x"), .field("f"), .computed(.init("y", "g"))]
        #expect(options.neededFields == ["a", "b", "c", "f", "g"])
    }
}
