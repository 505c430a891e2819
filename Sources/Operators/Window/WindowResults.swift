import Dataflow
import Storage

/// Makes the rows of a window that closes: one per group, in the order of the groups' keys, or
/// where a step behind needs an order that all workers share, in that of their ordinals.
struct WindowResults {
    private let step: WindowStep
    private let aggregates: [WindowAggregate]
    private let decoder: KeyDecoder

    private let name: String

    /// Results of the step called `name`.
    init(_ step: WindowStep, _ aggregates: [WindowAggregate], name: String) {
        self.name = name
        self.step = step
        self.aggregates = aggregates
        decoder = KeyDecoder(types: step.by.map { step.input.fields[$0].type })
    }

    /// The results of the window from `start` to `end`, and the groups that have none, with the
    /// reason.
    ///
    /// A result has the event time `end - 1` µs, and a watermark no later than that.
    func make(
        start: Int64, end: Int64, table: HotTable, extras: GroupExtras
    ) -> (batch: Batch, rejected: Batch?) {
        let (entries, ordinals) = order(table)
        let count = entries.count
        var failures = RowFailures()
        let groups = ClosingGroups(table: table, entries: entries, extras: extras)
        var columns = [constant(start, count), constant(end, count)]
        columns += decoder.columns(of: entries, in: table)
        for aggregate in aggregates {
            columns.append(
                aggregate.kernel.results(groups, offset: aggregate.offset, failures: &failures))
        }
        let last = end - 1
        columns.append(constant(last, count))
        columns.append(constant(last, count).reinterpreted(as: .int))
        columns.append(Column(int64s: ordinals))
        if step.output.origin != nil { columns.append(origins(entries, table, start)) }
        let batch = Batch(columns: columns, count: count)
        let sound = batch.selecting(failures.excluded(from: batch.selection))
        return (sound, failures.isEmpty ? nil : reject(failures, of: batch))
    }

    /// The groups in the order of their results, and the ordinals of those, which come of the
    /// hashes of the keys.
    private func order(_ table: HotTable) -> (entries: [UInt32], ordinals: [Int64]) {
        let entries = table.sortedEntries(skipping: KeyEncoder.groupBytes)
        let keys = decoder.columns(of: entries, in: table)
        let hashes = KeyHash.hashes(
            of: Batch(columns: keys, count: entries.count), columns: Array(keys.indices))
        let ordinals = entries.indices.map { row in
            DerivedOrdinal.of(hash: keys.isEmpty ? 0 : hashes.int64(at: row))
        }
        guard step.leavesByOrdinal else { return (entries, ordinals) }
        let rows = entries.indices.sorted { (ordinals[$0], $0) < (ordinals[$1], $1) }
        return (rows.map { entries[$0] }, rows.map { ordinals[$0] })
    }

    /// Identifiers of results: the step with the group, and the window's start.
    private func origins(_ entries: [UInt32], _ table: HotTable, _ start: Int64) -> Column {
        var identifiers = EventIdentifiers(count: entries.count)
        for (row, entry) in entries.enumerated() {
            let key = Array(table.keyArray(of: entry).dropFirst(KeyEncoder.groupBytes))
            identifiers.set(
                row, origin: EventIdentifiers.hash([name], key), number: start)
        }
        return identifiers.finish()
    }

    /// Error rows for groups without a result; their place is the window and the group.
    private func reject(_ failures: RowFailures, of batch: Batch) -> Batch {
        var rejected = RejectedRows()
        for (row, message) in zip(failures.rows, failures.messages) {
            let place = (0..<2 + step.by.count).map { column in
                step.output.fields[column].name + "=" + batch.columns[column].described(at: row)
            }
            rejected.add(
                error: message, step: name, source: "", position: place.joined(separator: " "),
                raw: nil)
        }
        return rejected.take()
    }

    private func constant(_ value: Int64, _ count: Int) -> Column {
        var builder = ColumnBuilder(.timestamp, capacity: count)
        var values = builder.int64s
        for row in 0..<count { values[row] = value }
        return builder.finish(count: count)
    }
}
