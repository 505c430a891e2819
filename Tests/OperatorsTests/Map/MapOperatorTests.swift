import Dataflow
import Operators
import Testing

struct MapOperatorTests {
    private static func batch(_ numbers: [(Int64, Int64)]) -> Batch {
        Batch(
            columns: [
                ExpressionRows.column(numbers.map { .int($0.0) }, .int),
                ExpressionRows.column(numbers.map { .int($0.1) }, .int),
                ExpressionRows.column(numbers.map { _ in .timestamp(0) }, .timestamp),
            ], count: numbers.count)
    }

    private static func map(
        _ change: (inout MapOptions) -> Void
    ) throws -> (MapOperator, Schema) {
        let schema = MapStepTests.schema(record: false)
        let step = try MapStepTests.plan(schema, change)
        let map = MapOperator(
            step: "ratios", sources: ["in"], schema: schema, assignments: step.assignments)
        return (map, step.schema)
    }

    @Test func expressionsSeeTheRowAsItCameIn() throws {
        let (map, schema) = try Self.map {
            $0.set = [.init("a", "b"), .init("b", "a"), .init("label", "'n' || CAST(a AS string)")]
        }
        var output = Emitter()
        map.process(Self.batch([(1, 10), (2, 20)]), at: FilterOperatorTests.chunk, into: &output)
        let batch = output.take()[0].batch
        let row = schema.output.map { ExpressionRows.value(batch.columns[$0], 1) }
        #expect(schema.output.map { schema.fields[$0].name } == ["a", "b", "ts", "label"])
        #expect(row == [.int(20), .int(2), .timestamp(0), .string("n2")])
        #expect(batch.columns.count == schema.fields.count)
        #expect(map.counters.passed == 2)
    }

    @Test func rowsThatFailGoToErrorsOnce() throws {
        let (map, schema) = try Self.map {
            $0.set = [
                .init("q", "a / b"), .init("r", "a % b"),
                .init("n", "CASE WHEN b = 0 THEN 1 / b END"),
            ]
        }
        var output = Emitter()
        map.process(
            Self.batch([(6, 3), (1, 0), (9, 2)]), at: FilterOperatorTests.chunk, into: &output)
        let emitted = output.take()
        #expect(emitted.map(\.port) == [.main, .errors])
        let main = emitted[0].batch
        #expect((0..<main.count).map { main.selection[$0] } == [0, 2])
        let quotient = try #require(schema.index(of: "q"))
        #expect(ExpressionRows.value(main.columns[quotient], 2) == .int(4))
        #expect(emitted[1].batch.count == 1)
        #expect(
            ExpressionRows.value(emitted[1].batch.columns[0], 0)
                == .string("division by zero in 1 / 0"))
        #expect(map.counters.received == 3)
        #expect(map.counters.errors == 1)
        #expect(map.counters.isConserved)
    }
}
