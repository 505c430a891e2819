import Dataflow

/// Function calls.
extension Checker {
    /// Functions with rules of their own, for suggestions.
    static let specialFunctions = [
        "COALESCE", "IFNULL", "NULLIF", "IF", "EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF",
        "GREATEST", "LEAST", "MOD", "LOG", "POSITION", "INSTR", "TO_TIMESTAMP_LTZ", "DATE_FORMAT",
    ]

    mutating func call(
        _ name: String, _ arguments: [SyntaxNode], _ unit: TimeUnit?, _ expecting: FieldType?,
        at offset: Int
    ) -> TypedNode? {
        if let unit { return timeCall(name, arguments, unit, at: offset) }
        if let choice = choice(name, arguments, expecting, at: offset) { return choice }
        switch name {
        case "GREATEST", "LEAST": return extreme(name, arguments, expecting, at: offset)
        case "MOD":
            guard takes(2...2, arguments, "MOD(number, divisor)", at: offset) else { return nil }
            return binary(.remainder, at: offset, arguments[0], arguments[1])
        case "LOG": return logarithm(arguments, at: offset)
        case "POSITION", "INSTR":
            guard takes(2...2, arguments, "\(name)(string, part)", at: offset) else { return nil }
            let searched = arguments[name == "INSTR" ? 1 : 0]
            let string = arguments[name == "INSTR" ? 0 : 1]
            return call("LOCATE", [searched, string], nil, expecting, at: offset)
        case "TO_TIMESTAMP_LTZ": return timeFromNumber(arguments, at: offset)
        case "DATE_FORMAT": return formatTime(arguments, at: offset)
        default: break
        }
        guard let signature = FunctionSignature.byName[name] else {
            note(offset, Checker.unknownFunction(name))
            for argument in arguments { _ = check(argument, expecting: .string) }
            return nil
        }
        return call(signature, arguments, at: offset)
    }

    private static func unknownFunction(_ name: String) -> String {
        let shown = name.lowercased()
        if AggregateCall.Function(keyword: name) != nil {
            return "\(shown) is an aggregate: it belongs into the 'aggregate' of a window step"
        }
        let known = Array(FunctionSignature.byName.keys) + specialFunctions
        let nearest = NearestName.find(name, among: known)
        return "unknown function '\(shown)'"
            + (nearest.map { "; did you mean '\($0.lowercased())'?" } ?? "")
    }

    private mutating func call(
        _ signature: FunctionSignature, _ arguments: [SyntaxNode], at offset: Int
    ) -> TypedNode? {
        let most = signature.repeats ? Int.max : signature.parameters.count
        let least = signature.parameters.count - signature.defaults.count
        guard takes(least...most, arguments, signature.usage, at: offset) else { return nil }
        var checked: [TypedNode?] = arguments.enumerated().map { place, argument in
            let parameter = signature.parameters[min(place, signature.parameters.count - 1)]
            return self.argument(argument, parameter, of: signature.name)
        }
        let missing = signature.parameters.count - arguments.count
        for constant in signature.defaults.suffix(max(missing, 0)) {
            checked.append(constant.type.map { TypedNode(type: $0, kind: .constant(constant)) })
        }
        guard let passed = all(checked) else { return nil }
        switch signature.result {
        case .type(let type): return folded(type, .call(signature.function, passed))
        case .ofFirstArgument: return folded(passed[0].type, .call(signature.function, passed))
        }
    }

    private mutating func argument(
        _ node: SyntaxNode, _ parameter: FunctionSignature.Parameter, of function: String
    ) -> TypedNode? {
        let wanted: FieldType =
            switch parameter {
            case .string: .string
            case .int: .int
            case .number, .float: .float
            case .timestamp: .timestamp
            }
        guard let checked = check(node, expecting: wanted) else { return nil }
        switch parameter {
        case .number where checked.type == .int: return checked
        case .float: return numeric(widened(checked, to: .float), wanted, node, function)
        default: return numeric(checked, wanted, node, function)
        }
    }

