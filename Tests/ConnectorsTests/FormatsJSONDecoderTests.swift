import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

/// The decoder against the naive twin: the same rows, the same records refused.
@Suite struct JSONDecoderTests {
    private static let fields: [JSONHarness.Field] = [
        .init("s", .string), .init("i", .int), .init("f", .float), .init("b", .bool),
        .init("ms", .timestamp, .milliseconds), .init("sec", .timestamp, .seconds),
        .init("us", .timestamp, .microseconds), .init("at", .timestamp), .init("j", .json),
        .init("n.a", .string), .init("n.c.d", .int), .init("n", .json), .init("x", .string),
    ]

    private static func choose(_ random: inout SplitMix64) -> [JSONHarness.Field] {
        fields.filter { _ in random.chance(0.6) }.shuffled(using: &random)
    }

    @Test(arguments: Seeds.list(60))
    func agreesWithTheTwin(seed: UInt64) throws {
        var records = RandomRecords(seed: seed)
        records.misshapen = records.random.pick([0, 0.02, 0.3, 1])
        records.broken = records.random.pick([0, 0.01, 0.3])
        let text = records.text(lines: records.random.int(1...60))
        let fields = Self.choose(&records.random)
        let hasRecord = records.random.chance(0.5)
        let expected = try JSONHarness.expected(text, fields, record: hasRecord)
        let lines = JSONHarness.lines(text).map {
            $0.lowerBound..<min($0.upperBound + 1, text.count)
        }
        // All at once, in small batches, in chunks of some records, and by a reader that knows no
        // shape when it meets a record.
        var cuts: [[Range<Int>]] = [[0..<text.count], lines]
        var chunks: [Range<Int>] = []
        for line in lines {
            if let last = chunks.last, records.random.chance(0.7) {
                chunks[chunks.count - 1] = last.lowerBound..<line.upperBound
            } else {
                chunks.append(line)
            }
        }
        cuts.append(chunks)
        for cut in cuts {
            for rowsMax in [1, 7, 4096] {
                let decoder = try JSONHarness.decoder(fields, record: hasRecord)
                compare(
                    JSONHarness.decode(text, decoder, cut, rowsMax: rowsMax), expected, seed)
            }
        }
        var fresh = JSONHarness.Output()
        for line in lines {
            let decoder = try JSONHarness.decoder(fields, record: hasRecord)
            let part = JSONHarness.decode(text, decoder, [line])
            fresh.rows += part.rows
            fresh.raws += part.raws
            fresh.positions += part.positions
        }
        compare(fresh, expected, seed)
    }

    private func compare(
        _ output: JSONHarness.Output, _ expected: JSONHarness.Output, _ seed: UInt64
    ) {
        #expect(output.rows == expected.rows, "\(Seeds.note(seed))")
        #expect(output.raws == expected.raws, "\(Seeds.note(seed))")
        #expect(output.positions == expected.positions, "\(Seeds.note(seed))")
    }

    /// What stands behind a chunk in its memory, be it the rest of the record, does not count.
    @Test(arguments: Seeds.list(6))
    func nothingBehindTheChunkIsRead(seed: UInt64) throws {
        var records = RandomRecords(seed: seed)
        records.misshapen = 0
        records.broken = 0
        let text = records.text(lines: 6)
        let fields = Self.choose(&records.random)
        let lines = JSONHarness.lines(text)
        guard let last = lines.last, lines.count >= 2 else { return }
        for end in lines[lines.count - 2].lowerBound...last.upperBound where end > 0 {
            let decoder = try JSONHarness.decoder(fields, record: true)
            let output = JSONHarness.decode(text, decoder, [0..<end])
            let expected = try JSONHarness.expected(Array(text[..<end]), fields, record: true)
            #expect(output.rows == expected.rows, "up to \(end), \(Seeds.note(seed))")
            #expect(output.raws == expected.raws, "up to \(end), \(Seeds.note(seed))")
        }
    }

