import Dataflow

/// AND or OR of any number of conditions, from left to right.
///
/// An operand is computed only for the rows that those before it left undecided: FALSE decides AND,
/// TRUE decides OR.
final class LogicKernel: Kernel {
    var type: FieldType { .bool }
    private let operands: [any Kernel]
    /// The truth value that decides.
    private let decisive: Bool

    init(_ symbol: LogicOperator, _ operands: [any Kernel]) {
        self.operands = operands
        decisive = symbol == .or
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        var builder = ColumnBuilder(.bool, capacity: frame.rowCount)
        let known = Bitmap(count: frame.rowCount, valid: true)
        var out = builder.bools
        let (yes, no): (UInt8, UInt8) = decisive ? (1, 0) : (0, 1)
        forEachRow(rows) { row in out[row] = no }
        var undecided = rows
        var hasNulls = false
        for operand in operands where !undecided.isEmpty {
            let (column, survivors) = operand.evaluateSurvivors(undecided, &frame)
            let values = column.bools
            undecided = survivors.filtered { row in
                guard column.isValid(row) else {
                    known.set(row, valid: false)
                    hasNulls = true
                    return true
                }
                guard values[row] == yes else { return true }
                out[row] = yes
                known.set(row, valid: true)
                return false
            }
        }
        if hasNulls {
            forEachRow(undecided) { row in if !known[row] { out[row] = 0 } }
            builder.setValidity(known)
        }
        return builder.finish(count: frame.rowCount)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        var rest = rows
        if truth != decisive {
            // All operands must have the value: each narrows what the one before left.
            for operand in operands where !rest.isEmpty {
                rest = operand.select(rest, where: truth, &frame)
            }
            return rest
        }
        var found = Selection(all: 0)
        for operand in operands where !rest.isEmpty {
            let count = frame.failures.count
            let hits = operand.select(rest, where: truth, &frame)
            found = found.union(hits)
            rest = frame.survivors(of: rest.removing(hits), since: count)
        }
        return found
    }
}

/// NOT.
final class NotKernel: Kernel {
    var type: FieldType { .bool }
    private let operand: any Kernel

    init(_ operand: any Kernel) { self.operand = operand }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        var builder = arguments.builder(.bool, frame)
        var out = builder.bools
        let values = arguments.first.bools
        forEachRow(arguments.live) { row in out[row] = values[row] ^ 1 }
        return builder.finish(count: frame.rowCount)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        operand.select(rows, where: !truth, &frame)
    }
}

/// IS [NOT] NULL, TRUE or FALSE: never NULL itself.
final class TestKernel: Kernel {
    var type: FieldType { .bool }
    private let operand: any Kernel
    private let test: TruthTest
    private let negated: Bool

    init(_ operand: any Kernel, _ test: TruthTest, negated: Bool) {
        self.operand = operand
        self.test = test
        self.negated = negated
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let hits = select(rows, where: true, &frame)
        var builder = ColumnBuilder(.bool, capacity: frame.rowCount)
        var out = builder.bools
        forEachRow(rows) { row in out[row] = 0 }
        forEachRow(hits) { row in out[row] = 1 }
        return builder.finish(count: frame.rowCount)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        let wanted = truth != negated
        if test == .null {
            let (column, survivors) = operand.evaluateSurvivors(rows, &frame)
            guard let validity = column.validity else {
                return wanted ? Selection(all: 0) : survivors
            }
            let valid = survivors.valid(in: validity)
            return wanted ? survivors.removing(valid) : valid
        }
        let count = frame.failures.count
        let hits = operand.select(rows, where: test == .true, &frame)
        return wanted ? hits : frame.survivors(of: rows.removing(hits), since: count)
    }
}
