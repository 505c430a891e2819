package import Dataflow

/// The step `filter`: passes the rows for which a condition is TRUE.
///
/// FALSE and NULL are filtered; a row for which the condition fails goes to `.errors`. Rows are not
/// moved: only the selection of the batch narrows.
package final class FilterOperator: Operator {
    private let condition: Evaluator
    private let rejection: RowRejection
    package private(set) var counters = StepCounters()

    /// `condition` is a bool, checked against `schema`; `sources` are the plan's, by index.
    package init(step: String, sources: [String], schema: Schema, condition: TypedExpression) {
        precondition(condition.type == .bool, "a filter has a condition")
        self.condition = condition.makeEvaluator()
        rejection = RowRejection(step: step, sources: sources, schema: schema)
    }

    package func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) {
        var failures = RowFailures()
        let passed = condition.select(batch, on: batch.selection, failures: &failures)
        counters.received += batch.count
        counters.passed += passed.count
        counters.errors += failures.count
        counters.filtered += batch.count - passed.count - failures.count
        output.emit(batch.selecting(passed))
        if !failures.isEmpty {
            output.emit(rejection.rows(failures, of: batch, at: chunk), to: .errors)
        }
    }
}
