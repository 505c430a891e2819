import Dataflow
import Operators
import Testing

struct CheckerTests {
    private static let schema: Schema = {
        var schema = ExpressionGenerator.schema
        schema.add(Field("amount", .float), leaves: true)
        schema.add(Field("payload", .json), leaves: true)
        schema.add(.record)
        schema.add(
            Field("created", .timestamp, timestampFormat: .milliseconds), leaves: true)
        return schema
    }()

    private static func check(_ text: String) -> Result<TypedExpression, ExpressionErrors> {
        Expression.parse(text).flatMap { $0.checked(against: schema) }
    }

    /// Expressions without a meaning, where the mistake stands, and the message.
    @Test(arguments: [
        ("amout > 5", 0, "unknown field 'amout'; did you mean 'amount'?"),
        ("s = 'é' AND amout > 5", 13, "unknown field 'amout'; did you mean 'amount'?"),
        ("actor.logn = 'x'", 0, "unknown field 'actor.logn'; did you mean 'actor.login'?"),
        ("zzzz", 0, "unknown field 'zzzz'"),
        ("uper(s)", 0, "unknown function 'uper'; did you mean 'upper'?"),
        ("1 + frobnicate(s)", 4, "unknown function 'frobnicate'"),
        ("sum(i)", 0, "sum is an aggregate: it belongs into the 'aggregate' of a window step"),
        ("s > 5", 2, "cannot compare a string with an int; CAST one of them"),
        (
            "ts > '2026-01-01'", 3,
            "cannot compare a timestamp with a string; write TIMESTAMP '2026-01-31 "
                + "23:59:59'"
        ),
        ("flag = 1", 5, "cannot compare a bool with an int"),
        ("payload = 'x'", 8, "cannot compare a json with a string; CAST the json AS string"),
        ("payload = payload", 8, "a json value cannot be compared; CAST it AS string first"),
        ("i AND flag", 0, "AND joins conditions, and this is an int"),
        ("NOT s", 4, "NOT needs a condition, and this is a string"),
        ("s + 'x'", 2, "'+' needs numbers, and these are strings; join strings with ||"),
        ("s + 1", 2, "'+' needs two numbers, and these are a string and an int"),
        (
            "ts - ts", 3,
            "'-' needs numbers, and these are timestamps; write TIMESTAMPDIFF(SECOND, "
                + "start, end)"
        ),
        ("- s", 2, "'-' needs a number, and this is a string"),
        ("i || s", 0, "'||' joins strings, and this is an int; CAST it AS string"),
        ("i + INTERVAL '1' DAY", 0, "an interval goes with a timestamp, and this is an int"),
        ("INTERVAL '1' DAY", 0, "an interval can only be added to or subtracted from a timestamp"),
        ("NULL", 0, "the type of this NULL is unknown; write CAST(NULL AS …)"),
        ("COALESCE(NULL, NULL)", 9, "the type of this NULL is unknown; write CAST(NULL AS …)"),
        ("i IN (1, 'a')", 9, "cannot compare an int with a string; CAST one of them"),
        ("i BETWEEN 1 AND 'a'", 16, "cannot compare an int with a string; CAST one of them"),
        ("s LIKE s", 7, "the pattern of LIKE must be a constant"),
        ("s LIKE 'a!b' ESCAPE '!'", 7, "the escape character stands before %, _ or itself only"),
        ("s LIKE 'a' ESCAPE 'ab'", 18, "ESCAPE names one character, such as ESCAPE '\\'"),
        ("CASE WHEN i THEN 1 END", 10, "WHEN needs a condition, and this is an int"),
        (
            "CASE WHEN flag THEN 1 ELSE 'a' END", 27,
            "the values of CASE have one type, and this is a string after an int"
        ),
        ("CAST(ts AS int)", 5, "cannot cast a timestamp to int; write EXTRACT(EPOCH FROM time)"),
        (
            "CAST(i AS timestamp)", 5,
            "cannot cast an int to timestamp; write TO_TIMESTAMP_LTZ(number, precision)"
        ),
        ("UPPER(i)", 6, "UPPER needs a string here, and this is an int; CAST it AS string"),
        ("ABS('x')", 4, "ABS needs a number here, and this is a string"),
        ("LEFT(s)", 0, "wrong number of arguments: write LEFT(string, count)"),
        ("LEFT(s, 1.5)", 8, "LEFT needs an int here, and this is a float"),
        ("FLOOR(ts TO DOW)", 0, "FLOOR needs a unit with a length, which DOW is not"),
        (
            "TO_TIMESTAMP_LTZ(i, 4)", 20,
            "the precision is 0 for seconds, 3 for milliseconds, 6 for microseconds or "
                + "9 for nanoseconds"
        ),
        (
            "DATE_FORMAT(ts, 'QQ')", 16,
            "'QQ' in the format is not known; the letters are y M d H h m s S a"
        ),
        ("DATE_FORMAT(ts, s)", 16, "the format of DATE_FORMAT must be a constant string"),
        ("\"\u{1}record\"", 0, "a quoted name is not empty and has no control characters"),
    ])
    func mistakeIsFoundWhereItStands(text: String, offset: Int, message: String) {
        guard case .failure(let errors) = Self.check(text) else {
            Issue.record("no error in \(text)")
            return
        }
        #expect(errors.list == [ExpressionError(offset: offset, message: message)])
    }

