import Dataflow
import Operators

/// Random expressions of a wanted type, and random rows for them.
struct ExpressionGenerator {
    var random: ExpressionRandom

    static let fields: [(name: String, type: FieldType)] = [
        ("flag", .bool), ("\"other flag\"", .bool), ("i", .int), ("j", .int), ("x", .float),
        ("y", .float), ("s", .string), ("actor.login", .string), ("ts", .timestamp),
        ("\"end\"", .timestamp),
    ]

    static let schema: Schema = {
        var schema = Schema()
        for field in fields {
            let name = String(field.name.filter { $0 != "\"" })
            schema.add(Field(name, field.type), leaves: true)
        }
        return schema
    }()

    static let units = ["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]
    private static let alphabet = Array("aAbB %_-,'xéßΣя日🙂".unicodeScalars)

    mutating func string() -> String {
        let count = random.chance(70) ? random.below(6) : random.below(30)
        var view = String.UnicodeScalarView()
        for _ in 0..<count { view.append(random.pick(Self.alphabet)) }
        return random.chance(10) ? "\(random.below(100))" : String(view)
    }

    mutating func value(_ type: FieldType) -> Constant {
        switch type {
        case .bool: return .bool(random.chance(50))
        case .int:
            if random.chance(4) { return .int(random.chance(50) ? .max : .min + 1) }
            return .int(Int64(random.below(21)) - 10)
        case .float:
            if random.chance(3) { return .float(1e300) }
            return .float(Double(random.below(801) - 400) / 8)
        case .timestamp:
            let span: UInt64 = 4_000_000_000_000_000
            let time = Int64(random.next() % span) - 1_000_000_000_000_000
            return .timestamp(random.chance(50) ? time / 1_000_000 * 1_000_000 : time)
        case .string, .json: return .string(string())
        }
    }

    mutating func expression(_ type: FieldType, depth: Int) -> ExpressionTwin {
        if depth <= 0 || random.chance(15) { return leaf(type) }
        if random.chance(25), let shared = shared(type, depth - 1) { return shared }
        switch type {
        case .bool: return condition(depth - 1)
        case .int: return int(depth - 1)
        case .float: return float(depth - 1)
        case .timestamp: return time(depth - 1)
        case .string, .json: return text(depth - 1)
        }
    }

    private mutating func leaf(_ type: FieldType) -> ExpressionTwin {
        if random.chance(75) {
            let matching = Self.fields.indices.filter { Self.fields[$0].type == type }
            return .field(random.pick(matching), type)
        }
        return .literal(random.chance(12) ? .null : value(type), type)
    }

    /// Forms that every type has.
    private mutating func shared(_ type: FieldType, _ depth: Int) -> ExpressionTwin? {
        func branches(_ generator: inout Self, _ kind: FieldType) -> [(
            ExpressionTwin, ExpressionTwin
        )] {
            (0...generator.random.below(2)).map { _ in
                (
                    generator.expression(kind, depth: depth),
                    generator.expression(type, depth: depth)
                )
            }
        }
        let last = random.chance(70) ? expression(type, depth: depth) : nil
        switch random.below(5) {
        case 0: return .choice(branches(&self, .bool), otherwise: last)
        case 1:
            let kind = random.pick([FieldType.bool, .int, .float, .string, .timestamp])
            return .match(
                expression(kind, depth: depth), branches(&self, kind), otherwise: last)
        case 2:
            return .coalesce(
                (0...random.below(3)).map { _ in expression(type, depth: depth) })
        case 3: return .nullIf(expression(type, depth: depth), expression(type, depth: depth))
        default: return nil
        }
    }

    private mutating func comparable() -> FieldType {
        random.pick([.bool, .int, .int, .float, .float, .string, .string, .timestamp])
    }

    private mutating func condition(_ depth: Int) -> ExpressionTwin {
        let type = comparable()
        let other = type == .int && random.chance(20) ? FieldType.float : type
        switch random.below(12) {
        case 0, 1, 2:
            return .compare(
                random.pick(["=", "<>", "<", "<=", ">", ">="]), expression(type, depth: depth),
                expression(other, depth: depth))
        case 3: return .and((0...1 + random.below(2)).map { _ in expression(.bool, depth: depth) })
        case 4: return .or((0...1 + random.below(2)).map { _ in expression(.bool, depth: depth) })
        case 5: return .not(expression(.bool, depth: depth))
        case 6: return .isNull(expression(type, depth: depth), negated: random.chance(50))
        case 7:
            return .isTruth(
                expression(.bool, depth: depth), random.chance(50), negated: random.chance(50))
        case 8:
            return .between(
                expression(type, depth: depth), expression(other, depth: depth),
                expression(type, depth: depth), negated: random.chance(40))
        case 9:
            let count = random.chance(20) ? 12 : 1 + random.below(4)
            return .among(
                expression(type, depth: depth), (0..<count).map { _ in leaf(type) },
                negated: random.chance(40))
        case 10:
            let pattern = String(string().filter { $0 != "'" })
            return .like(expression(.string, depth: depth), pattern)
        default:
            return .call(
                random.pick(["STARTSWITH", "ENDSWITH"]),
                [expression(.string, depth: depth), expression(.string, depth: depth)], .bool)
        }
    }

    private mutating func int(_ depth: Int) -> ExpressionTwin {
        switch random.below(9) {
        case 0, 1, 2:
            return .arithmetic(
                random.pick(["+", "-", "*", "/", "%"]), expression(.int, depth: depth),
                expression(.int, depth: depth))
        case 3: return .negate(expression(.int, depth: depth))
        case 4:
            let source = random.pick([FieldType.bool, .float, .string])
            return .cast(expression(source, depth: depth), .int, tries: random.chance(50))
        case 5: return .call("LENGTH", [expression(.string, depth: depth)], .int)
        case 6:
            let parts = Self.units + ["DOY", "DOW", "EPOCH", "MILLISECOND"]
            return .call(
                "EXTRACT \(random.pick(parts))", [expression(.timestamp, depth: depth)], .int)
        case 7:
            return .call(
                "LOCATE",
                [
                    expression(.string, depth: depth), expression(.string, depth: depth),
                    .literal(.int(Int64(random.below(4))), .int),
                ], .int)
        default:
            let name = random.pick(["ABS", "SIGN", "FLOOR", "GREATEST", "LEAST", "MOD"])
            let count = ["GREATEST", "LEAST", "MOD"].contains(name) ? 2 : 1
            return .call(name, (0..<count).map { _ in expression(.int, depth: depth) }, .int)
        }
    }

    private mutating func float(_ depth: Int) -> ExpressionTwin {
        switch random.below(6) {
        case 0, 1, 2:
            let second = random.chance(30) ? FieldType.int : .float
            return .arithmetic(
                random.pick(["+", "-", "*", "/", "%"]), expression(.float, depth: depth),
                expression(second, depth: depth))
        case 3: return .negate(expression(.float, depth: depth))
        case 4:
            let source = random.pick([FieldType.bool, .int, .string])
            return .cast(expression(source, depth: depth), .float, tries: random.chance(50))
        default:
            let name = random.pick([
                "ABS", "SIGN", "FLOOR", "CEIL", "SQRT", "LN", "EXP", "POWER", "GREATEST", "LEAST",
            ])
            let count = ["GREATEST", "LEAST", "POWER"].contains(name) ? 2 : 1
            return .call(name, (0..<count).map { _ in expression(.float, depth: depth) }, .float)
        }
    }

    private mutating func time(_ depth: Int) -> ExpressionTwin {
        // Times stay near the fields' and literals', where the twin counts years one by one.
        let unit = random.pick(Self.units)
        let time = leaf(.timestamp)
        switch random.below(5) {
        case 0: return .call("FLOOR \(unit)", [expression(.timestamp, depth: depth)], .timestamp)
        case 1: return .call("CEIL \(unit)", [time], .timestamp)
        case 2: return .call("PLUS \(unit)", [expression(.timestamp, depth: depth)], .timestamp)
        case 3: return .call("MINUS \(unit)", [time], .timestamp)
        default:
            let count = ExpressionTwin.literal(.int(Int64(random.below(30)) - 15), .int)
            return .call("TIMESTAMPADD \(unit)", [count, time], .timestamp)
        }
    }

    private mutating func text(_ depth: Int) -> ExpressionTwin {
        func number(_ generator: inout Self) -> ExpressionTwin {
            .literal(.int(Int64(generator.random.below(9)) - 2), .int)
        }
        let text = expression(.string, depth: depth)
        switch random.below(8) {
        case 0: return .call(random.pick(["UPPER", "LOWER", "REVERSE"]), [text], .string)
        case 1:
            let name = random.pick(["TRIM", "LTRIM", "RTRIM"])
            return .call(name, [text, expression(.string, depth: 0)], .string)
        case 2:
            return .call(random.pick(["LEFT", "RIGHT", "REPEAT"]), [text, number(&self)], .string)
        case 3:
            let rest = random.chance(50) ? [number(&self)] : []
            return .call("SUBSTRING", [text, number(&self)] + rest, .string)
        case 4:
            let name = random.pick(["LPAD", "RPAD"])
            return .call(name, [text, number(&self), expression(.string, depth: 0)], .string)
        case 5:
            let name = random.pick(["CONCAT", "CONCAT_WS"])
            return .call(
                name, [text] + (0...1).map { _ in expression(.string, depth: depth) }, .string)
        case 6:
            if random.chance(50) {
                return .call(
                    "REPLACE",
                    [text, expression(.string, depth: 0), expression(.string, depth: 0)], .string)
            }
            return .call(
                "SPLIT_INDEX", [text, expression(.string, depth: 0), number(&self)], .string)
        default:
            let source = random.pick([FieldType.bool, .int, .float, .timestamp])
            return .cast(expression(source, depth: depth), .string, tries: random.chance(30))
        }
    }
}
