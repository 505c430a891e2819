import Dataflow
import Storage

/// `broadcast_join` at work: looks every row's key up in the version of the table that stands at
/// its chunk.
///
/// Keeps no state: the table is shared. A null key finds nothing.
final class BroadcastJoinOperator: Operator {
    private let step: BroadcastJoinStep
    private let encoder: KeyEncoder
    private(set) var counters = StepCounters()

    init(_ step: BroadcastJoinStep) {
        self.step = step
        encoder = KeyEncoder(columns: step.on)
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) {
        guard let table = chunk.tables[step.table] as? BroadcastTable else { return }
        counters.received += batch.count
        var keyed = batch.selection
        for column in step.on {
            if let validity = batch.columns[column].validity { keyed = keyed.valid(in: validity) }
        }
        let rowCount = batch.columns.first?.count ?? 0
        var matches = Matches(rowCount: rowCount)
        var rest = keyed
        for (number, segment) in table.segments.enumerated() where !rest.isEmpty {
            rest = matches.find(rest, of: batch, on: step.on, encoder, in: segment, number)
        }
        let missed =
            batch.count == keyed.count
            ? rest : batch.selection.removing(keyed.removing(rest))
        let passed = step.kind == .left ? batch.selection : batch.selection.removing(missed)
        counters.passed += passed.count
        if step.kind == .left { counters.missed += missed.count }
        if step.kind == .inner && !missed.isEmpty {
            counters.unmatched += missed.count
            output.emit(batch.selecting(missed), to: .unmatched)
        }
        guard !passed.isEmpty else { return }
        var joined = batch.selecting(passed)
        for (number, choice) in step.selected.enumerated() {
            let type = step.output.fields[step.input.fields.count + number].type
            joined.columns.append(
                matches.column(choice.column, type, of: table, rows: passed, missed: missed))
        }
        output.emit(joined)
    }
}

/// Which row of which segment each row of a batch has found.
private struct Matches {
    private var parts: [(rows: Selection, found: Column)] = []
    private let rowCount: Int

    init(rowCount: Int) { self.rowCount = rowCount }

    /// Looks rows up in a segment; gives those that found nothing.
    mutating func find(
        _ rows: Selection, of batch: Batch, on columns: [Int], _ encoder: KeyEncoder,
        in segment: TableSegment, _ number: Int
    ) -> Selection {
        var builder = ColumnBuilder(.int, capacity: rowCount)
        var found = builder.int64s
        segment.look(
            up: batch, rows, columns: columns,
            encoded: { encoder.encode(Batch(columns: batch.columns, selection: rows)) },
            into: &found)
        let column = builder.finish(count: rowCount)
        let values = column.int64s
        let hits = rows.filtered { values[$0] >= 0 }
        parts.append((hits, column))
        return rows.removing(hits)
    }

    /// A column of the table for the rows that pass.
    func column(
        _ index: Int, _ type: FieldType, of table: BroadcastTable, rows: Selection,
        missed: Selection
    ) -> Column {
        var builder = ColumnBuilder(type, capacity: rowCount)
        for (segment, part) in zip(table.segments, parts) {
            copy(segment.columns[index], part.found, part.rows, to: &builder)
        }
        missed.intersecting(rows).forEach { builder.setNull($0) }
        return builder.finish(count: rowCount)
    }

    private func copy(
        _ source: Column, _ found: Column, _ rows: Selection, to builder: inout ColumnBuilder
    ) {
        switch source.type {
        case .bool: Self.copy(source.bools, found, rows, to: builder.bools)
        case .int, .timestamp: Self.copy(source.int64s, found, rows, to: builder.int64s)
        case .float: Self.copy(source.doubles, found, rows, to: builder.doubles)
        case .string, .json: Self.copy(source.strings, found, rows, to: builder.strings)
        }
        builder.keep(source.owners)
        guard let validity = source.validity else { return }
        let places = found.int64s
        rows.forEach { row in
            if !validity[Int(places[row])] { builder.setNull(row) }
        }
    }

    @inline(__always)
    private static func copy<T: BitwiseCopyable>(
        _ source: Span<T>, _ found: Column, _ rows: Selection,
        to target: consuming MutableSpan<T>
    ) {
        var target = target
        let places = found.int64s
        rows.forEach { target[$0] = source[Int(places[$0])] }
    }
}
