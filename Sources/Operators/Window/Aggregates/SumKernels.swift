import Dataflow
import Storage

/// `sum` and `avg` of whole numbers: exact in 128 bits.
struct IntegerSumKernel: AggregateKernel {
    private typealias State = Counted<IntegerSum>

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
    let isMean: Bool
    var stateWidth: Int { MemoryLayout<Counted<ExactSum>>.size }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        let numbers = values.doubles
        groups.add(rows, offset: offset) { (sum: inout ExactSum, row, wides) in
            sum.add(numbers[row], &wides)
        }
    }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {
        table.changeState(of: entry, offset: offset) { (state: inout Counted<ExactSum>) in
            state.sum.moveWide(by: shift.wides)
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        let what = isMean ? "the mean" : "the sum"
        return groups.floats(what, offset: offset, &failures) { (sum: ExactSum, count, wides) in
            if count == 0 { return nil }
            return isMean ? sum.average(count: count, wides) : sum.rounded(wides)
        }
    }
}

/// `stddev`, `variance` and their population forms: exact inside, rounded once.
struct MomentsKernel: AggregateKernel {
    let isSample: Bool
    let isRoot: Bool
    var stateWidth: Int { MemoryLayout<Counted<ExactMoments>>.size }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        if values.type == .int {
            let numbers = values.int64s
            groups.add(rows, offset: offset) { (moments: inout ExactMoments, row, wides) in
                moments.add(numbers[row], &wides)
            }
        } else {
            let numbers = values.doubles
            groups.add(rows, offset: offset) { (moments: inout ExactMoments, row, wides) in
                moments.add(numbers[row], &wides)
            }
        }
    }

    func renumber(_ table: HotTable, _ entry: UInt32, offset: Int, by shift: GroupExtras.Shift) {
        table.changeState(of: entry, offset: offset) { (state: inout Counted<ExactMoments>) in
            state.sum.moveWide(by: shift.wides)
        }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        groups.floats("the variance", offset: offset, &failures) {
            (moments: ExactMoments, count, wides) in
            if count == 0 { return nil }
            let kind = isSample ? ExactMoments.Kind.sample : .population
            guard let variance = moments.variance(kind, count: count, wides) else { return nil }
            return isRoot ? variance.squareRoot() : variance
        }
    }
}

/// What is summed of the values of a group, and how many there were.
private struct Counted<Sum: BitwiseCopyable>: BitwiseCopyable {
    var count: Int64
    var sum: Sum
}

extension GroupStates {
    /// Adds rows to the sums of their groups, which may have wide parts. It is inlined, so that
    /// the loop is one over the kernel's own state.
    @inline(__always)
    fileprivate func add<Sum: BitwiseCopyable>(
        _ rows: Selection, offset: Int, _ add: (inout Sum, Int, inout WideSums) -> Void
    ) {
        var wides = extras.wides
        extras.wides = WideSums()
        rows.forEach { row in
            update(row, offset: offset) { (state: inout Counted<Sum>) in
                state.count &+= 1
                add(&state.sum, row, &wides)
            }
        }
        extras.wides = wides
    }
}

extension ClosingGroups {
    /// A float for each group, null where there is none; one that is too large fails.
    fileprivate func floats<Sum: BitwiseCopyable>(
        _ what: String, offset: Int, _ failures: inout RowFailures,
        _ value: (Sum, _ count: Int, borrowing WideSums) -> Double?
    ) -> Column {
        var builder = ColumnBuilder(.float, capacity: entries.count)
        for (row, entry) in entries.enumerated() {
            let state: Counted<Sum> = table.state(of: entry, offset: offset)
            if let value = value(state.sum, Int(state.count), extras.wides) {
                builder.setFinite(row, to: value, what: what, &failures)
            } else {
                builder.setNull(row)
            }
        }
        return builder.finish(count: entries.count)
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
