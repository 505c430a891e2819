package import Dataflow

/// The step `map`: appends computed columns to the batch.
///
/// All expressions see the row as it came in. A row for which one of them fails goes to `.errors`.
/// What is renamed, dropped or overwritten is a matter of the output's schema alone.
package final class MapOperator: Operator {
    private let evaluators: [Evaluator]
    private let rejection: RowRejection
    package private(set) var counters = StepCounters()

    /// `schema` is the input's; `sources` are the plan's, by index.
    package init(step: String, sources: [String], schema: Schema, assignments: [TypedExpression]) {
        evaluators = assignments.map { $0.makeEvaluator() }
        rejection = RowRejection(step: step, sources: sources, schema: schema)
    }

    package func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) {
        var failures = RowFailures()
        var selection = batch.selection
        var columns = batch.columns
        for evaluator in evaluators {
            let count = failures.count
            columns.append(evaluator.evaluate(batch, on: selection, failures: &failures))
            if failures.count > count { selection = failures.excluded(from: selection) }
        }
        counters.received += batch.count
        counters.passed += selection.count
        counters.errors += failures.count
        output.emit(Batch(columns: columns, selection: selection))
        if !failures.isEmpty {
            output.emit(rejection.rows(failures, of: batch, at: chunk), to: .errors)
        }
    }
}