    /// One value behind records of one shape, so that the fast path meets it, and alone, so that
    /// the general reader does.
    private func both(_ value: String, _ type: FieldType, _ format: TimestampFormat = .rfc3339)
        throws -> [String?]
    {
        let usual =
            switch type {
            case .bool: "true"
            case .int, .float: "1"
            case .string, .json: "\"\""
            case .timestamp where format == .rfc3339: "\"2026-01-01T00:00:00Z\""
            case .timestamp: format.unitNanoseconds == nil ? "\"2026/01/01\"" : "1"
            }
        let fields = [JSONHarness.Field("v", type, format)]
        let record = Array("{\"v\":\(value)}\n".utf8)
        let first = Array("{\"v\":\(usual)}\n".utf8)
        let alone = JSONHarness.decode(record, try JSONHarness.decoder(fields))
        let behind = JSONHarness.decode(
            first + first + record + first, try JSONHarness.decoder(fields))
        #expect(behind.errors == alone.errors, "\(value)")
        let isRow = alone.rows.count == 1
        #expect(behind.rows.count == (isRow ? 4 : 3))
        if isRow && behind.rows.count == 4 { #expect(behind.rows[2] == alone.rows[0], "\(value)") }
        let expected = try JSONHarness.expected(record, fields)
        #expect(alone.rows == expected.rows, "\(value)")
        return alone.rows.first ?? ["rejected"]
    }

    @Test(arguments: [
        "-0", "0", "-0.0", "-0e0", "0.5", "-0.25", "1e22", "123456789012345", "1234567890123456",
        "0.1234567", "0.12345678", "99999999.9999999", "1.", "01", "-", "+1", "1e", "1e400",
        "0.1e-400", "-1.5", "12345678.1234567", "00", "-01", "1.5e", "1.e5", ".5",
    ])
    func floatsAreTheSameByBothWays(_ text: String) throws { _ = try both(text, .float) }

    @Test(arguments: [
        "-0", "0", "12345678", "123456789", "999999999999999", "1000000000000000",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0", "1e2", "01",
        "-", "--1", "1a", "\"1\"", "null", "true", "nul", "nulll",
    ])
    func intsAreTheSameByBothWays(_ text: String) throws { _ = try both(text, .int) }

    @Test func timesBeyondTheRangeAreRefused() throws {
        #expect(try both("9223372036854", .timestamp, .seconds) == ["9223372036854000000"])
        #expect(try both("9223372036855", .timestamp, .seconds) == ["rejected"])
        #expect(try both("999999999999999", .timestamp, .seconds) == ["rejected"])
        #expect(try both("-999999999999999", .timestamp, .seconds) == ["rejected"])
        #expect(try both("9223372036854775", .timestamp, .milliseconds) == ["9223372036854775000"])
        #expect(try both("9223372036854776", .timestamp, .milliseconds) == ["rejected"])
        #expect(try both("1767225600123456789", .timestamp, .nanoseconds) == ["1767225600123456"])
        #expect(try both("1767225600.5", .timestamp, .seconds) == ["1767225600500000"])
    }

    @Test func escapesInTimesAreRead() throws {
        #expect(
            try both("\"2026-01-01T00:00:00\\u005a\"", .timestamp) == ["1767225600000000"])
        #expect(
            try both("\"2026\\/01\\/01\"", .timestamp, .pattern("%Y/%m/%d", zone: nil))
                == ["1767225600000000"])
    }

    @Test func nullIsNullOfEveryType() throws {
        for type in FieldType.allCases {
            #expect(try both("null", type, .milliseconds) == [nil])
        }
    }

    /// Nesting counts from the record, whichever way it is read, and never ends the stack.
    @Test(arguments: [FieldType.json, .string, .int])
    func nestingIsBoundBothWays(type: FieldType) throws {
        for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [510, 511, 512, 513, 20_000] {
                let value =
                    String(repeating: opening, count: depth) + "1"
                    + String(repeating: closing, count: depth)
                for name in ["v", "other"] {
                    let first = "{\"v\":null,\"other\":1}\n"
                    let record =
                        name == "v"
                        ? "{\"v\":\(value),\"other\":1}\n" : "{\"v\":null,\"other\":\(value)}\n"
                    let text = Array((first + first + record + first).utf8)
                    let fields = [JSONHarness.Field("v", type)]
                    let output = JSONHarness.decode(text, try JSONHarness.decoder(fields))
                    let isAccepted = depth < 512 && (name == "other" || type == .json)
                    #expect(output.rows.count == (isAccepted ? 4 : 3), "\(depth) \(name)")
                    let fresh = JSONHarness.decode(
                        Array(record.utf8), try JSONHarness.decoder(fields))
                    #expect(fresh.rows.count == (isAccepted ? 1 : 0), "\(depth) \(name)")
                }
            }
        }
        let nested = [JSONHarness.Field("a.a.a", type)]
        for depth in [511, 512, 513, 20_000] {
            let text =
                String(repeating: "{\"a\":", count: depth) + "null"
                + String(repeating: "}", count: depth) + "\n"
            let output = JSONHarness.decode(
                Array((text + text).utf8), try JSONHarness.decoder(nested))
            let isAccepted = depth <= 512 && type == .json
            #expect(output.rows.count == (isAccepted ? 2 : 0), "\(depth)")
        }
    }

    @Test func theLastOfSeveralMembersCounts() throws {
        let fields = [JSONHarness.Field("a", .int), .init("n.b", .int), .init("n.c", .string)]
        let text = """
            {"a":1,"a":2}
            {"a":"x","a":2}
            {"a":1,"a":null}
            {"a":2,"a":"x"}
            {"n":{"b":1,"c":"x"},"n":{"b":2}}
            {"n":{"b":"bad"},"n":{"b":2}}
            {"n":{"b":1},"n":5}
            {"n":5,"n":{"b":1}}
            {"\\u0061":7}
            {"n":{"b":1,"b":2}}
            """
        let output = JSONHarness.decode(Array(text.utf8), try JSONHarness.decoder(fields))
        #expect(output.rows == (try JSONHarness.expected(Array(text.utf8), fields)).rows)
        #expect(output.raws == ["{\"a\":2,\"a\":\"x\"}"])
    }

    @Test func messagesSayWhatIsWrongAndWhere() throws {
        let fields = [JSONHarness.Field("id", .int)]
        let text = "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":1,}\n"
        let output = JSONHarness.decode(Array(text.utf8), try JSONHarness.decoder(fields))
        #expect(
            output.errors == [
                "field 'id' is not of type int: \"x\" (byte 7 of the record)",
                "expected a member name (byte 9 of the record)",
            ])
        #expect(output.positions == ["f:9", "f:20"])
        #expect(output.raws == ["{\"id\":\"x\"}", "{\"id\":1,}"])
    }

    @Test func aShapeThatChangesIsLearntAnew() throws {
        let fields = [JSONHarness.Field("a", .int), .init("b", .string)]
        let old = String(repeating: "{\"a\":1,\"b\":\"x\"}\n", count: 30)
        let new = String(repeating: "{ \"b\" : \"y\", \"c\": [1, 2], \"a\": 2 }\n", count: 30)
        let decoder = try JSONHarness.decoder(fields)
        let output = JSONHarness.decode(Array((old + new + old).utf8), decoder)
        #expect(
            output.rows == Array(repeating: ["1", "x"], count: 30)
                + Array(repeating: ["2", "y"], count: 30) + Array(repeating: ["1", "x"], count: 30))
        #expect(decoder.template.isComplete)
    }

    @Test(arguments: Seeds.list(60))
    func bytesOfAnyKindAreRowsOrRefused(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "true", "null", "1", "-", ".",
            "e", " ", "\n", "\"s\":", "\"i\":", "\u{0}", "é", "\u{feff}",
        ]
        var text: [UInt8] = []
        for _ in 0..<random.int(0...300) {
            if random.chance(0.1) {
                text.append(UInt8(random.int(0...255)))
            } else {
                text += Array(random.pick(pieces).utf8)
            }
        }
        let fields = Self.choose(&random)
        let output = JSONHarness.decode(text, try JSONHarness.decoder(fields, record: true))
        let expected = try JSONHarness.expected(text, fields, record: true)
        compare(output, expected, seed)
    }
}
