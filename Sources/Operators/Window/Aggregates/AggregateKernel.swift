import Dataflow
import Storage

/// How one aggregate is kept per group: a state of fixed width, all zero for a group without rows.
///
/// Called once per batch and window, with loops of its own inside. `rows` are rows that count:
/// neither filtered out nor null.
protocol AggregateKernel {
    /// Bytes of a group's state.
    var stateWidth: Int { get }

    /// Offsets of words in a group's state that refer to stored bytes.
    var references: [Int] { get }

    /// Adds rows to their groups.
    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int)

    /// The aggregate's value for each entry; an entry for which there is none fails.
    func results(_ groups: ClosingGroups, offset: Int, failures: inout RowFailures) -> Column

    /// Changes the numbers by which a group's state refers to extras, where these have moved.
    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift)
}

extension AggregateKernel {
    var references: [Int] { [] }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {}
}

/// The groups of a window whose results are being made.
struct ClosingGroups {
    let table: HotTable
    /// In the order of their keys.
    let entries: [UInt32]
    let extras: GroupExtras
}

/// `count`: rows, or values that are not null.
struct CountKernel: AggregateKernel {
    var stateWidth: Int { 8 }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        rows.forEach { row in
            groups.update(row, offset: offset) { (count: inout Int64) in count &+= 1 }
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        var builder = ColumnBuilder(.int, capacity: groups.entries.count)
        var counts = builder.int64s
        for (row, entry) in groups.entries.enumerated() {
            counts[row] = groups.table.state(of: entry, offset: offset)
        }
        return builder.finish(count: groups.entries.count)
    }
}

/// `count_distinct`: values that a group has not had before.
struct DistinctKernel: AggregateKernel {
    /// The count, and the number of the group among those of its window: 0 for none yet.
    var stateWidth: Int { 16 }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        let members = groups.extras.members[offset] ?? HotTable(valueWidth: 0)
        groups.extras.members[offset] = members
        // Entries move between memory and disk; the groups' numbers stay.
        let numbers = Slab(byteCount: groups.keys.rowCount * 4)
        rows.forEach { row in
            groups.update(row, offset: offset + 8) { (number: inout UInt64) in
                if number == 0 {
                    groups.extras.groupCount += 1
                    number = UInt64(groups.extras.groupCount)
                }
                numbers.setWord(row, to: UInt32(truncatingIfNeeded: number))
            }
        }
        let keys = KeyEncoder.members(of: values, rows: rows, groups: numbers)
        let found = Slab(byteCount: keys.rowCount * 4)
        _ = members.getOrInsert(keys, rows: rows.listing, count: rows.count, into: found)
        let fresh = rows.marked(HotTable.isNewMark, in: found)
        CountKernel().update(nil, fresh, groups, offset: offset)
    }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {
        table.changeState(of: entry, offset: offset + 8) { (number: inout UInt64) in
            if number != 0 { number += shift.groups }
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        CountKernel().results(groups, offset: offset, failures: &failures)
    }
}
