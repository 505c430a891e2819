import Dataflow

/// A call of a function.
final class FunctionKernel: Kernel {
    let type: FieldType
    let function: ScalarFunction
    let operands: [any Kernel]

    /// The message for a string that would be too long.
    static let tooLong = "the string would be longer than a string result may be"

    init(_ function: ScalarFunction, _ operands: [any Kernel], type: FieldType) {
        self.function = function
        self.operands = operands
        self.type = type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        if function == .joinWithSeparator { return joinWithSeparator(rows, &frame) }
        let arguments = StrictArguments(operands, rows, &frame)
        switch function {
        case .upper, .lower, .reverse, .repeated, .padLeft, .padRight, .replace, .concatenate,
            .formatTime:
            return newText(arguments, &frame)
        case .trim, .substring, .left, .right, .splitIndex:
            return partOfText(arguments, &frame)
        case .joinWithSeparator, .length, .locate, .startsWith, .endsWith:
            return textMeasure(arguments, &frame)
        case .greatest, .least: return extreme(arguments, frame)
        case .absolute, .floor, .ceiling, .sign, .round, .truncate:
            return type == .int ? intNumber(arguments, &frame) : floatNumber(arguments, &frame)
        case .squareRoot, .exponential, .naturalLogarithm, .logarithm2, .logarithm10, .logarithm,
            .power:
            return transcendental(arguments, &frame)
        case .extract, .floorTime, .ceilingTime, .addTime, .timeDifference, .shift, .timeFromNumber,
            .timeFromText:
            return time(arguments, &frame)
        }
    }
}
