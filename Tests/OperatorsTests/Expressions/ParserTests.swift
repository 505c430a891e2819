import Dataflow
import Operators
import Testing

struct ParserTests {
    private static func errors(_ text: String) -> [ExpressionError] {
        switch Expression.parse(text) {
        case .success: []
        case .failure(let errors): errors.list
        }
    }

    /// Texts that cannot be read, where, and why.
    @Test(arguments: [
        ("", 0, "expected a value but found the end of the expression"),
        ("   ", 3, "expected a value but found the end of the expression"),
        ("a +", 3, "expected a value but found the end of the expression"),
        ("a b", 2, "expected an operator or the end but found 'b'"),
        ("(a", 2, "expected ')' but found the end of the expression"),
        ("a)", 1, "expected an operator or the end but found ')'"),
        ("'abc", 0, "the string that starts here has no end"),
        ("x = \"abc", 4, "the quoted name that starts here has no end"),
        ("a == 1", 2, "write '=' for equality"),
        ("a && b", 2, "write AND instead of '&&'"),
        ("a -- b", 2, "comments are not allowed in an expression; for a double minus write '- -'"),
        ("é = ?", 5, "unexpected character '?'"),
        ("1x", 0, "a number ends before a letter; write a space behind '1'"),
        ("1e999", 0, "1e999 is beyond the range of a float"),
        ("9223372036854775808", 0, "9223372036854775808 is beyond the 64 bits of an int"),
        ("99999999999999999999", 0, "99999999999999999999 is beyond the 64 bits of an int"),
        ("a IS 5", 5, "expected NOT, NULL, TRUE or FALSE but found '5'"),
        ("a NOT 5", 6, "expected BETWEEN, IN or LIKE but found '5'"),
        ("a BETWEEN 1 OR 2", 12, "expected AND but found 'OR'"),
        ("a IN ()", 6, "expected a value but found ')'"),
        ("a IN 5", 5, "expected '(' but found '5'"),
        ("a = NOT b", 4, "NOT needs parentheses around it here"),
        (
            "CASE WHEN a THEN 1", 18,
            "expected WHEN, ELSE or END but found the end of the expression"
        ),
        ("CASE a THEN 1 END", 7, "expected WHEN but found 'THEN'"),
        ("CAST(a AS strin)", 10, "expected a type but found 'strin'; did you mean STRING?"),
        ("CAST(a string)", 7, "expected AS but found 'string'"),
        ("a.5", 1, "expected an operator or the end but found '0.5'"),
        ("a. = 5", 3, "expected the name of a field behind '.' but found '='"),
        ("TIMESTAMP 'noon'", 10, "a timestamp is written as in TIMESTAMP '2026-01-31 23:59:59.5'"),
        (
            "TIMESTAMP '2026-02-29'", 10,
            "a timestamp is written as in TIMESTAMP '2026-01-31 23:59:59.5'"
        ),
        (
            "ts + INTERVAL '5' MINUTES", 18,
            "expected a unit of time (such as HOUR) but found 'MINUTES'; did you mean "
                + "MINUTE?"
        ),
        ("ts + INTERVAL 'x' MINUTE", 14, "an interval is written as in INTERVAL '5' MINUTE"),
        (
            "end = 1", 0,
            "expected a value but found the keyword END; a field of that name is "
                + "written in double quotes"
        ),
        ("f(1,", 4, "expected a value but found the end of the expression"),
        ("EXTRACT(ts)", 8, "expected a unit of time (such as HOUR) but found 'ts'"),
        ("\"\"", 0, "a quoted name is not empty and has no control characters"),
    ])
    func mistakeIsFoundWhereItStands(text: String, offset: Int, message: String) {
        #expect(Self.errors(text) == [ExpressionError(offset: offset, message: message)])
    }

    /// What binds more strongly, written with parentheses.
    @Test(arguments: [
        ("1 + 2 * 3", "1 + (2 * 3)"), ("1 - 2 - 3", "(1 - 2) - 3"), ("- 2 + 5", "(- 2) + 5"),
        ("7 / 2 * 2", "(7 / 2) * 2"), ("2 * - 3", "2 * (- 3)"),
        ("FALSE AND FALSE OR TRUE", "(FALSE AND FALSE) OR TRUE"),
        ("TRUE OR FALSE AND FALSE", "TRUE OR (FALSE AND FALSE)"),
        ("NOT FALSE AND FALSE", "(NOT FALSE) AND FALSE"), ("NOT 1 = 2", "NOT (1 = 2)"),
        ("NOT 1 = 2 IS NULL", "NOT ((1 = 2) IS NULL)"),
        ("1 = 2 IS NOT NULL", "(1 = 2) IS NOT NULL"),
        ("1 + 1 BETWEEN 2 AND 1 + 2", "(1 + 1) BETWEEN 2 AND (1 + 2)"),
        ("3 BETWEEN 1 AND 2 OR TRUE", "(3 BETWEEN 1 AND 2) OR TRUE"),
        ("TRUE = 1 < 2", "(TRUE = 1) < 2"), ("TRUE = 3 IN (3)", "TRUE = (3 IN (3))"),
        ("'a' || 'b' LIKE 'ab'", "('a' || 'b') LIKE 'ab'"),
    ])
    func operatorsBindAsInSQL(text: String, explicit: String) {
        #expect(Self.result(text) == Self.result(explicit))
    }