    private mutating func numeric(
        _ checked: TypedNode, _ wanted: FieldType, _ node: SyntaxNode, _ function: String
    ) -> TypedNode? {
        if checked.type == wanted { return checked }
        let rule = wanted == .float ? "a number" : Checker.article(wanted)
        let hint = wanted == .string && checked.type != .json ? "; CAST it AS string" : ""
        note(
            node.offset,
            "\(function) needs \(rule) here, and this is \(Checker.article(checked.type))\(hint)")
        return nil
    }

    private mutating func extreme(
        _ name: String, _ arguments: [SyntaxNode], _ expecting: FieldType?, at offset: Int
    ) -> TypedNode? {
        guard takes(1..., arguments, "\(name)(value, …)", at: offset) else { return nil }
        let values = unified(arguments, expecting: expecting) {
            "\(name) compares values of one type, and this is \(Checker.article($1)) after "
                + Checker.article($0)
        }
        guard let values else { return nil }
        guard values[0].type != .json else {
            note(offset, "a json value cannot be compared; CAST it AS string first")
            return nil
        }
        return folded(values[0].type, .call(name == "LEAST" ? .least : .greatest, values))
    }

    private mutating func logarithm(_ arguments: [SyntaxNode], at offset: Int) -> TypedNode? {
        guard takes(1...2, arguments, "LOG([base,] number)", at: offset) else { return nil }
        guard let numbers = all(arguments.map { argument($0, .float, of: "LOG") }) else {
            return nil
        }
        let function: ScalarFunction = numbers.count == 1 ? .naturalLogarithm : .logarithm
        return folded(.float, .call(function, numbers))
    }

    private mutating func timeCall(
        _ name: String, _ arguments: [SyntaxNode], _ unit: TimeUnit, at offset: Int
    ) -> TypedNode? {
        guard name == "EXTRACT" || unit.isSpan else {
            note(offset, "\(name) needs a unit with a length, which \(unit.rawValue) is not")
            return nil
        }
        let first: FunctionSignature.Parameter = name == "TIMESTAMPADD" ? .int : .timestamp
        let checked = arguments.enumerated().map { place, node in
            argument(node, place == 0 ? first : .timestamp, of: name)
        }
        guard let passed = all(checked) else { return nil }
        switch name {
        case "EXTRACT": return folded(.int, .call(.extract(unit), passed))
        case "FLOOR": return folded(.timestamp, .call(.floorTime(unit), passed))
        case "TIMESTAMPADD": return folded(.timestamp, .call(.addTime(unit), passed))
        case "TIMESTAMPDIFF": return folded(.int, .call(.timeDifference(unit), passed))
        default: return folded(.timestamp, .call(.ceilingTime(unit), passed))
        }
    }

    private mutating func timeFromNumber(_ arguments: [SyntaxNode], at offset: Int) -> TypedNode? {
        let usage = "TO_TIMESTAMP_LTZ(number, precision)"
        guard takes(2...2, arguments, usage, at: offset) else { return nil }
        let number = argument(arguments[0], .int, of: "TO_TIMESTAMP_LTZ")
        let precision = check(arguments[1], expecting: .int)
        guard let number, let precision else { return nil }
        guard case .int(let digits)? = precision.constant, [0, 3, 6, 9].contains(digits) else {
            note(
                arguments[1].offset,
                "the precision is 0 for seconds, 3 for milliseconds, 6 for microseconds or 9 for "
                    + "nanoseconds")
            return nil
        }
        return folded(.timestamp, .call(.timeFromNumber(digits: Int(digits)), [number]))
    }

    private mutating func formatTime(_ arguments: [SyntaxNode], at offset: Int) -> TypedNode? {
        let usage = "DATE_FORMAT(timestamp, 'yyyy-MM-dd HH:mm:ss')"
        guard takes(2...2, arguments, usage, at: offset) else { return nil }
        let time = argument(arguments[0], .timestamp, of: "DATE_FORMAT")
        let format = check(arguments[1], expecting: .string)
        guard let time, let format else { return nil }
        guard case .string(let text)? = format.constant else {
            note(arguments[1].offset, "the format of DATE_FORMAT must be a constant string")
            return nil
        }
        switch DatePattern.compile(text) {
        case .success(let pattern): return folded(.string, .call(.formatTime(pattern), [time]))
        case .failure(let error):
            note(arguments[1].offset, error.message)
            return nil
        }
    }
}