    @Test func allMistakesComeOutAtOnce() {
        guard case .failure(let errors) = Self.check("amout > 5 AND uper(nme) = 1 OR - s > i")
        else {
            Issue.record("no error")
            return
        }
        #expect(errors.list.map(\.offset) == [0, 14, 19, 33])
    }

    @Test(arguments: [
        ("i + 1", FieldType.int), ("i + 1.5", .float), ("i / 2", .int), ("amount", .float),
        ("CASE WHEN flag THEN 1 ELSE 2.5 END", .float), ("COALESCE(NULL, i)", .int),
        ("NULLIF(i, 0)", .int), ("IF(flag, NULL, 'x')", .string), ("NULL IS NULL", .bool),
        ("i = NULL", .bool), ("ts + INTERVAL '1' MONTH", .timestamp),
        ("CAST(payload AS string)", .string),
        ("IFNULL(s, 'none')", .string), ("GREATEST(i, 2.5)", .float), ("SQRT(i)", .float),
        ("ROUND(amount, 2)", .float), ("ROUND(i, -2)", .int), ("payload IS NULL", .bool),
        ("`amount` * 2", .float), ("\"actor\".\"login\"", .string), ("YEAR(ts)", .int),
    ])
    func typesFollow(text: String, type: FieldType) throws {
        #expect(try Self.check(text).get().type == type)
    }

    @Test func timestampsLeaveAsTheirFieldSays() throws {
        #expect(try Self.check("created").get().timestampFormat == .milliseconds)
        #expect(try Self.check("created + INTERVAL '1' DAY").get().timestampFormat == .rfc3339)
    }

    @Test func columnsThatAreReadAreKnown() throws {
        let expression = try Self.check("amount > 5 AND s IN ('a', 'b') OR amount < i").get()
        let names = ["amount", "s", "i"].compactMap { Self.schema.index(of: $0) }
        #expect(expression.fieldIndices == Set(names))
        #expect(expression.fieldIndex == nil)
        #expect(try Self.check("(amount)").get().fieldIndex == Self.schema.index(of: "amount"))
    }

    /// Sharing of a repeated operand keeps nested BETWEENs from doubling at every level.
    @Test func nestedRangesDoNotExplode() throws {
        var text = "flag"
        for _ in 0..<60 { text = "(\(text) BETWEEN FALSE AND TRUE)" }
        #expect(try Self.check(text).get().type == .bool)
    }
}
