import Dataflow
import Storage

/// `min` and `max` of numbers, times and truth values.
struct ExtremeKernel: AggregateKernel {
    /// The value as a word whose order is that of the values, so that one loop serves all types.
    private struct State: BitwiseCopyable {
        var count: Int64
        var word: UInt64
    }

    let type: FieldType
    let isLeast: Bool
    var stateWidth: Int { 16 }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        rows.forEach { row in
            let word = values.orderedWord(at: row)
            groups.update(row, offset: offset) { (state: inout State) in
                let wins = isLeast ? word < state.word : word > state.word
                if state.count == 0 || wins { state.word = word }
                state.count &+= 1
            }
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        let count = groups.entries.count
        var builder = ColumnBuilder(type, capacity: count)
        for (row, entry) in groups.entries.enumerated() {
            let state: State = groups.table.state(of: entry, offset: offset)
            if state.count == 0 {
                builder.setNull(row)
            } else {
                builder.setOrdered(row, state.word)
            }
        }
        return builder.finish(count: count)
    }
}

/// `min` and `max` of strings, in the order of their bytes.
struct TextExtremeKernel: AggregateKernel {
    let isLeast: Bool
    var stateWidth: Int { 8 }
    var references: [Int] { [0] }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        var arena = TextArena()
        rows.forEach { row in
            let view = values.text(at: row)
            groups.updateMoving(row, offset: offset) { (reference: inout UInt64) in
                let held = UInt32(truncatingIfNeeded: reference)
                if held != 0 {
                    let order = view.compare(to: groups.table.text(held, into: &arena))
                    guard isLeast ? order < 0 : order > 0 else { return }
                }
                view.withBytes { reference = UInt64(groups.table.store($0, replacing: held)) }
            }
        }
        groups.locate()
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        var arena = TextArena()
        var builder = ColumnBuilder(.string, capacity: groups.entries.count)
        for (row, entry) in groups.entries.enumerated() {
            let reference: UInt64 = groups.table.state(of: entry, offset: offset)
            if reference == 0 {
                builder.setNull(row)
            } else {
                builder.set(row, to: groups.table.text(UInt32(reference), into: &arena))
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: groups.entries.count)
    }
}

extension ColumnBuilder {
    /// Sets one row of a column from what `Column.orderedWord` gives.
    mutating func setOrdered(_ row: Int, _ word: UInt64) {
        switch type {
        case .int, .timestamp: set(row, to: Int64(bitPattern: word ^ 1 << 63))
        case .float:
            let bits = word >> 63 == 1 ? word ^ 1 << 63 : ~word
            set(row, to: Double(bitPattern: bits))
        case .bool:
            var values = bools
            values[row] = UInt8(truncatingIfNeeded: word)
        case .string, .json: preconditionFailure("text has no order in one word")
        }
    }
}
