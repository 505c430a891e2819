import Dataflow
import Operators

/// How the twin is written.
extension ExpressionTwin {
    func sql(_ names: [String]) -> String {
        func text(_ item: ExpressionTwin) -> String { item.sql(names) }
        func list(_ items: [ExpressionTwin], _ separator: String) -> String {
            items.map { text($0) }.joined(separator: separator)
        }
        func branches(_ items: [(ExpressionTwin, ExpressionTwin)], _ last: ExpressionTwin?)
            -> String
        {
            items.map { " WHEN \(text($0.0)) THEN \(text($0.1))" }.joined()
                + (last.map { " ELSE \(text($0))" } ?? "") + " END"
        }
        switch self {
        case .literal(let value, let type): return Self.written(value, type)
        case .field(let index, _): return names[index]
        case .arithmetic(let symbol, let a, let b), .compare(let symbol, let a, let b):
            return "(\(text(a)) \(symbol) \(text(b)))"
        case .negate(let a): return "(- \(text(a)))"
        case .and(let items): return "(\(list(items, " AND ")))"
        case .or(let items): return "(\(list(items, " or ")))"
        case .not(let a): return "(NOT \(text(a)))"
        case .isNull(let a, let negated): return "(\(text(a)) IS\(negated ? " NOT" : "") NULL)"
        case .isTruth(let a, let truth, let negated):
            return "(\(text(a)) is\(negated ? " NOT" : "") \(truth ? "TRUE" : "FALSE"))"
        case .between(let x, let low, let high, let negated):
            return "(\(text(x))\(negated ? " NOT" : "") BETWEEN \(text(low)) AND \(text(high)))"
        case .among(let x, let items, let negated):
            return "(\(text(x))\(negated ? " NOT" : "") IN (\(list(items, ", "))))"
        case .like(let a, let pattern):
            return "(\(text(a)) LIKE \(Self.written(.string(pattern), .string)))"
        case .choice(let items, let last): return "CASE\(branches(items, last))"
        case .match(let subject, let items, let last):
            return "CASE \(text(subject))\(branches(items, last))"
        case .coalesce(let items): return "COALESCE(\(list(items, ", ")))"
        case .nullIf(let a, let b): return "NULLIF(\(text(a)), \(text(b)))"
        case .cast(let a, let type, let tries):
            return "\(tries ? "TRY_CAST" : "CAST")(\(text(a)) AS \(type.name))"
        case .call(let name, let items, _): return Self.call(name, items.map { text($0) })
        }
    }

    /// Functions whose unit is part of their name here: "EXTRACT HOUR".
    private static func call(_ name: String, _ arguments: [String]) -> String {
        let words = name.split(separator: " ").map(String.init)
        guard words.count == 2 else {
            return "\(name)(\(arguments.joined(separator: ", ")))"
        }
        switch words[0] {
        case "EXTRACT": return "EXTRACT(\(words[1]) FROM \(arguments[0]))"
        case "FLOOR", "CEIL": return "\(words[0])(\(arguments[0]) TO \(words[1]))"
        case "PLUS": return "(\(arguments[0]) + INTERVAL '7' \(words[1]))"
        case "MINUS": return "(\(arguments[0]) - INTERVAL '3' \(words[1]))"
        default: return "\(words[0])(\(words[1]), \(arguments.joined(separator: ", ")))"
        }
    }

    static func written(_ value: Constant, _ type: FieldType) -> String {
        switch value {
        case .null: return "CAST(NULL AS \(type.name))"
        case .bool(let bool): return bool ? "TRUE" : "false"
        case .int(let number): return number < 0 ? "(\(number))" : "\(number)"
        case .float(let number): return number < 0 ? "(\(number))" : "\(number)"
        case .string(let text):
            return "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'"
        case .timestamp(let time): return "TIMESTAMP '\(TimeTwin.text(time))'"
        }
    }
}
