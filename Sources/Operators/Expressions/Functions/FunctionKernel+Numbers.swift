import Dataflow
// The elementary functions are the C library's; the standard library has none of its own.
import Glibc

/// Functions of numbers.
extension FunctionKernel {
    func intNumber(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.int64s
        let failure = { (row: Int) in
            "\(self.function.shownName)(\(arguments.first.int64s[row])) "
                + "is beyond the 64 bits of an int"
        }
        switch function {
        case .absolute:
            return arguments.int64s(.int, &frame, failure: failure) { row in
                values[row] == .min ? nil : abs(values[row])
            }
        case .sign:
            return arguments.int64s(.int, &frame, failure: failure) { values[$0].signum() }
        case .round:
            let digits = arguments.second.int64s
            return arguments.int64s(.int, &frame, failure: failure) { row in
                Rounding.round(values[row], digits: digits[row], .nearest)
            }
        case .truncate:
            let digits = arguments.second.int64s
            return arguments.int64s(.int, &frame, failure: failure) { row in
                Rounding.round(values[row], digits: digits[row], .down)
            }
        default: return arguments.first
        }
    }

    func floatNumber(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.doubles
        let failure = notFinite(arguments)
        switch function {
        case .absolute: return arguments.doubles(&frame, failure: failure) { abs(values[$0]) }
        case .floor:
            return arguments.doubles(&frame, failure: failure) { values[$0].rounded(.down) }
        case .ceiling:
            return arguments.doubles(&frame, failure: failure) { values[$0].rounded(.up) }
        case .sign:
            return arguments.doubles(&frame, failure: failure) { row in
                values[row] > 0 ? 1 : values[row] < 0 ? -1 : 0
            }
        case .truncate:
            let digits = arguments.second.int64s
            return arguments.doubles(&frame, failure: failure) { row in
                Rounding.round(values[row], digits: digits[row], .down)
            }
        default:
            let digits = arguments.second.int64s
            return arguments.doubles(&frame, failure: failure) { row in
                Rounding.round(values[row], digits: digits[row], .nearest)
            }
        }
    }

    func transcendental(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.doubles
        let failure = notFinite(arguments)
        switch function {
        case .squareRoot:
            return arguments.doubles(&frame, failure: failure) { values[$0].squareRoot() }
        case .exponential: return arguments.doubles(&frame, failure: failure) { exp(values[$0]) }
        case .naturalLogarithm:
            return arguments.doubles(&frame, failure: failure) { log(values[$0]) }
        case .logarithm2: return arguments.doubles(&frame, failure: failure) { log2(values[$0]) }
        case .logarithm10: return arguments.doubles(&frame, failure: failure) { log10(values[$0]) }
        case .logarithm:
            let numbers = arguments.second.doubles
            return arguments.doubles(&frame, failure: failure) { row in
                log(numbers[row]) / log(values[row])
            }
        default:
            let exponents = arguments.second.doubles
            return arguments.doubles(&frame, failure: failure) { pow(values[$0], exponents[$0]) }
        }
    }

    private func notFinite(_ arguments: StrictArguments) -> (Int) -> String {
        let columns = arguments.columns.filter { $0.type == .float }
        let name = function.shownName
        return { row in
            let shown = columns.map { "\($0.doubles[row])" }.joined(separator: ", ")
            return "\(name)(\(shown)) is not a finite number"
        }
    }

    /// GREATEST and LEAST.
    func extreme(_ arguments: StrictArguments, _ frame: Frame) -> Column {
        let wantsLess = function == .least
        var builder = arguments.builder(type, frame)
        for (place, column) in arguments.columns.enumerated() {
            builder.keep(column.owners)
            let isFirst = place == 0
            switch type {
            case .bool:
                var out = builder.bools
                Self.improve(&out, column.bools, arguments.live, isFirst, wantsLess)
            case .int, .timestamp:
                var out = builder.int64s
                Self.improve(&out, column.int64s, arguments.live, isFirst, wantsLess)
            case .float:
                var out = builder.doubles
                Self.improve(&out, column.doubles, arguments.live, isFirst, wantsLess)
            case .string, .json:
                var out = builder.strings
                let values = column.strings
                forEachRow(arguments.live) { row in
                    let order = isFirst ? 0 : values[row].compare(to: out[row])
                    if isFirst || (wantsLess ? order < 0 : order > 0) { out[row] = values[row] }
                }
            }
        }
        return builder.finish(count: frame.rowCount)
    }

    @inline(__always)
    private static func improve<T: Comparable & BitwiseCopyable>(
        _ best: inout MutableSpan<T>, _ values: Span<T>, _ rows: Selection, _ isFirst: Bool,
        _ wantsLess: Bool
    ) {
        forEachRow(rows) { row in
            let value = values[row]
            if isFirst || (wantsLess ? value < best[row] : value > best[row]) { best[row] = value }
        }
    }
}

extension ScalarFunction {
    /// The name in messages about a row.
    var shownName: String {
        switch self {
        case .absolute: "ABS"
        case .squareRoot: "SQRT"
        case .exponential: "EXP"
        case .naturalLogarithm: "LN"
        case .logarithm2: "LOG2"
        case .logarithm10: "LOG10"
        case .logarithm: "LOG"
        case .power: "POWER"
        case .round: "ROUND"
        case .truncate: "TRUNCATE"
        default: "the function"
        }
    }
}
