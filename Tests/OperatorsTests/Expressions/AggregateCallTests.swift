import Dataflow
import Operators
import Testing

struct AggregateCallTests {
    @Test(arguments: [
        ("count()", AggregateCall.Function.count, [String](), [String]()),
        ("COUNT(*)", .count, [], []), ("count(x)", .count, ["x"], []),
        ("count(DISTINCT s)", .countDistinct, ["s"], []),
        ("count_distinct(s)", .countDistinct, ["s"], []),
        ("sum(x * i)", .sum, ["x", "i"], []), ("avg(x)", .avg, ["x"], []),
        ("stddev(x)", .standardDeviation, ["x"], []),
        ("STDDEV_SAMP(x)", .standardDeviation, ["x"], []),
        ("stddev_pop(x)", .populationStandardDeviation, ["x"], []),
        ("variance(x)", .variance, ["x"], []), ("VAR_POP(x)", .populationVariance, ["x"], []),
        ("first_value(s)", .first, ["s"], []), ("last(s)", .last, ["s"], []),
        ("min(ts) FILTER (WHERE s = 'paid' AND flag)", .min, ["ts"], ["s", "flag"]),
        ("  max (x) filter(where i > 1)", .max, ["x"], ["i"]),
    ])
    func callsAreRead(
        text: String, function: AggregateCall.Function, fields: [String], filterFields: [String]
    ) throws {
        let call = try AggregateCall.parse(text).get()
        #expect(call.function == function)
        #expect((call.argument?.fieldNames.map(\.name) ?? []) == fields)
        #expect((call.filter?.fieldNames.map(\.name) ?? []) == filterFields)
    }

    @Test(arguments: [
        (
            "", 0,
            "expected an aggregate such as sum(amount) or count() but found the end of "
                + "the expression"
        ),
        ("x", 0, "expected an aggregate such as sum(amount) or count() but found 'x'"),
        ("summ(x)", 0, "unknown aggregate 'summ'; did you mean 'sum'?"),
        ("sum()", 4, "expected what sum is computed of but found ')'"),
        ("sum(*)", 4, "expected what sum is computed of but found '*'"),
        ("sum(DISTINCT x)", 4, "DISTINCT is allowed in count(DISTINCT x) only"),
        (
            "sum(x) / 2", 7,
            "an aggregate stands alone, and '/' follows; compute with its result in a "
                + "map step behind the window"
        ),
        ("sum(x) FILTER (x > 1)", 15, "expected WHERE but found 'x'"),
    ])
    func mistakeIsFoundWhereItStands(text: String, offset: Int, message: String) {
        guard case .failure(let errors) = AggregateCall.parse(text) else {
            Issue.record("no error in \(text)")
            return
        }
        #expect(errors.list == [ExpressionError(offset: offset, message: message)])
    }

    @Test func offsetsOfArgumentsReferToTheWholeText() throws {
        let call = try AggregateCall.parse("sum(é.x) FILTER (WHERE wrong)").get()
        guard case .failure(let errors)? = call.filter?.checked(against: Schema()) else {
            Issue.record("no error")
            return
        }
        #expect(errors.list.map(\.offset) == [24])
    }
}
