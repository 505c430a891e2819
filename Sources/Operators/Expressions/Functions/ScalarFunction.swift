import Dataflow

/// What a function call computes from its arguments, once names and forms are resolved.
///
/// Every function but `joinWithSeparator` gives NULL for a row in which an argument is NULL.
enum ScalarFunction: Hashable, Sendable {
    // Strings.
    case upper, lower, reverse
    /// (string, characters)
    case trim(leading: Bool, trailing: Bool)
    /// (string, start, length)
    case substring
    /// (string, count)
    case left, right, repeated
    /// (string, length, padding)
    case padLeft, padRight
    /// (string, searched, replacement)
    case replace
    /// (string, separator, index)
    case splitIndex
    /// (string, …)
    case concatenate
    /// (separator, string, …): NULL strings are left out.
    case joinWithSeparator
    /// Whole numbers of strings.
    case length
    /// (searched, string, start)
    case locate
    /// (string, part)
    case startsWith, endsWith
    // Numbers.
    case absolute, floor, ceiling, sign
    /// (number, digits)
    case round, truncate
    case squareRoot, exponential, naturalLogarithm, logarithm2, logarithm10
    /// (base, number)
    case logarithm
    case power
    /// Two or more values of one type.
    case greatest, least
    // Times.
    case extract(TimeUnit)
    case floorTime(TimeUnit)
    case ceilingTime(TimeUnit)
    /// (count, time)
    case addTime(TimeUnit)
    /// (start, end)
    case timeDifference(TimeUnit)
    case shift(Interval)
    /// A number with that many decimal digits of a second.
    case timeFromNumber(digits: Int)
    case timeFromText
    case formatTime(DatePattern)
}

/// A function as users write it.
struct FunctionSignature: Sendable {
    /// What an argument must be.
    enum Parameter: Sendable {
        case string, int
        /// An int or float, as it is.
        case number
        /// A float; an int is widened.
        case float
        case timestamp
    }

    /// The type of the result.
    enum Result: Sendable {
        case type(FieldType)
        case ofFirstArgument
    }

    let name: String
    let parameters: [Parameter]
    /// Stand for arguments that are not given, from the last backwards.
    let defaults: [Constant]
    /// Whether the last parameter may be repeated.
    let repeats: Bool
    let result: Result
    let function: ScalarFunction
    /// How it is called, for messages.
    let usage: String

    init(
        _ name: String, _ parameters: [Parameter], defaults: [Constant] = [], repeats: Bool = false,
        _ result: Result, _ function: ScalarFunction, _ usage: String
    ) {
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self.repeats = repeats
        self.result = result
        self.function = function
        self.usage = "\(name)(\(usage))"
    }
}

extension FunctionSignature {
    /// All functions that need no rule of their own, by name.
    static let byName: [String: FunctionSignature] = Dictionary(
        uniqueKeysWithValues: (strings + numbers + times).map { ($0.name, $0) })

    private static let strings: [FunctionSignature] = {
        let string = Result.type(.string)
        let int = Result.type(.int)
        let bool = Result.type(.bool)
        return [
            .init("UPPER", [.string], string, .upper, "string"),
            .init("LOWER", [.string], string, .lower, "string"),
            .init("REVERSE", [.string], string, .reverse, "string"),
            trim("TRIM", leading: true, trailing: true),
            trim("LTRIM", leading: true, trailing: false),
            trim("RTRIM", leading: false, trailing: true),
            substring("SUBSTRING"), substring("SUBSTR"),
            .init("LEFT", [.string, .int], string, .left, "string, count"),
            .init("RIGHT", [.string, .int], string, .right, "string, count"),
            .init("REPEAT", [.string, .int], string, .repeated, "string, count"),
            .init(
                "LPAD", [.string, .int, .string], string, .padLeft, "string, length, padding"),
            .init(
                "RPAD", [.string, .int, .string], string, .padRight, "string, length, padding"),
            .init(
                "REPLACE", [.string, .string, .string], string, .replace,
                "string, searched, replacement"),
            .init(
                "SPLIT_INDEX", [.string, .string, .int], string, .splitIndex,
                "string, separator, index"),
            .init("CONCAT", [.string], repeats: true, string, .concatenate, "string, …"),
            .init(
                "CONCAT_WS", [.string, .string], repeats: true, string, .joinWithSeparator,
                "separator, string, …"),
            .init("CHAR_LENGTH", [.string], int, .length, "string"),
            .init("CHARACTER_LENGTH", [.string], int, .length, "string"),
            .init("LENGTH", [.string], int, .length, "string"),
            .init(
                "LOCATE", [.string, .string, .int], defaults: [.int(1)], int, .locate,
                "searched, string [, start]"),
            .init("STARTSWITH", [.string, .string], bool, .startsWith, "string, part"),
            .init("ENDSWITH", [.string, .string], bool, .endsWith, "string, part"),
        ]
    }()

    private static func trim(_ name: String, leading: Bool, trailing: Bool) -> FunctionSignature {
        FunctionSignature(
            name, [.string, .string], defaults: [.string(" ")], .type(.string),
            .trim(leading: leading, trailing: trailing), "string [, characters]")
    }

    private static func substring(_ name: String) -> FunctionSignature {
        FunctionSignature(
            name, [.string, .int, .int], defaults: [.int(.max)], .type(.string), .substring,
            "string, start [, length]")
    }

    private static let numbers: [FunctionSignature] = {
        let float = Result.type(.float)
        return [
            .init("ABS", [.number], .ofFirstArgument, .absolute, "number"),
            .init("FLOOR", [.number], .ofFirstArgument, .floor, "number"),
            .init("CEIL", [.number], .ofFirstArgument, .ceiling, "number"),
            .init("CEILING", [.number], .ofFirstArgument, .ceiling, "number"),
            .init("SIGN", [.number], .ofFirstArgument, .sign, "number"),
            .init(
                "ROUND", [.number, .int], defaults: [.int(0)], .ofFirstArgument, .round,
                "number [, digits]"),
            .init(
                "TRUNCATE", [.number, .int], defaults: [.int(0)], .ofFirstArgument, .truncate,
                "number [, digits]"),
            .init("SQRT", [.float], float, .squareRoot, "number"),
            .init("POWER", [.float, .float], float, .power, "base, exponent"),
            .init("EXP", [.float], float, .exponential, "number"),
            .init("LN", [.float], float, .naturalLogarithm, "number"),
            .init("LOG2", [.float], float, .logarithm2, "number"),
            .init("LOG10", [.float], float, .logarithm10, "number"),
        ]
    }()

    private static let times: [FunctionSignature] = {
        let units: [(String, TimeUnit)] = [
            ("YEAR", .year), ("QUARTER", .quarter), ("MONTH", .month), ("WEEK", .week),
            ("DAYOFYEAR", .dayOfYear), ("DAYOFMONTH", .day), ("DAYOFWEEK", .dayOfWeek),
            ("HOUR", .hour), ("MINUTE", .minute), ("SECOND", .second),
        ]
        let parts = units.map { name, unit in
            FunctionSignature(name, [.timestamp], .type(.int), .extract(unit), "timestamp")
        }
        return parts + [
            .init("TO_TIMESTAMP", [.string], .type(.timestamp), .timeFromText, "string")
        ]
    }()
}
