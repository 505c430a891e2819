import Dataflow

/// Arithmetic, comparisons and tests.
extension Checker {
    mutating func negate(_ operand: SyntaxNode) -> TypedNode? {
        guard let checked = check(operand, expecting: .int) else { return nil }
        guard checked.type == .int || checked.type == .float else {
            note(operand.offset, "'-' needs a number, and this is \(Checker.article(checked.type))")
            return nil
        }
        return folded(checked.type, .negate(checked))
    }

    mutating func binary(
        _ symbol: BinaryOperator, at offset: Int, _ left: SyntaxNode, _ right: SyntaxNode
    ) -> TypedNode? {
        if let comparison = symbol.comparison {
            return compare(comparison, at: offset, left, right)
        }
        guard let arithmetic = symbol.arithmetic else {
            let operands = [left, right].map { text($0, "'||' joins strings") }
            return all(operands).map { folded(.string, .call(.concatenate, $0)) }
        }
        if case .interval(let interval) = right.kind, symbol == .add || symbol == .subtract {
            return shift(left, by: interval, backwards: symbol == .subtract, at: right.offset)
        }
        if case .interval(let interval) = left.kind, symbol == .add {
            return shift(right, by: interval, backwards: false, at: left.offset)
        }
        return calculate(arithmetic, at: offset, left, right)
    }

    private mutating func calculate(
        _ symbol: Arithmetic, at offset: Int, _ left: SyntaxNode, _ right: SyntaxNode
    ) -> TypedNode? {
        let count = errors.count
        let numbers = unified([left, right], expecting: .int, mismatchAt: offset) { a, b in
            "'\(symbol.rawValue)' needs two numbers, and these are \(Checker.article(a)) and "
                + Checker.article(b)
        }
        guard let numbers else { return nil }
        let type = numbers[0].type
        guard type == .int || type == .float else {
            if errors.count == count {
                note(offset, Checker.noArithmetic(symbol, type))
            }
            return nil
        }
        return folded(type, .arithmetic(symbol, numbers[0], numbers[1]))
    }

    private static func noArithmetic(_ symbol: Arithmetic, _ type: FieldType) -> String {
        let message = "'\(symbol.rawValue)' needs numbers, and these are \(type.name)s"
        switch (type, symbol) {
        case (.string, .add): return message + "; join strings with ||"
        case (.timestamp, .subtract):
            return message + "; write TIMESTAMPDIFF(SECOND, start, end)"
        default: return message
        }
    }

    private mutating func shift(
        _ time: SyntaxNode, by interval: Interval, backwards: Bool, at offset: Int
    ) -> TypedNode? {
        guard let checked = check(time, expecting: .timestamp) else { return nil }
        guard checked.type == .timestamp else {
            note(
                time.offset,
                "an interval goes with a timestamp, and this is \(Checker.article(checked.type))")
            return nil
        }
        let signed: Interval =
            switch interval {
            case .microseconds(let count): .microseconds(backwards ? 0 &- count : count)
            case .months(let count): .months(backwards ? 0 &- count : count)
            }
        return folded(.timestamp, .call(.shift(signed), [checked]))
    }

    private mutating func compare(
        _ symbol: Comparison, at offset: Int, _ left: SyntaxNode, _ right: SyntaxNode
    ) -> TypedNode? {
        let operands = unified([left, right], expecting: .string, mismatchAt: offset) { a, b in
            Checker.cannotCompare(a, b)
        }
        guard let operands else { return nil }
        guard operands[0].type != .json else {
            note(offset, "a json value cannot be compared; CAST it AS string first")
            return nil
        }
        return folded(.bool, .compare(symbol, operands[0], operands[1]))
    }

    private static func cannotCompare(_ a: FieldType, _ b: FieldType) -> String {
        let message = "cannot compare \(article(a)) with \(article(b))"
        switch (a, b) {
        case (.timestamp, .string), (.string, .timestamp):
            return message + "; write TIMESTAMP '2026-01-31 23:59:59'"
        case (.string, .int), (.int, .string), (.string, .float), (.float, .string):
            return message + "; CAST one of them"
        default: return message
        }
    }

    mutating func test(
        _ operand: SyntaxNode, _ test: TruthTest, _ negated: Bool
    ) -> TypedNode? {
        let checked =
            test == .null
            ? check(operand, expecting: .string)
            : condition(operand, "IS \(test == .true ? "TRUE" : "FALSE") asks about a condition")
        return checked.map { folded(.bool, .test($0, test, negated: negated)) }
    }

