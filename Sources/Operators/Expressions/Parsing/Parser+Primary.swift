import Dataflow

/// Literals, names, brackets, CASE and CAST.
extension Parser {
    mutating func primary() throws(ExpressionError) -> SyntaxNode {
        let start = token
        switch start.kind {
        case .integer(let magnitude):
            guard let value = Int64(exactly: magnitude) else {
                throw ExpressionError(
                    offset: start.offset, message: "\(magnitude) is beyond the 64 bits of an int")
            }
            advance()
            return try node(.constant(.int(value)), at: start.offset)
        case .float(let value):
            advance()
            return try node(.constant(.float(value)), at: start.offset)
        case .string(let text):
            advance()
            return try node(.constant(.string(text)), at: start.offset)
        case .sign("("):
            advance()
            let inner = try expression()
            try expect(")")
            return inner
        case .quoted: return try fieldName()
        case .word: return try word()
        case .sign, .end: throw unexpected("a value")
        }
    }

    private mutating func word() throws(ExpressionError) -> SyntaxNode {
        let start = token
        switch start.keyword {
        case "NULL": return try literal(.null)
        case "TRUE": return try literal(.bool(true))
        case "FALSE": return try literal(.bool(false))
        case "CASE": return try conditional()
        case "CAST", "TRY_CAST": return try cast()
        case "TIMESTAMP", "INTERVAL":
            if case .string(let text) = peek(1).kind {
                return start.keyword == "INTERVAL" ? try interval(text) : try timestamp(text)
            }
        default: break
        }
        if let keyword = start.keyword, Token.reservedWords.contains(keyword) {
            throw ExpressionError(
                offset: start.offset,
                message: "expected a value but found the keyword \(keyword); a field of that name "
                    + "is written in double quotes")
        }
        return peek(1).kind == .sign("(") ? try call() : try fieldName()
    }

    private mutating func literal(_ constant: Constant) throws(ExpressionError) -> SyntaxNode {
        let offset = token.offset
        advance()
        return try node(.constant(constant), at: offset)
    }

    /// A name of one or more parts with dots between them.
    private mutating func fieldName() throws(ExpressionError) -> SyntaxNode {
        let offset = token.offset
        var name = ""
        while true {
            switch token.kind {
            case .word(let part), .quoted(let part): name += part
            default: throw unexpected("the name of a field behind '.'")
            }
            advance()
            guard take(".") else { break }
            name += "."
        }
        return try node(.field(name), at: offset)
    }

    private mutating func timestamp(_ text: String) throws(ExpressionError) -> SyntaxNode {
        let start = token.offset
        advance()
        guard let time = TimestampText.parse(text) else {
            throw ExpressionError(
                offset: token.offset,
                message: "a timestamp is written as in TIMESTAMP '2026-01-31 23:59:59.5'")
        }
        advance()
        return try node(.constant(.timestamp(time)), at: start)
    }

    private mutating func interval(_ text: String) throws(ExpressionError) -> SyntaxNode {
        let start = token.offset
        advance()
        let textOffset = token.offset
        advance()
        let unit = try timeUnit()
        guard let interval = unit.interval(text) else {
            throw ExpressionError(
                offset: textOffset, message: "an interval is written as in INTERVAL '5' MINUTE")
        }
        return try node(.interval(interval), at: start)
    }

    /// Takes a unit of time.
    mutating func timeUnit() throws(ExpressionError) -> TimeUnit {
        guard let keyword = token.keyword, let unit = TimeUnit(keyword: keyword) else {
            let nearest = token.keyword.flatMap {
                NearestName.find($0, among: TimeUnit.allCases.map(\.rawValue))
            }
            let error = unexpected("a unit of time (such as HOUR)")
            throw ExpressionError(
                offset: error.offset,
                message: error.message + (nearest.map { "; did you mean \($0)?" } ?? ""))
        }
        advance()
        return unit
    }

    private mutating func conditional() throws(ExpressionError) -> SyntaxNode {
        let offset = token.offset
        advance()
        let subject = token.keyword == "WHEN" ? nil : try expression()
        var branches: [SyntaxNode.Branch] = []
        try expect(keyword: "WHEN")
        repeat {
            let condition = try expression()
            try expect(keyword: "THEN")
            branches.append(SyntaxNode.Branch(condition: condition, value: try expression()))
        } while take(keyword: "WHEN")
        let otherwise = take(keyword: "ELSE") ? try expression() : nil
        guard take(keyword: "END") else {
            throw unexpected(otherwise == nil ? "WHEN, ELSE or END" : "END")
        }
        return try node(
            .conditional(subject: subject, branches, otherwise: otherwise), at: offset)
    }

    private mutating func cast() throws(ExpressionError) -> SyntaxNode {
        let offset = token.offset
        let tries = token.keyword == "TRY_CAST"
        advance()
        try expect("(")
        let operand = try expression()
        try expect(keyword: "AS")
        let type = try typeName()
        try expect(")")
        return try node(.cast(operand, to: type, tries: tries), at: offset)
    }

    private mutating func typeName() throws(ExpressionError) -> FieldType {
        let start = token
        guard let keyword = start.keyword, let type = Parser.typeNames[keyword] else {
            let error = unexpected("a type")
            let nearest = start.keyword.flatMap {
                NearestName.find($0, among: Array(Parser.typeNames.keys))
            }
            throw ExpressionError(
                offset: error.offset,
                message: error.message
                    + (nearest.map { "; did you mean \($0)?" }
                        ?? "; the types are bool, int, float, string and timestamp"))
        }
        advance()
        if keyword == "DOUBLE" { _ = take(keyword: "PRECISION") }
        if keyword.hasPrefix("TIMESTAMP"), take("(") {
            guard case .integer(0...9) = token.kind else {
                throw unexpected("a precision of 0 to 9")
            }
            advance()
            try expect(")")
        }
        return type
    }

    private static let typeNames: [String: FieldType] = [
        "BOOL": .bool, "BOOLEAN": .bool, "INT": .int, "INTEGER": .int, "BIGINT": .int,
        "FLOAT": .float, "DOUBLE": .float, "STRING": .string, "VARCHAR": .string,
        "TIMESTAMP": .timestamp, "TIMESTAMP_LTZ": .timestamp,
    ]
}
