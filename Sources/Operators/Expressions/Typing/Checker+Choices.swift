import Dataflow

/// CASE, CAST, and the functions that choose between values.
extension Checker {
    mutating func conditional(
        _ subject: SyntaxNode?, _ branches: [SyntaxNode.Branch], _ otherwise: SyntaxNode?,
        _ expecting: FieldType?, at offset: Int
    ) -> TypedNode? {
        var conditions: [TypedNode]?
        var slot: (number: Int, value: TypedNode)?
        if let subject {
            let compared = unified([subject] + branches.map(\.condition), expecting: .string) {
                "CASE compares values of one type, and these are \(Checker.article($0)) and "
                    + Checker.article($1)
            }
            if let compared, compared[0].type == .json {
                note(subject.offset, "a json value cannot be compared; CAST it AS string first")
            } else if let compared {
                var value = compared[0]
                if !value.isTrivial {
                    let number = newSlot()
                    slot = (number, value)
                    value = TypedNode(type: value.type, kind: .slot(number))
                }
                conditions = compared.dropFirst().map {
                    folded(.bool, .compare(.equal, value, $0))
                }
            }
        } else {
            conditions = all(branches.map { condition($0.condition, "WHEN needs a condition") })
        }
        let values = unified(
            branches.map(\.value) + (otherwise.map { [$0] } ?? []), expecting: expecting
        ) {
            "the values of CASE have one type, and this is \(Checker.article($1)) after "
                + Checker.article($0)
        }
        guard let conditions, let values else { return nil }
        let last = otherwise == nil ? nil : values.last
        let choice = choose(conditions, values, otherwise: last)
        guard let slot else { return choice }
        return TypedNode(type: choice.type, kind: .shared(slot.number, slot.value, in: choice))
    }

    private func choose(
        _ conditions: [TypedNode], _ values: [TypedNode], otherwise: TypedNode?
    ) -> TypedNode {
        let type = values[0].type
        let branches = zip(conditions, values).map {
            TypedNode.Branch(condition: $0, value: $1)
        }
        let last = otherwise ?? TypedNode(type: type, kind: .constant(.null))
        return folded(type, .conditional(branches, otherwise: last))
    }

    /// COALESCE, IFNULL, NULLIF and IF; nil for any other name.
    mutating func choice(
        _ name: String, _ arguments: [SyntaxNode], _ expecting: FieldType?, at offset: Int
    ) -> TypedNode?? {
        switch name {
        case "COALESCE":
            guard takes(1..., arguments, "COALESCE(value, …)", at: offset) else {
                return .some(nil)
            }
            return .some(coalesce(name, arguments, expecting))
        case "IFNULL":
            guard takes(2...2, arguments, "IFNULL(value, substitute)", at: offset) else {
                return .some(nil)
            }
            return .some(coalesce(name, arguments, expecting))
        case "NULLIF":
            guard takes(2...2, arguments, "NULLIF(value, other)", at: offset) else {
                return .some(nil)
            }
            return .some(nullIf(arguments))
        case "IF":
            guard takes(3...3, arguments, "IF(condition, value, otherwise)", at: offset) else {
                return .some(nil)
            }
            let test = condition(arguments[0], "IF needs a condition first")
            let values = unified(Array(arguments.dropFirst()), expecting: expecting) {
                "the values of IF have one type, and these are \(Checker.article($0)) and "
                    + Checker.article($1)
            }
            guard let test, let values else { return .some(nil) }
            return .some(choose([test], [values[0]], otherwise: values[1]))
        default: return nil
        }
    }

    private mutating func coalesce(
        _ name: String, _ arguments: [SyntaxNode], _ expecting: FieldType?
    ) -> TypedNode? {
        let values = unified(arguments, expecting: expecting) {
            "the values of \(name) have one type, and this is \(Checker.article($1)) after "
                + Checker.article($0)
        }
        return values.map { folded($0[0].type, .coalesce($0)) }
    }

    private mutating func nullIf(_ arguments: [SyntaxNode]) -> TypedNode? {
        guard let value = check(arguments[0], expecting: .string),
            let other = check(arguments[1], expecting: value.type)
        else { return nil }
        guard let common = Checker.common(value.type, other.type), common != .json else {
            note(
                arguments[1].offset,
                "NULLIF compares values of one type, and these are \(Checker.article(value.type)) "
                    + "and \(Checker.article(other.type))")
            return nil
        }
        let isConstant = value.constant != nil && other.constant != nil
        let checker = self
        let result = sharing(value, value.type) { value in
            let same = TypedNode(
                type: .bool,
                kind: .compare(
                    .equal, checker.widened(value, to: common), checker.widened(other, to: common)))
            let null = TypedNode(type: value.type, kind: .constant(.null))
            return TypedNode(
                type: value.type,
                kind: .conditional(
                    [TypedNode.Branch(condition: same, value: null)], otherwise: value))
        }
        guard isConstant, let constant = Evaluator(result).constant() else { return result }
        return TypedNode(type: value.type, kind: .constant(constant))
    }

    mutating func cast(_ operand: SyntaxNode, to type: FieldType, tries: Bool) -> TypedNode? {
        guard let checked = check(operand, expecting: type) else { return nil }
        if checked.type == type { return checked }
        guard CastKernel.supports(checked.type, type) else {
            let hint =
                switch (checked.type, type) {
                case (.int, .timestamp), (.float, .timestamp):
                    "; write TO_TIMESTAMP_LTZ(number, precision)"
                case (.timestamp, .int), (.timestamp, .float): "; write EXTRACT(EPOCH FROM time)"
                case (.json, _): "; CAST it AS string first"
                default: ""
                }
            note(
                operand.offset,
                "cannot cast \(Checker.article(checked.type)) to \(type.name)\(hint)")
            return nil
        }
        return folded(type, .cast(checked, tries: tries))
    }

    /// Notes an error unless there are as many arguments as a function takes.
    mutating func takes(
        _ range: some RangeExpression<Int>, _ arguments: [SyntaxNode], _ usage: String,
        at offset: Int
    ) -> Bool {
        if range.contains(arguments.count) { return true }
        note(offset, "wrong number of arguments: write \(usage)")
        for argument in arguments { _ = check(argument, expecting: .string) }
        return false
    }
}
