import Dataflow

/// A comparison of two values of one type.
final class ComparisonKernel: Kernel {
    var type: FieldType { .bool }
    private let symbol: Comparison
    private let operands: [any Kernel]

    init(_ symbol: Comparison, _ left: any Kernel, _ right: any Kernel) {
        self.symbol = symbol
        operands = [left, right]
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments(operands, rows, &frame)
        return arguments.bools(trueOn: holding(arguments, symbol), frame)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        let arguments = StrictArguments(operands, rows, &frame)
        return holding(arguments, truth ? symbol : symbol.inverted)
    }

    /// The rows without NULL for which the comparison holds.
    private func holding(_ arguments: StrictArguments, _ symbol: Comparison) -> Selection {
        let left = arguments.first
        let right = arguments.second
        switch left.type {
        case .int, .timestamp:
            return Self.compare(left.int64s, right.int64s, arguments.live, symbol)
        case .float: return Self.compare(left.doubles, right.doubles, arguments.live, symbol)
        case .bool: return Self.compare(left.bools, right.bools, arguments.live, symbol)
        case .string, .json:
            return Self.compare(left.strings, right.strings, arguments.live, symbol)
        }
    }

    @inline(__always)
    private static func compare<T: Comparable & BitwiseCopyable>(
        _ a: Span<T>, _ b: Span<T>, _ rows: Selection, _ symbol: Comparison
    ) -> Selection {
        switch symbol {
        case .equal: rows.filtered { a[$0] == b[$0] }
        case .notEqual: rows.filtered { a[$0] != b[$0] }
        case .less: rows.filtered { a[$0] < b[$0] }
        case .lessOrEqual: rows.filtered { a[$0] <= b[$0] }
        case .greater: rows.filtered { a[$0] > b[$0] }
        case .greaterOrEqual: rows.filtered { a[$0] >= b[$0] }
        }
    }

    private static func compare(
        _ a: Span<StringView>, _ b: Span<StringView>, _ rows: Selection, _ symbol: Comparison
    ) -> Selection {
        switch symbol {
        case .equal: rows.filtered { a[$0] == b[$0] }
        case .notEqual: rows.filtered { !(a[$0] == b[$0]) }
        case .less: rows.filtered { a[$0].compare(to: b[$0]) < 0 }
        case .lessOrEqual: rows.filtered { a[$0].compare(to: b[$0]) <= 0 }
        case .greater: rows.filtered { a[$0].compare(to: b[$0]) > 0 }
        case .greaterOrEqual: rows.filtered { a[$0].compare(to: b[$0]) >= 0 }
        }
    }
}

/// A comparison with a constant that is not NULL: what filters do most.
final class ConstantComparisonKernel: Kernel {
    var type: FieldType { .bool }
    private let symbol: Comparison
    private let operand: any Kernel
    private let constant: Constant
    private let text: StringView
    private let arena: TextArenaOwner

    init(_ symbol: Comparison, _ operand: any Kernel, _ constant: Constant) {
        self.symbol = symbol
        self.operand = operand
        self.constant = constant
        var owner = TextArenaOwner()
        if case .string(let string) = constant { text = owner.add(string) } else { text = .empty }
        arena = owner
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        return arguments.bools(trueOn: holding(arguments, symbol), frame)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        let arguments = StrictArguments([operand], rows, &frame)
        return holding(arguments, truth ? symbol : symbol.inverted)
    }

    private func holding(_ arguments: StrictArguments, _ symbol: Comparison) -> Selection {
        let column = arguments.first
        let live = arguments.live
        switch constant {
        case .int(let value), .timestamp(let value):
            return Self.compare(column.int64s, value, live, symbol)
        case .float(let value): return Self.compare(column.doubles, value, live, symbol)
        case .bool(let value): return Self.compare(column.bools, value ? 1 : 0, live, symbol)
        case .string: return Self.compare(column.strings, text, live, symbol)
        case .null: return Selection(all: 0)
        }
    }

    @inline(__always)
    private static func compare<T: Comparable & BitwiseCopyable>(
        _ a: Span<T>, _ b: T, _ rows: Selection, _ symbol: Comparison
    ) -> Selection {
        switch symbol {
        case .equal: rows.filtered { a[$0] == b }
        case .notEqual: rows.filtered { a[$0] != b }
        case .less: rows.filtered { a[$0] < b }
        case .lessOrEqual: rows.filtered { a[$0] <= b }
        case .greater: rows.filtered { a[$0] > b }
        case .greaterOrEqual: rows.filtered { a[$0] >= b }
        }
    }

    private static func compare(
        _ a: Span<StringView>, _ b: StringView, _ rows: Selection, _ symbol: Comparison
    ) -> Selection {
        let (low, high) = b.words
        switch symbol {
        case .equal where b.isInline:
            return rows.filtered { row in
                let words = a[row].words
                return (words.low ^ low) | (words.high ^ high) == 0
            }
        case .notEqual where b.isInline:
            return rows.filtered { row in
                let words = a[row].words
                return (words.low ^ low) | (words.high ^ high) != 0
            }
        case .equal: return rows.filtered { a[$0] == b }
        case .notEqual: return rows.filtered { !(a[$0] == b) }
        case .less: return rows.filtered { a[$0].compare(to: b) < 0 }
        case .lessOrEqual: return rows.filtered { a[$0].compare(to: b) <= 0 }
        case .greater: return rows.filtered { a[$0].compare(to: b) > 0 }
        case .greaterOrEqual: return rows.filtered { a[$0].compare(to: b) >= 0 }
        }
    }
}
