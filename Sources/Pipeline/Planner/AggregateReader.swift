import Dataflow
import Operators

/// Reads the aggregates of a window step.
struct AggregateReader {
    let expressions: ExpressionReader
    let diagnostics: Diagnostics

    struct Result {
        let checked: CheckedAggregate
        let field: Field
        /// Columns of the input that it reads.
        let reads: Set<Int>
    }

    /// Reads `name: call`; nil after a report, or if the schema is not known.
    func read(_ name: Located<String>, _ text: Located<String>, _ schema: Schema?) -> Result? {
        guard let call = expressions.parseAggregate(text), let schema else { return nil }
        var isFine = true
        func typed(_ expression: Expression?) -> TypedExpression? {
            guard let expression else { return nil }
            let found = expressions.get(expression.checked(against: schema), text)
            if found == nil { isFine = false }
            return found
        }
        let argument = typed(call.argument)
        let filter = typed(call.filter)
        if let filter, filter.type != .bool {
            diagnostics.error(
                at: text.place, "FILTER takes a condition; this is \(filter.type.described)")
            isFine = false
        }
        guard isFine, let type = type(of: call, argument?.type, text) else { return nil }
        let checked = CheckedAggregate(
            name: name.value, function: call.function, argument: argument, filter: filter,
            type: type)
        let reads = StepChecker.columns(of: call.argument, in: schema)
            .union(StepChecker.columns(of: call.filter, in: schema))
        let field = Field(name.value, type, timestampFormat: format(of: call, schema))
        return Result(checked: checked, field: field, reads: reads)
    }

    /// A timestamp that is taken from a field leaves as that field does.
    private func format(of call: AggregateCall, _ schema: Schema) -> TimestampFormat {
        guard let names = call.argument?.fieldNames, names.count == 1,
            let index = schema.index(of: names[0].name)
        else { return .rfc3339 }
        return schema.fields[index].timestampFormat
    }

    /// The type of the result, if the argument is of a type that the function takes.
    private func type(
        of call: AggregateCall, _ argument: FieldType?, _ text: Located<String>
    ) -> FieldType? {
        let isNumber = argument == .int || argument == .float
        switch call.function {
        case .count: return .int
        case .countDistinct:
            if argument != .json { return .int }
        case .sum:
            if isNumber { return argument }
        case .avg, .standardDeviation, .populationStandardDeviation, .variance,
            .populationVariance:
            if isNumber { return .float }
        case .min, .max:
            if argument != .json, argument != .bool { return argument }
        case .first, .last: return argument
        }
        diagnostics.error(
            at: expressions.place(ofByte: call.offset, in: text),
            "\(call.function.rawValue) cannot be computed of \(argument?.described ?? "nothing")")
        return nil
    }
}
