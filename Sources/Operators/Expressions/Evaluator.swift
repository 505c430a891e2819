package import Dataflow

/// Computes an expression over batches; one for each worker, used by one thread at a time.
package final class Evaluator {
    private let kernel: any Kernel

    init(_ node: TypedNode) {
        var factory = KernelFactory()
        kernel = factory.kernel(node)
    }

    /// The values for the selected rows, at their physical places; other rows are undefined.
    ///
    /// Rows that have no value (division by zero, a CAST that fails) are added to `failures`; their
    /// values are undefined, too, and the caller leaves them out.
    package func evaluate(
        _ batch: Batch, on rows: Selection, failures: inout RowFailures
    ) -> Column {
        var frame = Frame(batch: batch, rows: rows, failures: failures)
        let column = kernel.evaluate(rows, &frame)
        failures = frame.failures
        return column
    }

    /// The selected rows for which a condition is TRUE; rows that fail are added to `failures`.
    package func select(
        _ batch: Batch, on rows: Selection, failures: inout RowFailures
    ) -> Selection {
        if rows.isEmpty { return rows }
        var frame = Frame(batch: batch, rows: rows, failures: failures)
        let selected = kernel.select(rows, where: true, &frame)
        failures = frame.failures
        return selected
    }

    /// The value of an expression without fields, or nil if it fails.
    func constant() -> Constant? {
        var failures = RowFailures()
        let row = Batch(columns: [], count: 1)
        let column = evaluate(row, on: row.selection, failures: &failures)
        guard failures.isEmpty else { return nil }
        guard column.isValid(0) else { return .null }
        switch column.type {
        case .bool: return .bool(column.bools[0] == 1)
        case .int: return .int(column.int64s[0])
        case .float: return .float(column.doubles[0])
        case .string, .json: return .string(column.strings[0].description)
        case .timestamp: return .timestamp(column.int64s[0])
        }
    }
}
