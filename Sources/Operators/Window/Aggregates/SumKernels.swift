import Dataflow
import Storage

/// `sum` and `avg` of whole numbers: exact in 128 bits.
struct IntegerSumKernel: AggregateKernel {
    private struct State: BitwiseCopyable {
        var count: Int64
        var sum: IntegerSum
    }

    let isMean: Bool
    var stateWidth: Int { MemoryLayout<State>.size }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        let numbers = values.int64s
        rows.forEach { row in
            groups.update(row, offset: offset) { (state: inout State) in
                state.count &+= 1
                state.sum.add(numbers[row])
            }
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        let count = groups.entries.count
        var builder = ColumnBuilder(isMean ? .float : .int, capacity: count)
        for (row, entry) in groups.entries.enumerated() {
            let state: State = groups.table.state(of: entry, offset: offset)
            if state.count == 0 {
                builder.setNull(row)
            } else if isMean {
                builder.set(row, to: state.sum.average(count: Int(state.count)))
            } else if let sum = state.sum.int {
                builder.set(row, to: sum)
            } else {
                builder.setNull(row)
                failures.add(row, "the sum does not fit an int")
            }
        }
        return builder.finish(count: count)
    }
}

/// `sum` and `avg` of floats: exact inside, rounded once.
struct FloatSumKernel: AggregateKernel {
    private struct State: BitwiseCopyable {
        var count: Int64
        var sum: ExactSum
    }

    let isMean: Bool
    var stateWidth: Int { MemoryLayout<State>.size }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        let numbers = values.doubles
        var wides = groups.extras.wides
        groups.extras.wides = WideSums()
        rows.forEach { row in
            groups.update(row, offset: offset) { (state: inout State) in
                state.count &+= 1
                state.sum.add(numbers[row], &wides)
            }
        }
        groups.extras.wides = wides
    }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {
        table.changeState(of: entry, offset: offset) { (state: inout State) in
            state.sum.moveWide(by: shift.wides)
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        let count = groups.entries.count
        var builder = ColumnBuilder(.float, capacity: count)
        for (row, entry) in groups.entries.enumerated() {
            let state: State = groups.table.state(of: entry, offset: offset)
            guard state.count > 0 else {
                builder.setNull(row)
                continue
            }
            let wides = groups.extras.wides
            let value =
                isMean
                ? state.sum.average(count: Int(state.count), wides) : state.sum.rounded(wides)
            builder.setFinite(row, to: value, what: isMean ? "the mean" : "the sum", &failures)
        }
        return builder.finish(count: count)
    }
}

/// `stddev`, `variance` and their population forms: exact inside, rounded once.
struct MomentsKernel: AggregateKernel {
    private struct State: BitwiseCopyable {
        var count: Int64
        var moments: ExactMoments
    }

    let isSample: Bool
    let isRoot: Bool
    var stateWidth: Int { MemoryLayout<State>.size }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        var wides = groups.extras.wides
        groups.extras.wides = WideSums()
        if values.type == .int {
            let numbers = values.int64s
            rows.forEach { row in
                groups.update(row, offset: offset) { (state: inout State) in
                    state.count &+= 1
                    state.moments.add(numbers[row], &wides)
                }
            }
        } else {
            let numbers = values.doubles
            rows.forEach { row in
                groups.update(row, offset: offset) { (state: inout State) in
                    state.count &+= 1
                    state.moments.add(numbers[row], &wides)
                }
            }
        }
        groups.extras.wides = wides
    }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {
        table.changeState(of: entry, offset: offset) { (state: inout State) in
            state.moments.moveWide(by: shift.wides)
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        let count = groups.entries.count
        var builder = ColumnBuilder(.float, capacity: count)
        for (row, entry) in groups.entries.enumerated() {
            let state: State = groups.table.state(of: entry, offset: offset)
            let variance =
                state.count == 0
                ? nil
                : state.moments.variance(
                    isSample ? .sample : .population, count: Int(state.count), groups.extras.wides)
            if let variance {
                let value = isRoot ? variance.squareRoot() : variance
                builder.setFinite(row, to: value, what: "the variance", &failures)
            } else {
                builder.setNull(row)
            }
        }
        return builder.finish(count: count)
    }
}

extension ColumnBuilder {
    /// Sets one row of an `int` or `timestamp` column.
    mutating func set(_ row: Int, to value: Int64) {
        var values = int64s
        values[row] = value
    }

    /// Sets one row of a `float` column.
    mutating func set(_ row: Int, to value: Double) {
        var values = doubles
        values[row] = value
    }

    /// Sets one row of a `float` column, or fails it if no float is that large.
    mutating func setFinite(
        _ row: Int, to value: Double, what: String, _ failures: inout RowFailures
    ) {
        if value.isFinite {
            set(row, to: value)
        } else {
            setNull(row)
            failures.add(row, "\(what) does not fit a float")
        }
    }
}
