package import Dataflow

/// What a pipeline file says of a `filter` step, checked.
package enum FilterStep {
    /// Reads and checks `where`.
    package static func plan(
        input: Schema, where text: String
    ) -> Result<TypedExpression, ExpressionErrors> {
        Expression.parse(text).flatMap { expression in
            expression.checked(against: input).flatMap { condition in
                if condition.type == .bool { return .success(condition) }
                let message =
                    "'where' needs a condition, and this is \(Checker.article(condition.type))"
                let offset = expression.root.offset
                return .failure(
                    ExpressionErrors([ExpressionError(offset: offset, message: message)]))
            }
        }
    }
}
