import Dataflow

/// + - * / % of two ints or two floats.
///
/// The loop computes all rows and only notes that something went wrong; which rows failed is found
/// in a second pass, which is rarely needed.
final class ArithmeticKernel: Kernel {
    let type: FieldType
    private let symbol: Arithmetic
    private let operands: [any Kernel]

    init(_ symbol: Arithmetic, _ left: any Kernel, _ right: any Kernel, type: FieldType) {
        self.symbol = symbol
        operands = [left, right]
        self.type = type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments(operands, rows, &frame)
        var builder = arguments.builder(type, frame)
        if type == .int {
            var out = builder.int64s
            ints(arguments, &out, &frame)
        } else {
            var out = builder.doubles
            floats(arguments, &out, &frame)
        }
        return builder.finish(count: frame.rowCount)
    }

    private func ints(
        _ arguments: StrictArguments, _ out: inout MutableSpan<Int64>, _ frame: inout Frame
    ) {
        let a = arguments.first.int64s
        let b = arguments.second.int64s
        let live = arguments.live
        let overflows =
            switch symbol {
            case .add: Self.ints(a, b, live, &out) { $0.addingReportingOverflow($1) }
            case .subtract: Self.ints(a, b, live, &out) { $0.subtractingReportingOverflow($1) }
            case .multiply: Self.ints(a, b, live, &out) { $0.multipliedReportingOverflow(by: $1) }
            case .divide: Self.ints(a, b, live, &out) { $0.dividedReportingOverflow(by: $1) }
            case .remainder: Self.ints(a, b, live, &out) { Self.remainder($0, $1) }
            }
        guard overflows else { return }
        forEachRow(live) { row in
            let x = a[row]
            let y = b[row]
            let overflow =
                switch symbol {
                case .add: x.addingReportingOverflow(y).overflow
                case .subtract: x.subtractingReportingOverflow(y).overflow
                case .multiply: x.multipliedReportingOverflow(by: y).overflow
                case .divide: x.dividedReportingOverflow(by: y).overflow
                case .remainder: Self.remainder(x, y).overflow
                }
            guard overflow else { return }
            let isDivision = symbol == .divide || symbol == .remainder
            frame.fail(
                row,
                isDivision && y == 0
                    ? "division by zero in \(x) \(symbol.rawValue) 0"
                    : "\(x) \(symbol.rawValue) \(y) is beyond the 64 bits of an int")
        }
    }

    /// The least int divided by -1 leaves 0, although the quotient has no place.
    @inline(__always)
    private static func remainder(_ a: Int64, _ b: Int64) -> (partialValue: Int64, overflow: Bool) {
        let (rest, overflow) = a.remainderReportingOverflow(dividingBy: b)
        return (rest, overflow && b == 0)
    }

    @inline(__always)
    private static func ints(
        _ a: Span<Int64>, _ b: Span<Int64>, _ rows: Selection, _ out: inout MutableSpan<Int64>,
        _ body: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) -> Bool {
        var overflows = false
        forEachRow(rows) { row in
            let (value, overflow) = body(a[row], b[row])
            out[row] = value
            overflows = overflows || overflow
        }
        return overflows
    }

    private func floats(
        _ arguments: StrictArguments, _ out: inout MutableSpan<Double>, _ frame: inout Frame
    ) {
        let a = arguments.first.doubles
        let b = arguments.second.doubles
        let live = arguments.live
        let fails =
            switch symbol {
            case .add: Self.floats(a, b, live, &out) { $0 + $1 }
            case .subtract: Self.floats(a, b, live, &out) { $0 - $1 }
            case .multiply: Self.floats(a, b, live, &out) { $0 * $1 }
            case .divide: Self.floats(a, b, live, &out) { $0 / $1 }
            case .remainder:
                Self.floats(a, b, live, &out) { $0.truncatingRemainder(dividingBy: $1) }
            }
        guard fails else { return }
        forEachRow(live) { row in
            guard !out[row].isFinite else { return }
            let isDivision = symbol == .divide || symbol == .remainder
            frame.fail(
                row,
                isDivision && b[row] == 0
                    ? "division by zero in \(a[row]) \(symbol.rawValue) 0"
                    : "\(a[row]) \(symbol.rawValue) \(b[row]) is beyond the range of a float")
        }
    }

    @inline(__always)
    private static func floats(
        _ a: Span<Double>, _ b: Span<Double>, _ rows: Selection, _ out: inout MutableSpan<Double>,
        _ body: (Double, Double) -> Double
    ) -> Bool {
        var fails = false
        forEachRow(rows) { row in
            let value = body(a[row], b[row])
            out[row] = value
            fails = fails || !value.isFinite
        }
        return fails
    }
}

/// Unary minus.
final class NegateKernel: Kernel {
    let type: FieldType
    private let operand: any Kernel

    init(_ operand: any Kernel) {
        self.operand = operand
        type = operand.type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        var builder = arguments.builder(type, frame)
        let column = arguments.first
        if type == .int {
            var out = builder.int64s
            let values = column.int64s
            forEachRow(arguments.live) { row in
                out[row] = 0 &- values[row]
                if values[row] == .min {
                    frame.fail(row, "-(\(values[row])) is beyond the 64 bits of an int")
                }
            }
        } else {
            var out = builder.doubles
            let values = column.doubles
            forEachRow(arguments.live) { row in out[row] = -values[row] }
        }
        return builder.finish(count: frame.rowCount)
    }
}
