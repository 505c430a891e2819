import Dataflow
import Operators
import Storage
import Testing

struct FilterOperatorTests {
    private static let schema: Schema = {
        var schema = Schema()
        schema.add(Field("i", .int), leaves: true)
        schema.add(.record)
        schema.add(.ordinal)
        return schema
    }()

    static let chunk = Chunk(
        number: 7, sequence: 0, source: 1,
        content: .records(
            RawChunk(
                slab: Slab(byteCount: 0), range: 0..<0,
                place: SourcePlace(name: "in.ndjson", offset: 512))),
        arrival: 0, tables: [])

    private static func batch(_ numbers: [Int64?]) -> Batch {
        let values = numbers.map { $0.map { Constant.int($0) } ?? .null }
        let records = numbers.map { Constant.string("{\"i\":\($0.map { "\($0)" } ?? "null")}") }
        let ordinals = numbers.indices.map { Constant.int(Int64($0)) }
        return Batch(
            columns: [
                ExpressionRows.column(values, .int),
                ExpressionRows.column(records, .string).reinterpreted(as: .json),
                ExpressionRows.column(ordinals, .int),
            ], count: numbers.count)
    }

    private static func filter(_ text: String) throws -> FilterOperator {
        FilterOperator(
            step: "positive", sources: ["other", "orders"], schema: schema,
            condition: try FilterStep.plan(input: schema, where: text).get())
    }

    @Test func rowsForWhichTheConditionIsTruePass() throws {
        let filter = try Self.filter("i > 1")
        var output = Emitter()
        filter.process(Self.batch([1, 2, nil, 3]), at: Self.chunk, into: &output)
        let emitted = output.take()
        #expect(emitted.map(\.port) == [.main])
        let selection = emitted[0].batch.selection
        #expect((0..<selection.count).map { selection[$0] } == [1, 3])
        #expect(filter.counters.received == 4)
        #expect(filter.counters.passed == 2)
        #expect(filter.counters.filtered == 2)
        #expect(filter.counters.isConserved)
    }

    @Test func rowsThatFailGoToErrorsWithTheirRecord() throws {
        let filter = try Self.filter("10 / i > 1")
        var output = Emitter()
        filter.process(Self.batch([5, 0, nil, 100]), at: Self.chunk, into: &output)
        let emitted = output.take()
        #expect(emitted.map(\.port) == [.main, .errors])
        let errors = emitted[1].batch
        #expect(errors.count == 1)
        let row = errors.columns.map { ExpressionRows.value($0, 0) }
        #expect(
            row == [
                .string("division by zero in 10 / 0"), .string("positive"), .string("orders"),
                .string("in.ndjson:512 record 2"), .string("{\"i\":0}"),
            ])
        #expect(filter.counters.errors == 1)
        #expect(filter.counters.isConserved)
    }

    @Test func aBatchWithoutMatchGoesNowhere() throws {
        let filter = try Self.filter("i > 1000")
        var output = Emitter()
        filter.process(Self.batch([5, 0]), at: Self.chunk, into: &output)
        #expect(output.take().isEmpty)
        #expect(filter.counters.filtered == 2)
    }

    @Test func onlySelectedRowsAreLookedAt() throws {
        let filter = try Self.filter("10 / i > 1")
        var output = Emitter()
        let batch = Self.batch([0, 5, 0, 4]).selecting(Selection([1, 3]))
        filter.process(batch, at: Self.chunk, into: &output)
        #expect(output.take().map(\.batch.count) == [2])
        #expect(filter.counters.received == 2)
    }

    @Test func aConditionIsNeeded() {
        guard case .failure(let errors) = FilterStep.plan(input: Self.schema, where: " i + 1")
        else {
            Issue.record("no error")
            return
        }
        let message = "'where' needs a condition, and this is an int"
        #expect(errors.list == [ExpressionError(offset: 1, message: message)])
    }
}
