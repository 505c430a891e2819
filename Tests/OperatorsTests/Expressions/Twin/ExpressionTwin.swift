import Dataflow
import Operators

/// An expression that is interpreted row by row, in the most obvious way; and its SQL.
indirect enum ExpressionTwin {
    case literal(Constant, FieldType)
    case field(Int, FieldType)
    case arithmetic(String, ExpressionTwin, ExpressionTwin)
    case negate(ExpressionTwin)
    case compare(String, ExpressionTwin, ExpressionTwin)
    case and([ExpressionTwin])
    case or([ExpressionTwin])
    case not(ExpressionTwin)
    case isNull(ExpressionTwin, negated: Bool)
    case isTruth(ExpressionTwin, Bool, negated: Bool)
    case between(ExpressionTwin, ExpressionTwin, ExpressionTwin, negated: Bool)
    case among(ExpressionTwin, [ExpressionTwin], negated: Bool)
    case like(ExpressionTwin, String)
    case choice([(ExpressionTwin, ExpressionTwin)], otherwise: ExpressionTwin?)
    case match(ExpressionTwin, [(ExpressionTwin, ExpressionTwin)], otherwise: ExpressionTwin?)
    case coalesce([ExpressionTwin])
    case nullIf(ExpressionTwin, ExpressionTwin)
    case cast(ExpressionTwin, FieldType, tries: Bool)
    case call(String, [ExpressionTwin], FieldType)

    /// The row has no value.
    struct Failure: Error {}

    typealias Row = [Constant]

    var type: FieldType {
        switch self {
        case .literal(_, let type), .field(_, let type), .cast(_, let type, _),
            .call(_, _, let type):
            return type
        case .arithmetic(_, let a, let b):
            return a.type == .float || b.type == .float ? .float : .int
        case .negate(let a), .nullIf(let a, _): return a.type
        case .choice(let branches, let otherwise), .match(_, let branches, let otherwise):
            return ExpressionTwin.common(
                branches.map(\.1.type) + (otherwise.map { [$0.type] } ?? []))
        case .coalesce(let list): return ExpressionTwin.common(list.map(\.type))
        default: return .bool
        }
    }

    private static func common(_ types: [FieldType]) -> FieldType {
        types.contains(.float) ? .float : types[0]
    }

    /// The value for a row.
    func value(_ row: Row) throws -> Constant {
        switch self {
        case .literal(let value, _): return value
        case .field(let index, _): return row[index]
        case .arithmetic(let symbol, let a, let b):
            return try Self.calculate(symbol, try a.value(row), try b.value(row), as: type)
        case .negate(let a):
            switch try a.value(row) {
            case .int(let value):
                if value == .min { throw Failure() }
                return .int(-value)
            case .float(let value): return .float(-value)
            default: return .null
            }
        case .compare(let symbol, let a, let b):
            return Self.compared(symbol, try a.value(row), try b.value(row))
        case .and(let list): return try Self.logic(list, row, decisive: false)
        case .or(let list): return try Self.logic(list, row, decisive: true)
        case .not(let a):
            if case .bool(let value) = try a.value(row) { return .bool(!value) }
            return .null
        case .isNull(let a, let negated): return .bool((try a.value(row) == .null) != negated)
        case .isTruth(let a, let truth, let negated):
            return .bool((try a.holds(row, truth)) != negated)
        case .between, .among:
            return try lowered.value(row)
        case .like(let a, let pattern):
            guard case .string(let text) = try a.value(row) else { return .null }
            return .bool(
                LikeTwin.matches(
                    Array(text.unicodeScalars)[...], Array(pattern.unicodeScalars)[...]))
        case .choice(let branches, let otherwise):
            for (condition, value) in branches where try condition.holds(row, true) {
                return Self.widened(try value.value(row), to: type)
            }
            return Self.widened(try otherwise?.value(row) ?? .null, to: type)
        case .match(let subject, let branches, let otherwise):
            _ = try subject.value(row)
            let lowered = branches.map { (ExpressionTwin.compare("=", subject, $0.0), $0.1) }
            return try ExpressionTwin.choice(lowered, otherwise: otherwise).value(row)
        case .coalesce(let list):
            for item in list {
                let value = try item.value(row)
                if value != .null { return Self.widened(value, to: type) }
            }
            return .null
        case .nullIf(let a, let b):
            let value = try a.value(row)
            return Self.compared("=", value, try b.value(row)) == .bool(true) ? .null : value
        case .cast(let a, let type, let tries):
            do { return try CastTwin.cast(try a.value(row), to: type) } catch let error
                as CastTwin.Misfit
            {
                if tries { return .null }
                _ = error
                throw Failure()
            }
        case .call(let name, let arguments, _):
            return try FunctionTwin.call(name, try arguments.map { try $0.value(row) }, as: type)
        }
    }

    /// Whether a condition has that truth value: what is not needed for the answer is not computed.
    func holds(_ row: Row, _ truth: Bool) throws -> Bool {
        switch self {
        case .and(let list):
            return truth
                ? try list.allSatisfy { try $0.holds(row, true) }
                : try list.contains { try $0.holds(row, false) }
        case .or(let list):
            return truth
                ? try list.contains { try $0.holds(row, true) }
                : try list.allSatisfy { try $0.holds(row, false) }
        case .not(let a): return try a.holds(row, !truth)
        case .isTruth(let a, let wanted, let negated):
            return ((try a.holds(row, wanted)) != negated) == truth
        case .between, .among: return try lowered.holds(row, truth)
        case .choice(let branches, let otherwise):
            for (condition, value) in branches where try condition.holds(row, true) {
                return try value.holds(row, truth)
            }
            return try otherwise?.holds(row, truth) ?? false
        case .match(let subject, let branches, let otherwise):
            _ = try subject.value(row)
            let lowered = branches.map { (ExpressionTwin.compare("=", subject, $0.0), $0.1) }
            return try ExpressionTwin.choice(lowered, otherwise: otherwise).holds(row, truth)
        default: return try value(row) == .bool(truth)
        }
    }

    /// BETWEEN and IN by their definitions.
    private var lowered: ExpressionTwin {
        switch self {
        case .between(let x, let low, let high, let negated):
            let range = ExpressionTwin.and([.compare(">=", x, low), .compare("<=", x, high)])
            return negated ? .not(range) : range
        case .among(let x, let list, let negated):
            let found = ExpressionTwin.or(list.map { .compare("=", x, $0) })
            return negated ? .not(found) : found
        default: return self
        }
    }

    private static func logic(
        _ list: [ExpressionTwin], _ row: Row, decisive: Bool
    ) throws -> Constant {
        var hasNull = false
        for item in list {
            let value = try item.value(row)
            if value == .bool(decisive) { return value }
            hasNull = hasNull || value == .null
        }
        return hasNull ? .null : .bool(!decisive)
    }

    static func widened(_ value: Constant, to type: FieldType) -> Constant {
        if case .int(let number) = value, type == .float { return .float(Double(number)) }
        return value
    }

    static func calculate(
        _ symbol: String, _ a: Constant, _ b: Constant, as type: FieldType
    ) throws -> Constant {
        switch (widened(a, to: type), widened(b, to: type)) {
        case (.int(let x), .int(let y)):
            if (symbol == "/" || symbol == "%") && y == 0 { throw Failure() }
            if symbol == "%" && y == -1 { return .int(0) }
            let (value, overflow) =
                switch symbol {
                case "+": x.addingReportingOverflow(y)
                case "-": x.subtractingReportingOverflow(y)
                case "*": x.multipliedReportingOverflow(by: y)
                case "/": x.dividedReportingOverflow(by: y)
                default: (x % y, false)
                }
            if overflow { throw Failure() }
            return .int(value)
        case (.float(let x), .float(let y)):
            let value =
                switch symbol {
                case "+": x + y
                case "-": x - y
                case "*": x * y
                case "/": x / y
                default: x.truncatingRemainder(dividingBy: y)
                }
            guard value.isFinite else { throw Failure() }
            return .float(value)
        default: return .null
        }
    }

    static func compared(_ symbol: String, _ a: Constant, _ b: Constant) -> Constant {
        let order: Int
        switch (a, b) {
        case (.null, _), (_, .null): return .null
        case (.int(let x), .int(let y)), (.timestamp(let x), .timestamp(let y)):
            order = x < y ? -1 : x > y ? 1 : 0
        case (.bool(let x), .bool(let y)): order = (x ? 1 : 0) - (y ? 1 : 0)
        case (.string(let x), .string(let y)):
            let (left, right) = (Array(x.utf8), Array(y.utf8))
            order = left.lexicographicallyPrecedes(right) ? -1 : left == right ? 0 : 1
        default:
            guard case .float(let x) = widened(a, to: .float),
                case .float(let y) = widened(b, to: .float)
            else { return .null }
            order = x < y ? -1 : x > y ? 1 : 0
        }
        switch symbol {
        case "=": return .bool(order == 0)
        case "<>": return .bool(order != 0)
        case "<": return .bool(order < 0)
        case "<=": return .bool(order <= 0)
        case ">": return .bool(order > 0)
        default: return .bool(order >= 0)
        }
    }
}

/// LIKE by trying everything.
enum LikeTwin {
    static func matches(
        _ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "%" {
            return (0...text.count).contains { matches(text.dropFirst($0), rest) }
        }
        guard let character = text.first, first == "_" || first == character else { return false }
        return matches(text.dropFirst(), rest)
    }
}
