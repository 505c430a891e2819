import Dataflow

/// Gives every name of an expression a column and every part a type.
///
/// It goes on after a mistake wherever the rest still has a meaning, so that all mistakes come out
/// at once: `check` gives nil only after it has noted an error.
struct Checker {
    let schema: Schema
    private(set) var errors: [ExpressionError] = []
    private var slotCount = 0

    init(schema: Schema) { self.schema = schema }

    mutating func note(_ offset: Int, _ message: String) {
        errors.append(ExpressionError(offset: offset, message: message))
    }

    mutating func newSlot() -> Int {
        slotCount += 1
        return slotCount - 1
    }

    /// Checks a node. `expecting` is the type that a NULL takes here.
    mutating func check(_ node: SyntaxNode, expecting: FieldType?) -> TypedNode? {
        switch node.kind {
        case .constant(let value):
            guard let type = value.type ?? expecting else {
                note(node.offset, "the type of this NULL is unknown; write CAST(NULL AS …)")
                return nil
            }
            return TypedNode(type: type, kind: .constant(value))
        case .interval:
            note(node.offset, "an interval can only be added to or subtracted from a timestamp")
            return nil
        case .field(let name): return field(name, at: node.offset)
        case .negate(let operand): return negate(operand)
        case .not(let operand):
            guard let operand = condition(operand, "NOT needs a condition") else { return nil }
            return folded(.bool, .not(operand))
        case .binary(let symbol, let offset, let left, let right):
            return binary(symbol, at: offset, left, right)
        case .logic(let symbol, let operands):
            let checked = operands.map {
                condition($0, "\(symbol.rawValue) joins conditions")
            }
            return all(checked).map { folded(.bool, .logic(symbol, $0)) }
        case .test(let operand, let test, let negated): return self.test(operand, test, negated)
        case .between(let operand, let low, let high, let negated):
            return between(operand, low, high, negated, at: node.offset)
        case .among(let operand, let list, let negated):
            return among(operand, list, negated, at: node.offset)
        case .like(let operand, let pattern, let escape, let negated):
            return like(operand, pattern, escape, negated)
        case .conditional(let subject, let branches, let otherwise):
            return conditional(subject, branches, otherwise, expecting, at: node.offset)
        case .cast(let operand, let type, let tries):
            return cast(operand, to: type, tries: tries)
        case .call(let name, let arguments, let unit):
            return call(name, arguments, unit, expecting, at: node.offset)
        }
    }

    private mutating func field(_ name: String, at offset: Int) -> TypedNode? {
        if !name.hasPrefix(Schema.engineMark), let index = schema.index(of: name) {
            return TypedNode(type: schema.fields[index].type, kind: .field(index))
        }
        note(offset, Checker.unknownField(name, in: schema))
        return nil
    }

    /// The message for a name that is no field.
    static func unknownField(_ name: String, in schema: Schema) -> String {
        let names = schema.fields.map(\.name).filter { !$0.hasPrefix(Schema.engineMark) }
        let nearest = NearestName.find(name, among: names)
        return "unknown field '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
    }

    /// The nodes, if all of them passed.
    func all(_ nodes: [TypedNode?]) -> [TypedNode]? {
        let passed = nodes.compactMap { $0 }
        return passed.count == nodes.count ? passed : nil
    }

    /// Checks a node that must be a condition.
    mutating func condition(_ node: SyntaxNode, _ rule: String) -> TypedNode? {
        guard let checked = check(node, expecting: .bool) else { return nil }
        guard checked.type == .bool else {
            note(node.offset, "\(rule), and this is \(Checker.article(checked.type))")
            return nil
        }
        return checked
    }

    /// "an int", "a string".
    static func article(_ type: FieldType) -> String {
        type == .int ? "an int" : "a \(type.name)"
    }

    static func isNull(_ node: SyntaxNode) -> Bool {
        if case .constant(.null) = node.kind { true } else { false }
    }

    /// Checks nodes that must have one type, to which ints are widened and which NULLs take.
    ///
    /// `mismatch` makes the message for the first node whose type does not fit the ones before.
    mutating func unified(
        _ nodes: [SyntaxNode], expecting: FieldType?, mismatchAt offset: Int? = nil,
        _ mismatch: (FieldType, FieldType) -> String
    ) -> [TypedNode]? {
        var type: FieldType?
        var checked: [TypedNode?] = []
        var isWrong = false
        for node in nodes {
            let typed = Checker.isNull(node) ? nil : check(node, expecting: expecting)
            checked.append(typed)
            guard let typed else {
                isWrong = isWrong || !Checker.isNull(node)
                continue
            }
            guard let before = type else {
                type = typed.type
                continue
            }
            if let common = Checker.common(before, typed.type) {
                type = common
            } else {
                note(offset ?? node.offset, mismatch(before, typed.type))
                isWrong = true
            }
        }
        if isWrong { return nil }
        guard let common = type ?? expecting else {
            note(
                nodes.first?.offset ?? 0,
                "the type of this NULL is unknown; write CAST(NULL AS …)")
            return nil
        }
        return checked.map { node in
            node.map { widened($0, to: common) } ?? TypedNode(type: common, kind: .constant(.null))
        }
    }

    /// The type that values of both types have without loss of meaning.
    static func common(_ a: FieldType, _ b: FieldType) -> FieldType? {
        if a == b { return a }
        let isNumeric = (a == .int || a == .float) && (b == .int || b == .float)
        return isNumeric ? .float : nil
    }

    /// An int as a float where that is wanted.
    func widened(_ node: TypedNode, to type: FieldType) -> TypedNode {
        guard node.type == .int, type == .float else { return node }
        return folded(.float, .cast(node, tries: false))
    }

    /// The node, or the constant that it always is. What fails stays, and fails for each row that
    /// needs it.
    func folded(_ type: FieldType, _ kind: TypedNode.Kind) -> TypedNode {
        let node = TypedNode(type: type, kind: kind)
        let children = kind.children
        guard !children.isEmpty, children.allSatisfy({ $0.constant != nil }),
            let value = Evaluator(node).constant()
        else { return node }
        return TypedNode(type: type, kind: .constant(value))
    }
}
