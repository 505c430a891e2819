/// Function calls, of which some have a syntax of their own.
extension Parser {
    mutating func call() throws(ExpressionError) -> SyntaxNode {
        let offset = token.offset
        guard let name = token.keyword else { throw unexpected("a function") }
        advance()
        try expect("(")
        let kind: SyntaxNode.Kind
        switch name {
        case "EXTRACT":
            let unit = try timeUnit()
            try expect(keyword: "FROM")
            kind = .call(name, [try expression()], unit: unit)
        case "TIMESTAMPADD", "TIMESTAMPDIFF":
            let unit = try timeUnit()
            try expect(",")
            let first = try expression()
            try expect(",")
            kind = .call(name, [first, try expression()], unit: unit)
        case "FLOOR", "CEIL", "CEILING": kind = try rounding(name)
        case "TRIM": kind = try trim()
        case "POSITION":
            let needle = try expression(.sum)
            try expect(keyword: "IN")
            kind = .call(name, [needle, try expression()], unit: nil)
        case "SUBSTRING": kind = try substring(name)
        default: kind = .call(name, try arguments(), unit: nil)
        }
        try expect(")")
        return try node(kind, at: offset)
    }

    private mutating func arguments() throws(ExpressionError) -> [SyntaxNode] {
        if token.kind == .sign(")") { return [] }
        var arguments: [SyntaxNode] = []
        repeat { arguments.append(try expression()) } while take(",")
        return arguments
    }

    /// FLOOR(x) or FLOOR(time TO unit).
    private mutating func rounding(_ name: String) throws(ExpressionError) -> SyntaxNode.Kind {
        let arguments = try arguments()
        guard arguments.count == 1, take(keyword: "TO") else {
            return .call(name, arguments, unit: nil)
        }
        return .call(name, arguments, unit: try timeUnit())
    }

    /// TRIM(x), TRIM(x, characters) or TRIM([BOTH | LEADING | TRAILING] [characters] FROM x).
    private mutating func trim() throws(ExpressionError) -> SyntaxNode.Kind {
        var name = "TRIM"
        var hasSide = false
        if let keyword = token.keyword, let side = Parser.trimSides[keyword],
            peek(1).kind != .sign(","), peek(1).kind != .sign(")")
        {
            advance()
            name = side
            hasSide = true
        }
        if take(keyword: "FROM") { return .call(name, [try expression()], unit: nil) }
        let first = try expression()
        if take(keyword: "FROM") { return .call(name, [try expression(), first], unit: nil) }
        if hasSide { throw unexpected("FROM") }
        return take(",")
            ? .call(name, [first, try expression()], unit: nil) : .call(name, [first], unit: nil)
    }

    private static let trimSides = ["BOTH": "TRIM", "LEADING": "LTRIM", "TRAILING": "RTRIM"]

    /// SUBSTRING(x, start [, length]) or SUBSTRING(x FROM start [FOR length]).
    private mutating func substring(_ name: String) throws(ExpressionError) -> SyntaxNode.Kind {
        let text = try expression()
        guard take(keyword: "FROM") else {
            return take(",")
                ? .call(name, [text] + (try arguments()), unit: nil)
                : .call(name, [text], unit: nil)
        }
        let start = try expression()
        guard take(keyword: "FOR") else { return .call(name, [text, start], unit: nil) }
        return .call(name, [text, start, try expression()], unit: nil)
    }
}
