import Dataflow
import Operators
import Testing

/// Functions of constants, which the checker computes.
struct FunctionTests {
    private static func constant(_ text: String) throws -> Constant? {
        try Expression.parse(text).get().checked(against: Schema()).get().constant
    }

    @Test(arguments: [
        ("UPPER('straße é')", Constant.string("STRASSE É")), ("LOWER('ÀÉΣЯ')", .string("àéσя")),
        ("TRIM('  a b  ')", .string("a b")), ("TRIM(BOTH 'x' FROM 'xxaxx')", .string("a")),
        ("TRIM(LEADING 'x' FROM 'xxaxx')", .string("axx")),
        ("TRIM(TRAILING FROM 'a  ')", .string("a")), ("LTRIM('abcab', 'ab')", .string("cab")),
        ("SUBSTRING('hello' FROM 2 FOR 3)", .string("ell")),
        ("SUBSTR('héllo', -3)", .string("llo")),
        ("SUBSTRING('hello', 0, 2)", .string("he")), ("SUBSTRING('hello', 2, -1)", .null),
        ("SUBSTRING('a long enough string', 3, 14)", .string("long enough st")),
        ("CHAR_LENGTH('日本🙂')", .int(3)), ("CONCAT('a', 'b', 'c')", .string("abc")),
        ("CONCAT_WS('-', 'a', NULL, 'b')", .string("a-b")), ("'a' || 'b' || 'c'", .string("abc")),
        ("'a' || NULL", .null), ("REPLACE('banana', 'an', 'x')", .string("bxxa")),
        ("POSITION('na' IN 'banana')", .int(3)), ("LOCATE('na', 'banana', 4)", .int(5)),
        ("INSTR('banana', 'z')", .int(0)), ("LEFT('héllo', 2)", .string("hé")),
        ("RIGHT('héllo', 4)", .string("éllo")), ("LPAD('7', 3, '0')", .string("007")),
        ("RPAD('abcd', 2, 'x')", .string("ab")), ("LPAD('a', -1, 'x')", .null),
        ("REVERSE('ab🙂')", .string("🙂ba")), ("REPEAT('ab', 3)", .string("ababab")),
        ("STARTSWITH('hello', 'he')", .bool(true)),
        ("ENDSWITH('hello', 'hello world')", .bool(false)),
        ("SPLIT_INDEX('a,b,,c', ',', 2)", .string("")), ("SPLIT_INDEX('a,b', ',', 2)", .null),
        ("'50%' LIKE '50!%' ESCAPE '!'", .bool(true)), ("'日本' LIKE '_本'", .bool(true)),
        ("'abc' NOT LIKE 'a%'", .bool(false)), ("NULL LIKE 'a'", .null),
        ("7 / 2", .int(3)), ("-7 / 2", .int(-3)), ("-7 % 3", .int(-1)), ("7 / 2.0", .float(3.5)),
        ("ABS(-5)", .int(5)), ("FLOOR(-1.5)", .float(-2)), ("CEILING(1.2)", .float(2)),
        ("ROUND(2.5)", .float(3)), ("ROUND(-2.5)", .float(-3)), ("ROUND(1.005, 2)", .float(1.01)),
        ("ROUND(1234.5678, -2)", .float(1200)), ("ROUND(1250, -2)", .int(1300)),
        ("TRUNCATE(1.159, 2)", .float(1.15)), ("TRUNCATE(1.15, 2)", .float(1.15)),
        ("TRUNCATE(-1299, -2)", .int(-1200)), ("SQRT(16)", .float(4)),
        ("POWER(2, 10)", .float(1024)),
        ("LOG10(1000)", .float(3)), ("LOG2(8)", .float(3)), ("LOG(2, 8)", .float(3)),
        ("LN(1)", .float(0)), ("EXP(0)", .float(1)), ("MOD(10, 4)", .int(2)),
        ("SIGN(-3.5)", .float(-1)),
        ("GREATEST(1, 3, 2)", .int(3)), ("LEAST('b', 'a')", .string("a")),
        ("GREATEST(1, NULL)", .null),
        ("CAST(' 42 ' AS int)", .int(42)), ("CAST('1.9' AS int)", .int(1)),
        ("CAST(-1.9 AS int)", .int(-1)), ("CAST(1 AS string)", .string("1")),
        ("CAST(1.0 AS string)", .string("1.0")), ("CAST(TRUE AS string)", .string("TRUE")),
        ("CAST('yes' AS bool)", .bool(true)), ("CAST('F' AS boolean)", .bool(false)),
        ("TRY_CAST('x' AS int)", .null), ("TRY_CAST('1e5' AS double)", .float(100_000)),
        ("CAST('9223372036854775807' AS bigint)", .int(.max)),
        ("CAST('-9223372036854775808' AS bigint)", .int(.min)),
        ("TRY_CAST('9223372036854775808' AS bigint)", .null),
        ("CAST(TIMESTAMP '2026-02-03 04:05:06.5' AS string)", .string("2026-02-03 04:05:06.500")),
        ("CAST('1970-01-02T00:00:01Z' AS timestamp)", .timestamp(86_401_000_000)),
        ("TIMESTAMP '1970-01-01 01:00:00+01:00'", .timestamp(0)),
        ("TO_TIMESTAMP('1970-01-01 00:00:00.000001')", .timestamp(1)),
        ("TO_TIMESTAMP_LTZ(1500, 3)", .timestamp(1_500_000)),
        ("TO_TIMESTAMP_LTZ(-1, 9)", .timestamp(-1)),
        ("EXTRACT(WEEK FROM TIMESTAMP '2027-01-01')", .int(53)),
        ("DAYOFWEEK(TIMESTAMP '2026-02-01')", .int(1)), ("YEAR(TIMESTAMP '0001-01-01')", .int(1)),
        ("EXTRACT(EPOCH FROM TIMESTAMP '1969-12-31 23:59:59.5')", .int(-1)),
        ("FLOOR(TIMESTAMP '2026-02-04 10:00:00' TO WEEK) = TIMESTAMP '2026-02-01'", .bool(true)),
        ("CEIL(TIMESTAMP '2026-02-04' TO MONTH) = TIMESTAMP '2026-03-01'", .bool(true)),
        ("TIMESTAMPADD(MONTH, 1, TIMESTAMP '2026-01-31') = TIMESTAMP '2026-02-28'", .bool(true)),
        ("TIMESTAMPDIFF(MONTH, TIMESTAMP '2026-01-31', TIMESTAMP '2026-02-28')", .int(1)),
        ("TIMESTAMPDIFF(DAY, TIMESTAMP '2026-01-03', TIMESTAMP '2026-01-01 01:00:00')", .int(-1)),
        (
            "DATE_FORMAT(TIMESTAMP '2026-02-03 14:05:06.789', 'yyyy/M/dd hh:mm a')",
            .string("2026/2/03 02:05 PM")
        ),
        ("DATE_FORMAT(TIMESTAMP '2026-02-03', 'yy''T''HHmmss.SSS')", .string("26T000000.000")),
        ("IF(1 > 2, 'a', 'b')", .string("b")), ("NULLIF(1, 1.0)", .null),
        ("NULLIF(2, 1.0)", .int(2)),
        ("IFNULL(NULL, 3)", .int(3)), ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", .string("b")),
        ("CASE WHEN NULL THEN 1 END", .null), ("1 IN (2, NULL)", .null),
        ("1 NOT IN (2, 3)", .bool(true)),
        ("NULL AND FALSE", .bool(false)), ("NULL OR TRUE", .bool(true)), ("NOT NULL", .null),
        ("(1 = NULL) IS NOT TRUE", .bool(true)), ("2 NOT BETWEEN 1 AND NULL", .null),
        ("TIMESTAMP '2026-03-31' - INTERVAL '1' MONTH = TIMESTAMP '2026-02-28'", .bool(true)),
        (
            "TIMESTAMP '2026-01-01' + INTERVAL '1.5' SECOND = TIMESTAMP '2026-01-01 00:00:01.5'",
            .bool(true)
        ),
    ])
    func functionOfConstantsIsComputed(text: String, value: Constant) throws {
        #expect(try Self.constant(text) == value)
    }