    mutating func between(
        _ operand: SyntaxNode, _ low: SyntaxNode, _ high: SyntaxNode, _ negated: Bool,
        at offset: Int
    ) -> TypedNode? {
        let operands = unified([operand, low, high], expecting: .string) { a, b in
            Checker.cannotCompare(a, b)
        }
        guard let operands else { return nil }
        guard operands[0].type != .json else {
            note(offset, "a json value cannot be compared; CAST it AS string first")
            return nil
        }
        let range = sharing(operands[0], .bool) { value in
            TypedNode(
                type: .bool,
                kind: .logic(
                    .and,
                    [
                        TypedNode(type: .bool, kind: .compare(.greaterOrEqual, value, operands[1])),
                        TypedNode(type: .bool, kind: .compare(.lessOrEqual, value, operands[2])),
                    ]))
        }
        return inverted(range, if: negated, constant: operands.allSatisfy { $0.constant != nil })
    }

    /// Lets `body` use a value twice that is computed once.
    mutating func sharing(
        _ value: TypedNode, _ type: FieldType, _ body: (TypedNode) -> TypedNode
    ) -> TypedNode {
        if value.isTrivial { return body(value) }
        let slot = newSlot()
        let use = TypedNode(type: value.type, kind: .slot(slot))
        return TypedNode(type: type, kind: .shared(slot, value, in: body(use)))
    }

    /// NOT, if wanted; and the value, if all parts are constant.
    private func inverted(_ node: TypedNode, if negated: Bool, constant: Bool) -> TypedNode {
        let result = negated ? TypedNode(type: .bool, kind: .not(node)) : node
        guard constant, let value = Evaluator(result).constant() else { return result }
        return TypedNode(type: .bool, kind: .constant(value))
    }

    mutating func among(
        _ operand: SyntaxNode, _ list: [SyntaxNode], _ negated: Bool, at offset: Int
    ) -> TypedNode? {
        let operands = unified([operand] + list, expecting: .string) { a, b in
            Checker.cannotCompare(a, b)
        }
        guard let operands else { return nil }
        guard operands[0].type != .json else {
            note(offset, "a json value cannot be compared; CAST it AS string first")
            return nil
        }
        let constants = operands.dropFirst().compactMap(\.constant).filter { $0 != .null }
        let others = operands.dropFirst().filter { $0.constant.map { $0 == .null } ?? true }
        let found = sharing(operands[0], .bool) { value in
            var choices: [TypedNode] = []
            if !constants.isEmpty {
                choices.append(TypedNode(type: .bool, kind: .among(value, constants)))
            }
            choices += others.map { TypedNode(type: .bool, kind: .compare(.equal, value, $0)) }
            return choices.count == 1
                ? choices[0] : TypedNode(type: .bool, kind: .logic(.or, choices))
        }
        return inverted(found, if: negated, constant: operands.allSatisfy { $0.constant != nil })
    }

    mutating func like(
        _ operand: SyntaxNode, _ pattern: SyntaxNode, _ escape: SyntaxNode?, _ negated: Bool
    ) -> TypedNode? {
        let checked = text(operand, "LIKE needs a string")
        let patternNode = text(pattern, "the pattern of LIKE is a string")
        let escapeNode = escape.map { text($0, "ESCAPE names a character") }
        guard let checked, let patternNode else { return nil }
        var character: Unicode.Scalar?
        if let escape, let escapeNode {
            guard case .constant(.string(let text))? = escapeNode?.kind,
                text.unicodeScalars.count == 1
            else {
                note(escape.offset, "ESCAPE names one character, such as ESCAPE '\\'")
                return nil
            }
            character = text.unicodeScalars.first
        }
        switch patternNode.constant {
        case .string(let text):
            guard let compiled = LikePattern(text, escape: character) else {
                note(pattern.offset, "the escape character stands before %, _ or itself only")
                return nil
            }
            let match = folded(.bool, .like(checked, compiled))
            return negated ? folded(.bool, .not(match)) : match
        case .null: return TypedNode(type: .bool, kind: .constant(.null))
        default:
            note(pattern.offset, "the pattern of LIKE must be a constant")
            return nil
        }
    }

    /// Checks a node that must be a string.
    mutating func text(_ node: SyntaxNode, _ rule: String) -> TypedNode? {
        guard let checked = check(node, expecting: .string) else { return nil }
        guard checked.type == .string else {
            note(
                node.offset,
                "\(rule), and this is \(Checker.article(checked.type)); CAST it AS string")
            return nil
        }
        return checked
    }
}
