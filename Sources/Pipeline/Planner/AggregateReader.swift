import Dataflow
import Operators

/// Reads the aggregates of a window step.
struct AggregateReader {
    let expressions: ExpressionReader
    let diagnostics: Diagnostics

    struct Result {
        let checked: Aggregate
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
        guard isFine else { return nil }
        let checked = Aggregate(
            name: name.value, function: call.function, argument: argument, filter: filter)
        guard checked.isDefined else {
            diagnostics.error(
                at: expressions.place(ofByte: call.offset, in: text),
                "\(call.function.rawValue) cannot be computed of "
                    + (argument?.type.described ?? "nothing"))
            return nil
        }
        let reads = (argument?.fieldIndices ?? []).union(filter?.fieldIndices ?? [])
        return Result(checked: checked, reads: reads)
    }
}
