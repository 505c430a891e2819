import Dataflow

/// Reads the tokens of an expression into a tree, by precedence climbing.
///
/// From weakest to strongest, as in Flink SQL: OR; AND; NOT; IS; comparisons; BETWEEN, IN, LIKE;
/// + -; * / % ||; unary minus. It stops at the first mistake. Depth and length are bounded, so that
/// no text can exhaust the stack.
struct Parser {
    /// Levels that an expression may be nested.
    static let depthMax = 200
    /// Bytes of an expression's text.
    static let textBytesMax = 64 << 10

    private let tokens: [Token]
    private var position = 0
    private var depth = 0

    /// How strongly operators bind.
    enum Strength: Int, Comparable {
        case or, and, not, test, comparison, predicate, sum, product, unary

        static func < (a: Strength, b: Strength) -> Bool { a.rawValue < b.rawValue }
        var next: Strength { Strength(rawValue: rawValue + 1) ?? .unary }
    }

    init(_ text: String) throws(ExpressionError) {
        guard text.utf8.count <= Parser.textBytesMax else {
            throw ExpressionError(
                offset: Parser.textBytesMax,
                message: "an expression has \(Parser.textBytesMax) bytes at most")
        }
        tokens = try Lexer.tokens(of: text)
    }

    var token: Token { tokens[position] }

    func peek(_ distance: Int) -> Token { tokens[min(position + distance, tokens.count - 1)] }

    mutating func advance() {
        if position < tokens.count - 1 { position += 1 }
    }

    /// Takes the sign if it is next.
    mutating func take(_ sign: String) -> Bool {
        guard token.kind == .sign(sign) else { return false }
        advance()
        return true
    }

    /// Takes the keyword if it is next.
    mutating func take(keyword: String) -> Bool {
        guard token.keyword == keyword else { return false }
        advance()
        return true
    }

    mutating func expect(_ sign: String) throws(ExpressionError) {
        guard take(sign) else { throw unexpected("'\(sign)'") }
    }

    mutating func expect(keyword: String) throws(ExpressionError) {
        guard take(keyword: keyword) else { throw unexpected(keyword) }
    }

    /// The error that something else should stand here.
    func unexpected(_ wanted: String) -> ExpressionError {
        ExpressionError(
            offset: token.offset, message: "expected \(wanted) but found \(token.description)")
    }

    mutating func expectEnd() throws(ExpressionError) {
        guard token.kind == .end else { throw unexpected("an operator or the end") }
    }

    /// A node, unless it would be too deep.
    func node(_ kind: SyntaxNode.Kind, at offset: Int) throws(ExpressionError) -> SyntaxNode {
        let node = SyntaxNode(kind, offset: offset)
        if node.depth > Parser.depthMax { throw tooDeep(at: offset) }
        return node
    }

    private func tooDeep(at offset: Int) -> ExpressionError {
        ExpressionError(
            offset: offset,
            message: "an expression is nested \(Parser.depthMax) levels deep at most")
    }

    /// Parses what binds at least as strongly as `strength`.
    mutating func expression(_ strength: Strength = .or) throws(ExpressionError) -> SyntaxNode {
        depth += 1
        defer { depth -= 1 }
        if depth > Parser.depthMax { throw tooDeep(at: token.offset) }
        var left = try prefix(strength)
        while let joined = try infix(left, strength) { left = joined }
        return left
    }

    private mutating func prefix(_ strength: Strength) throws(ExpressionError) -> SyntaxNode {
        let start = token
        if start.keyword == "NOT" {
            guard strength <= .not else {
                throw ExpressionError(
                    offset: start.offset, message: "NOT needs parentheses around it here")
            }
            advance()
            return try node(.not(try expression(.not)), at: start.offset)
        }
        if take("-") {
            if case .integer(let magnitude) = token.kind, magnitude == 1 << 63 {
                advance()
                return try node(.constant(.int(.min)), at: start.offset)
            }
            return try node(.negate(try expression(.unary)), at: start.offset)
        }
        if take("+") { return try expression(.unary) }
        return try primary()
    }

    /// Joins `left` with what follows, if that binds strongly enough.
    private mutating func infix(
        _ left: SyntaxNode, _ strength: Strength
    ) throws(ExpressionError) -> SyntaxNode? {
        if case .sign(let sign) = token.kind {
            guard let (symbol, binding) = Parser.operators[sign], binding >= strength else {
                return nil
            }
            let offset = token.offset
            advance()
            let right = try expression(binding.next)
            return try node(.binary(symbol, at: offset, left, right), at: left.offset)
        }
        switch token.keyword {
        case "OR": return try logic(.or, .or, left, strength)
        case "AND": return try logic(.and, .and, left, strength)
        case "IS": return strength <= .test ? try test(left) : nil
        case "NOT", "BETWEEN", "IN", "LIKE":
            return strength <= .predicate ? try predicate(left) : nil
        default: return nil
        }
    }

    private static let operators: [String: (BinaryOperator, Strength)] = [
        "=": (.equal, .comparison), "<>": (.notEqual, .comparison), "!=": (.notEqual, .comparison),
        "<": (.less, .comparison), "<=": (.lessOrEqual, .comparison),
        ">": (.greater, .comparison), ">=": (.greaterOrEqual, .comparison),
        "+": (.add, .sum), "-": (.subtract, .sum), "*": (.multiply, .product),
        "/": (.divide, .product), "%": (.remainder, .product), "||": (.concatenate, .product),
    ]

    /// Collects a whole chain of ANDs or ORs into one node, however long.
    private mutating func logic(
        _ symbol: LogicOperator, _ binding: Strength, _ left: SyntaxNode, _ strength: Strength
    ) throws(ExpressionError) -> SyntaxNode? {
        guard binding >= strength else { return nil }
        var operands = [left]
        while take(keyword: symbol.rawValue) { operands.append(try expression(binding.next)) }
        return try node(.logic(symbol, operands), at: left.offset)
    }

    private mutating func test(_ left: SyntaxNode) throws(ExpressionError) -> SyntaxNode {
        advance()
        let negated = take(keyword: "NOT")
        let test: TruthTest
        switch token.keyword {
        case "NULL": test = .null
        case "TRUE": test = .true
        case "FALSE": test = .false
        default: throw unexpected(negated ? "NULL, TRUE or FALSE" : "NOT, NULL, TRUE or FALSE")
        }
        advance()
        return try node(.test(left, test, negated: negated), at: left.offset)
    }

    private mutating func predicate(_ left: SyntaxNode) throws(ExpressionError) -> SyntaxNode {
        let negated = take(keyword: "NOT")
        if take(keyword: "BETWEEN") {
            let low = try expression(.sum)
            try expect(keyword: "AND")
            let high = try expression(.sum)
            return try node(
                .between(left, low: low, high: high, negated: negated), at: left.offset)
        }
        if take(keyword: "IN") {
            try expect("(")
            var list: [SyntaxNode] = []
            repeat { list.append(try expression()) } while take(",")
            try expect(")")
            return try node(.among(left, list, negated: negated), at: left.offset)
        }
        guard take(keyword: "LIKE") else { throw unexpected("BETWEEN, IN or LIKE") }
        let pattern = try expression(.sum)
        let escape = take(keyword: "ESCAPE") ? try expression(.sum) : nil
        return try node(
            .like(left, pattern: pattern, escape: escape, negated: negated), at: left.offset)
    }
}
