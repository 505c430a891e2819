/// An aggregate of a `window` step: `sum(amount) FILTER (WHERE status = 'paid')`.
package struct AggregateCall: Sendable {
    /// What is computed over the rows of a window.
    package enum Function: String, Sendable, CaseIterable {
        case count
        case countDistinct = "count_distinct"
        case sum, avg, min, max
        case standardDeviation = "stddev"
        case populationStandardDeviation = "stddev_pop"
        case variance
        case populationVariance = "var_pop"
        case first, last

        /// The function of a name in capitals.
        init?(keyword: String) {
            switch keyword {
            case "STDDEV_SAMP": self = .standardDeviation
            case "VAR_SAMP": self = .variance
            case "FIRST_VALUE": self = .first
            case "LAST_VALUE": self = .last
            default:
                guard let match = Function(rawValue: keyword.lowercased()) else { return nil }
                self = match
            }
        }

        static let names =
            Function.allCases.map(\.rawValue)
            + ["stddev_samp", "var_samp", "first_value", "last_value"]
    }

    package let function: Function
    /// What is aggregated; nil for `count()` and `count(*)`, which count rows.
    package let argument: Expression?
    /// Only rows for which this is TRUE count.
    package let filter: Expression?
    /// Where the call stands in its text, in bytes.
    package let offset: Int

    /// Reads an aggregate call, which stands alone.
    package static func parse(_ text: String) -> Result<AggregateCall, ExpressionErrors> {
        do throws(ExpressionError) {
            var parser = try Parser(text)
            let call = try parser.aggregate(text)
            guard parser.token.kind == .end else {
                throw ExpressionError(
                    offset: parser.token.offset,
                    message: "an aggregate stands alone, and \(parser.token.description) follows; "
                        + "compute with its result in a map step behind the window")
            }
            return .success(call)
        } catch {
            return .failure(ExpressionErrors([error]))
        }
    }
}

extension Parser {
    fileprivate mutating func aggregate(_ text: String) throws(ExpressionError) -> AggregateCall {
        let start = token
        guard let name = start.keyword, peek(1).kind == .sign("(") else {
            throw unexpected("an aggregate such as sum(amount) or count()")
        }
        guard var function = AggregateCall.Function(keyword: name) else {
            let nearest = NearestName.find(name.lowercased(), among: AggregateCall.Function.names)
            throw ExpressionError(
                offset: start.offset,
                message: "unknown aggregate '\(name.lowercased())'"
                    + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        advance()
        try expect("(")
        var argument: Expression?
        if token.kind == .sign(")") || (token.kind == .sign("*") && peek(1).kind == .sign(")")) {
            guard function == .count else {
                throw unexpected("what \(function.rawValue) is computed of")
            }
            if take("*") {}
        } else {
            let distinct = token
            if take(keyword: "DISTINCT") {
                guard function == .count else {
                    throw ExpressionError(
                        offset: distinct.offset,
                        message: "DISTINCT is allowed in count(DISTINCT x) only")
                }
                function = .countDistinct
            }
            argument = Expression(text: text, root: try expression())
        }
        try expect(")")
        return AggregateCall(
            function: function, argument: argument, filter: try filter(text), offset: start.offset)
    }

    private mutating func filter(_ text: String) throws(ExpressionError) -> Expression? {
        guard take(keyword: "FILTER") else { return nil }
        try expect("(")
        try expect(keyword: "WHERE")
        let condition = try expression()
        try expect(")")
        return Expression(text: text, root: condition)
    }
}
