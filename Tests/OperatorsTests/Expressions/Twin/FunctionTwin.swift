import Dataflow
import Glibc
import Operators

/// CAST by the standard library's own conversions.
enum CastTwin {
    struct Misfit: Error {}

    static func cast(_ value: Constant, to type: FieldType) throws -> Constant {
        if value.type == type { return value }
        switch (value, type) {
        case (.null, _): return .null
        case (.bool(let bool), .int): return .int(bool ? 1 : 0)
        case (.bool(let bool), .float): return .float(bool ? 1 : 0)
        case (.bool(let bool), _): return .string(bool ? "TRUE" : "FALSE")
        case (.int(let number), .bool): return .bool(number != 0)
        case (.int(let number), .float): return .float(Double(number))
        case (.int(let number), _): return .string("\(number)")
        case (.float(let number), .int):
            guard number > -9.3e18, number < 9.2e18 else { throw Misfit() }
            return .int(Int64(number))
        case (.float(let number), _): return .string("\(number)")
        case (.timestamp(let time), _): return .string(TimeTwin.text(time))
        case (.string(let text), .int):
            // A fraction of digits is cut off.
            let parts = trimmed(text).split(
                separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let fraction = parts.count > 1 ? parts[1] : ""
            guard fraction.allSatisfy({ "0"..."9" ~= $0 }),
                trimmed(text).contains(where: \.isNumber),
                let number = Int64(
                    parts[0].allSatisfy({ "+-".contains($0) }) ? parts[0] + "0" : parts[0])
            else { throw Misfit() }
            return .int(number)
        case (.string(let text), .float):
            guard let number = Double(trimmed(text)) else { throw Misfit() }
            return .float(number)
        default: throw Misfit()
        }
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

/// Functions by the obvious code.
enum FunctionTwin {
    static func call(_ name: String, _ values: [Constant], as type: FieldType) throws -> Constant {
        if name == "CONCAT_WS" { return joined(values) }
        if values.contains(.null) { return .null }
        let texts = values.map { if case .string(let text) = $0 { text } else { "" } }
        let ints = values.map { (value: Constant) -> Int64 in
            switch value {
            case .int(let number), .timestamp(let number): number
            default: 0
            }
        }
        let floats = values.map {
            if case .float(let number) = ExpressionTwin.widened($0, to: .float) {
                number
            } else {
                0.0
            }
        }
        switch type {
        case .string: return text(name, texts, ints)
        case .bool:
            return .bool(
                name == "STARTSWITH"
                    ? texts[0].utf8.starts(with: texts[1].utf8)
                    : texts[0].utf8.reversed().starts(with: texts[1].utf8.reversed()))
        case .timestamp: return .timestamp(time(name, ints))
        case .float: return try float(name, floats)
        default: return try int(name, values, texts, ints)
        }
    }

    private static func joined(_ values: [Constant]) -> Constant {
        guard case .string(let separator) = values[0] else { return .null }
        let parts = values.dropFirst().compactMap { value -> String? in
            if case .string(let text) = value { text } else { nil }
        }
        return .string(parts.joined(separator: separator))
    }

    private static func text(_ name: String, _ texts: [String], _ ints: [Int64]) -> Constant {
        let scalars = Array(texts[0].unicodeScalars)
        func string(_ scalars: some Sequence<Unicode.Scalar>) -> Constant {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            return .string(String(view))
        }
        switch name {
        case "UPPER": return .string(texts[0].uppercased())
        case "LOWER": return .string(texts[0].lowercased())
        case "REVERSE": return string(scalars.reversed())
        case "CONCAT", "||": return .string(texts.joined())
        case "LEFT": return string(scalars.prefix(Int(max(ints[1], 0))))
        case "RIGHT": return string(scalars.suffix(Int(max(ints[1], 0))))
        case "REPEAT": return .string(String(repeating: texts[0], count: Int(max(ints[1], 0))))
        case "TRIM", "LTRIM", "RTRIM":
            var rest = scalars[...]
            let set = texts[1].unicodeScalars
            while name != "RTRIM", let first = rest.first, set.contains(first) {
                rest.removeFirst()
            }
            while name != "LTRIM", let last = rest.last, set.contains(last) { rest.removeLast() }
            return string(rest)
        case "SUBSTRING":
            let length = ints.count > 2 ? ints[2] : Int64(scalars.count)
            if length < 0 { return .null }
            var start = ints[1] > 0 ? Int(ints[1]) - 1 : 0
            if ints[1] < 0 {
                start = scalars.count + Int(ints[1])
                if start < 0 { return .string("") }
            }
            return string(scalars.dropFirst(start).prefix(Int(length)))
        case "LPAD", "RPAD":
            let padding = Array(texts[2].unicodeScalars)
            if ints[1] < 0 || padding.isEmpty { return .null }
            let missing = max(Int(ints[1]) - scalars.count, 0)
            let filling = (0..<missing).map { padding[$0 % padding.count] }
            let kept = Array(scalars.prefix(Int(ints[1])))
            return string(name == "LPAD" ? filling + kept : kept + filling)
        case "REPLACE":
            return .string(
                texts[1].isEmpty ? texts[0] : split(texts[0], texts[1]).joined(separator: texts[2]))
        default:
            if texts[0].isEmpty { return .null }
            let parts = texts[1].isEmpty ? [texts[0]] : split(texts[0], texts[1])
            return ints[2] >= 0 && ints[2] < parts.count ? .string(parts[Int(ints[2])]) : .null
        }
    }

    private static func split(_ text: String, _ separator: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var rest = Array(text.utf8)[...]
        let mark = Array(separator.utf8)
        while !rest.isEmpty {
            if rest.starts(with: mark) {
                rest = rest.dropFirst(mark.count)
                parts.append([])
            } else {
                parts[parts.count - 1].append(rest.removeFirst())
            }
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func int(
        _ name: String, _ values: [Constant], _ texts: [String], _ ints: [Int64]
    ) throws -> Constant {
        let words = name.split(separator: " ").map(String.init)
        switch words[0] {
        case "EXTRACT": return .int(TimeTwin(ints[0]).part(words[1]))
        case "TIMESTAMPDIFF": return .int(TimeTwin.difference(words[1], ints[0], ints[1]))
        case "LENGTH", "CHAR_LENGTH": return .int(Int64(texts[0].unicodeScalars.count))
        case "LOCATE":
            let text = Array(texts[1].unicodeScalars)
            let part = Array(texts[0].unicodeScalars)
            guard ints[2] > 0, ints[2] - 1 + Int64(part.count) <= text.count else { return .int(0) }
            for start in Int(ints[2] - 1)...(text.count - part.count)
            where Array(text[start..<start + part.count]) == part {
                return .int(Int64(start + 1))
            }
            return .int(0)
        case "ABS":
            if ints[0] == .min { throw ExpressionTwin.Failure() }
            return .int(ints[0] < 0 ? -ints[0] : ints[0])
        case "SIGN": return .int(ints[0] < 0 ? -1 : ints[0] > 0 ? 1 : 0)
        case "GREATEST": return .int(ints.max() ?? 0)
        case "LEAST": return .int(ints.min() ?? 0)
        case "MOD": return try ExpressionTwin.calculate("%", values[0], values[1], as: .int)
        default: return values[0]
        }
    }

    private static func float(_ name: String, _ floats: [Double]) throws -> Constant {
        let x = floats[0]
        let value =
            switch name {
            case "ABS": x < 0 ? -x : x
            case "FLOOR": x.rounded(.down)
            case "CEIL": x.rounded(.up)
            case "SIGN": x < 0 ? -1.0 : x > 0 ? 1 : 0
            case "SQRT": x.squareRoot()
            case "POWER": pow(x, floats[1])
            case "LN": log(x)
            case "EXP": exp(x)
            case "GREATEST": floats.max() ?? 0
            default: floats.min() ?? 0
            }
        guard value.isFinite else { throw ExpressionTwin.Failure() }
        return .float(value)
    }

    private static func time(_ name: String, _ ints: [Int64]) -> Int64 {
        let words = name.split(separator: " ").map(String.init)
        let unit = words.count > 1 ? words[1] : ""
        switch words[0] {
        case "FLOOR": return TimeTwin(ints[0]).floored(unit)
        case "CEIL":
            let start = TimeTwin(ints[0]).floored(unit)
            return start == ints[0] ? start : TimeTwin(start).adding(1, unit)
        case "PLUS": return TimeTwin(ints[0]).adding(7, unit)
        case "MINUS": return TimeTwin(ints[0]).adding(-3, unit)
        case "TIMESTAMPADD": return TimeTwin(ints[1]).adding(ints[0], unit)
        case "GREATEST": return ints.max() ?? 0
        default: return ints.min() ?? 0
        }
    }
}
