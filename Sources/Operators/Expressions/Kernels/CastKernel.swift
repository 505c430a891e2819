import Dataflow

/// CAST and TRY_CAST, and the widening of ints.
final class CastKernel: Kernel {
    let type: FieldType
    private let operand: any Kernel
    private let tries: Bool

    init(_ operand: any Kernel, to type: FieldType, tries: Bool) {
        self.operand = operand
        self.type = type
        self.tries = tries
    }

    /// Whether there is a conversion.
    static func supports(_ source: FieldType, _ target: FieldType) -> Bool {
        switch (source, target) {
        case (.bool, .int), (.bool, .float), (.bool, .string), (.int, .bool), (.int, .float),
            (.int, .string), (.float, .int), (.float, .string), (.string, .bool), (.string, .int),
            (.string, .float), (.string, .timestamp), (.timestamp, .string), (.json, .string):
            true
        default: source == target
        }
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        let column = arguments.first
        switch column.type {
        case .bool: return fromBool(arguments, column.bools, &frame)
        case .int: return fromInt(arguments, column.int64s, &frame)
        case .float: return fromFloat(arguments, column.doubles, &frame)
        case .string: return fromString(arguments, column, &frame)
        case .timestamp:
            let values = column.int64s
            return arguments.texts(&frame) { row, text in
                TimestampText.append(values[row], to: &text)
                return .done
            }
        case .json: return column.reinterpreted(as: type)
        }
    }

    private func fromBool(
        _ arguments: StrictArguments, _ values: Span<UInt8>, _ frame: inout Frame
    ) -> Column {
        switch type {
        case .int:
            return arguments.int64s(.int, &frame, failure: { _ in "" }) { Int64(values[$0]) }
        case .float:
            return arguments.doubles(&frame, failure: { _ in "" }) { Double(values[$0]) }
        default:
            return arguments.texts(&frame) { row, text in
                text.append(contentsOf: (values[row] == 1 ? "TRUE" : "FALSE").utf8)
                return .done
            }
        }
    }

    private func fromInt(
        _ arguments: StrictArguments, _ values: Span<Int64>, _ frame: inout Frame
    ) -> Column {
        switch type {
        case .bool: return arguments.bools(frame) { values[$0] != 0 }
        case .float:
            return arguments.doubles(&frame, failure: { _ in "" }) { Double(values[$0]) }
        default:
            return arguments.texts(&frame) { row, text in
                DecimalText.append(values[row], to: &text)
                return .done
            }
        }
    }

    private func fromFloat(
        _ arguments: StrictArguments, _ values: Span<Double>, _ frame: inout Frame
    ) -> Column {
        if type == .int {
            return ints(arguments, &frame, { "\(values[$0])" }) { row in
                Int64(exactly: values[row].rounded(.towardZero))
            }
        }
        return arguments.texts(&frame) { row, text in
            DecimalText.append(values[row], to: &text)
            return .done
        }
    }

    private func fromString(
        _ arguments: StrictArguments, _ column: Column, _ frame: inout Frame
    ) -> Column {
        let values = column.strings
        let shown = { (row: Int) in CastKernel.shown(column.strings[row]) }
        switch type {
        case .int:
            return ints(arguments, &frame, shown) { row in
                values[row].withUTF8 { DecimalText.parseInt($0) }
            }
        case .timestamp:
            return ints(arguments, &frame, shown) { row in
                values[row].withUTF8 { TimestampText.parse($0) }
            }
        case .bool:
            return bools(arguments, &frame, shown) { row in
                values[row].withUTF8 { DecimalText.parseBool($0) }
            }
        default:
            return floats(arguments, &frame, shown) { row in
                values[row].withUTF8 { DecimalText.parseFloat($0) }
            }
        }
    }

    /// A string as an error message shows it.
    private static func shown(_ view: StringView) -> String {
        let text = view.count > 80 ? view.slice(0..<80).description + "…" : view.description
        return "'\(text)'"
    }

    private func message(_ shown: String) -> String { "cannot cast \(shown) to \(type.name)" }

    /// Notes what could not be converted: as a failure, or as NULL in a TRY_CAST.
    private func finish(
        _ builder: consuming ColumnBuilder, _ arguments: StrictArguments, _ misfits: [Int],
        _ frame: inout Frame, _ shown: (Int) -> String
    ) -> Column {
        if tries {
            builder.setValidity(arguments.validity(withNulls: misfits, frame))
        } else {
            for row in misfits { frame.fail(row, message(shown(row))) }
        }
        return builder.finish(count: frame.rowCount)
    }

    @inline(__always)
    private func ints(
        _ arguments: StrictArguments, _ frame: inout Frame, _ shown: (Int) -> String,
        _ body: (Int) -> Int64?
    ) -> Column {
        var builder = arguments.builder(type, frame)
        var out = builder.int64s
        let misfits = Self.fill(&out, arguments.live, or: 0, body)
        return finish(builder, arguments, misfits, &frame, shown)
    }

    @inline(__always)
    private func floats(
        _ arguments: StrictArguments, _ frame: inout Frame, _ shown: (Int) -> String,
        _ body: (Int) -> Double?
    ) -> Column {
        var builder = arguments.builder(type, frame)
        var out = builder.doubles
        let misfits = Self.fill(&out, arguments.live, or: 0, body)
        return finish(builder, arguments, misfits, &frame, shown)
    }

    @inline(__always)
    private func bools(
        _ arguments: StrictArguments, _ frame: inout Frame, _ shown: (Int) -> String,
        _ body: (Int) -> Bool?
    ) -> Column {
        var builder = arguments.builder(type, frame)
        var out = builder.bools
        let misfits = Self.fill(&out, arguments.live, or: 0) { row in body(row).map { $0 ? 1 : 0 } }
        return finish(builder, arguments, misfits, &frame, shown)
    }

    /// Fills rows, some with `placeholder`; gives those that have no value.
    @inline(__always)
    private static func fill<Value: BitwiseCopyable>(
        _ out: inout MutableSpan<Value>, _ rows: Selection, or placeholder: Value,
        _ body: (Int) -> Value?
    ) -> [Int] {
        var misfits: [Int] = []
        forEachRow(rows) { row in
            let value = body(row)
            out[row] = value ?? placeholder
            if value == nil { misfits.append(row) }
        }
        return misfits
    }
}
