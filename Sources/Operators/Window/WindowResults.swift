import Dataflow
import Storage

/// Makes the rows of a window that closes: one per group, in the order of the groups' keys.
struct WindowResults {
    private let step: WindowStep
    private let aggregates: [WindowAggregate]
    private let decoder: KeyDecoder

    init(_ step: WindowStep, _ aggregates: [WindowAggregate]) {
        self.step = step
        self.aggregates = aggregates
        decoder = KeyDecoder(types: step.by.map { step.input.fields[$0].type })
    }

    /// The results of the window at `start`, and the groups that have none, with the reason.
    ///
    /// A result has the event time `end - 1` µs, and a watermark no later than that.
    func make(
        start: Int64, table: HotTable, extras: GroupExtras, firstOrdinal: Int64
    ) -> (batch: Batch, failures: RowFailures) {
        let entries = table.sortedEntries()
        let count = entries.count
        var failures = RowFailures()
        let groups = ClosingGroups(table: table, entries: entries, extras: extras)
        var columns = [constant(start, count), constant(start + step.size, count)]
        columns += decoder.columns(of: entries, in: table)
        for aggregate in aggregates {
            columns.append(
                aggregate.kernel.results(groups, offset: aggregate.offset, failures: &failures))
        }
        let last = start + step.size - 1
        columns.append(constant(last, count))
        columns.append(constant(last, count).reinterpreted(as: .int))
        var builder = ColumnBuilder(.int, capacity: count)
        var ordinals = builder.int64s
        for row in 0..<count { ordinals[row] = firstOrdinal + Int64(row) }
        columns.append(builder.finish(count: count))
        let batch = Batch(columns: columns, count: count)
        return (batch.selecting(failures.excluded(from: batch.selection)), failures)
    }

    private func constant(_ value: Int64, _ count: Int) -> Column {
        var builder = ColumnBuilder(.timestamp, capacity: count)
        var values = builder.int64s
        for row in 0..<count { values[row] = value }
        return builder.finish(count: count)
    }
}