    /// What has no value fails when it is evaluated, with a message for the row.
    @Test(arguments: [
        ("1 / 0", "division by zero in 1 / 0"), ("1.5 % 0", "division by zero in 1.5 % 0"),
        ("9223372036854775807 + 1", "9223372036854775807 + 1 is beyond the 64 bits of an int"),
        ("-9223372036854775808 / -1", "-9223372036854775808 / -1 is beyond the 64 bits of an int"),
        ("1e308 * 10", "1e+308 * 10.0 is beyond the range of a float"),
        ("SQRT(-1)", "SQRT(-1.0) is not a finite number"),
        ("LN(0)", "LN(0.0) is not a finite number"),
        ("POWER(10, 400)", "POWER(10.0, 400.0) is not a finite number"),
        ("ABS(-9223372036854775808)", "ABS(-9223372036854775808) is beyond the 64 bits of an int"),
        ("CAST('x' AS int)", "cannot cast 'x' to int"),
        ("CAST(1e30 AS int)", "cannot cast 1e+30 to int"),
        ("CAST('2026-13-01' AS timestamp)", "cannot cast '2026-13-01' to timestamp"),
        ("REPEAT('ab', 100000)", "the string would be longer than a string result may be"),
        (
            "TIMESTAMPADD(YEAR, 300000, TIMESTAMP '2026-01-01')",
            "the time is beyond the range of a timestamp"
        ),
        ("TO_TIMESTAMP('soon')", "'soon' is not a timestamp"),
    ])
    func functionWithoutValueFails(text: String, message: String) throws {
        let expression = try Expression.parse(text).get().checked(against: Schema()).get()
        #expect(expression.constant == nil)
        var failures = RowFailures()
        let batch = Batch(columns: [], count: 2)
        _ = expression.makeEvaluator().evaluate(batch, on: batch.selection, failures: &failures)
        #expect(failures.rows == [0, 1])
        #expect(failures.messages == [message, message])
    }
}
