import Dataflow
import Operators

/// Expressions over columns.
struct KernelMeasurements {
    let data: BenchData

    private static let conditions = [
        "amount > 50", "status = 'paid'", "status = 'paid' AND amount > 50",
        "region IN ('Oslo', 'Paris', 'Rome')", "note LIKE '%ab%'",
    ]
    private static let values = [
        "amount * 1.19 + 2", "shop_id % 7", "UPPER(region)",
        "CASE WHEN amount > 100 THEN 'big' ELSE status END",
    ]

    func run(_ bench: inout Bench) throws {
        for text in Self.conditions {
            let evaluator = try typed(text).makeEvaluator()
            bench.measure(
                "where " + text, rows: data.rowCount, batches: data.batches.count
            ) {
                for batch in data.batches {
                    var failures = RowFailures()
                    _ = evaluator.select(batch, on: batch.selection, failures: &failures)
                }
            }
        }
        for text in Self.values {
            let evaluator = try typed(text).makeEvaluator()
            bench.measure(text, rows: data.rowCount, batches: data.batches.count) {
                for batch in data.batches {
                    var failures = RowFailures()
                    _ = evaluator.evaluate(batch, on: batch.selection, failures: &failures)
                }
            }
        }
    }

    private func typed(_ text: String) throws -> TypedExpression {
        try Expression.parse(text).get().checked(against: data.schema).get()
    }
}