    private static func result(_ text: String) -> String {
        switch Expression.parse(text).flatMap({ $0.checked(against: ExpressionGenerator.schema) }) {
        case .success(let expression): "\(expression.constant.map { "\($0)" } ?? "not constant")"
        case .failure(let errors): errors.list.map(\.message).joined(separator: "; ")
        }
    }

    @Test func namesAreListedWithTheirPlaces() throws {
        let text = "actor.login = 'é' AND \"my field\" > `x`.y OR count > 1"
        let names = try Expression.parse(text).get().fieldNames
        #expect(names.map(\.name) == ["actor.login", "my field", "x.y", "count"])
        #expect(names.map(\.offset) == [0, 23, 36, 45])
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(
            Self.errors(deep).map(\.message) == ["an expression is nested 200 levels deep at most"])
        for text in [
            String(repeating: "- ", count: 5000) + "1",
            String(repeating: "NOT ", count: 5000) + "TRUE",
            "1" + String(repeating: " + 1", count: 5000),
            String(repeating: "CASE WHEN ", count: 3000), String(repeating: "ABS(", count: 5000),
            "1" + String(repeating: " IS NULL", count: 5000),
        ] {
            let errors = Self.errors(text)
            #expect(errors.first?.message.contains("200 levels") == true, "\(text.prefix(30))")
        }
        #expect(Self.errors("1" + String(repeating: " + 1", count: 150)).isEmpty)
    }

    @Test func lengthIsBounded() {
        let text = "'" + String(repeating: "x", count: 70_000) + "'"
        #expect(Self.errors(text).map(\.message) == ["an expression has 65536 bytes at most"])
    }

    @Test func leastIntCanBeWritten() {
        #expect(Self.result("-9223372036854775808") == "\(Constant.int(.min))")
    }

    /// No text crashes the parser or the checker, or goes through without a meaning.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func noTextIsFatal(seed: UInt64) {
        var random = ExpressionRandom(seed: seed)
        var generator = ExpressionGenerator(random: ExpressionRandom(seed: seed &+ 1))
        let words = [
            "AND", "OR", "NOT", "(", ")", ",", "CASE", "WHEN", "THEN", "END", "IS", "NULL", "1",
            "'a'",
            "i", "s", "ts", "x", "+", "-", "*", "/", "||", "IN", "LIKE", "BETWEEN", "INTERVAL '1'",
            "DAY", "CAST(", "AS", "int", "COALESCE(", "TRIM(", "FROM", "EXTRACT(", "1e9", ".", "\"",
        ]
        for round in 0..<1500 {
            var text: String
            switch round % 3 {
            case 0:
                let bytes = (0..<random.below(60)).map { _ in UInt8(random.below(256)) }
                text = String(decoding: bytes, as: UTF8.self)
            case 1:
                text = (0..<random.below(20)).map { _ in random.pick(words) }.joined(separator: " ")
            default:
                let twin = generator.expression(random.pick([.bool, .int, .string]), depth: 3)
                var bytes = Array(twin.sql(ExpressionGenerator.fields.map(\.name)).utf8)
                for _ in 0...random.below(3) where !bytes.isEmpty {
                    let place = random.below(bytes.count)
                    switch random.below(3) {
                    case 0: bytes.remove(at: place)
                    case 1: bytes[place] = UInt8(random.below(128))
                    default: bytes.insert(contentsOf: random.pick(words).utf8, at: place)
                    }
                }
                text = String(decoding: bytes, as: UTF8.self)
            }
            let outcome = Expression.parse(text).flatMap {
                $0.checked(against: ExpressionGenerator.schema)
            }
            if case .failure(let errors) = outcome {
                let offsets = errors.list.map(\.offset)
                #expect(
                    offsets.allSatisfy { $0 >= 0 && $0 <= text.utf8.count }, "seed \(seed): \(text)"
                )
            }
            _ = AggregateCall.parse(text)
        }
    }
}
