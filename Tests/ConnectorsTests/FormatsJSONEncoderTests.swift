import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

/// The encoder against text put together by hand, and read back by the decoder.
@Suite struct JSONEncoderTests {
    typealias Cell = BatchText.Cell

    private static func text(_ batch: Batch, _ schema: Schema) throws -> [UInt8] {
        let parts = try JSONEncoder(schema: schema, zones: .none).encode(batch)
        #expect(parts.reduce(0) { $0 + $1.rowCount } == batch.count)
        #expect(parts.allSatisfy { $0.byteCount <= $0.slab.byteCount && $0.rowCount > 0 })
        return parts.flatMap { $0.slab.array(0..<$0.byteCount) }
    }

    private static func lines(_ batch: Batch, _ schema: Schema) throws -> [String] {
        let bytes = try text(batch, schema)
        #expect(batch.isEmpty || bytes.last == 0x0a)
        return String(decoding: bytes, as: UTF8.self).utf8.split(separator: 0x0a)
            .map { String(decoding: Array($0), as: UTF8.self) }
    }

    private static let formats: [TimestampFormat] = [
        .rfc3339, .seconds, .milliseconds, .microseconds, .nanoseconds,
        .pattern("%Y-%m-%d %H:%M:%S.%f", zone: nil),
    ]

    @Test(arguments: Seeds.list(60))
    func rowsAreReadBackAsTheyWere(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var schema = Schema()
        for (index, type) in (0..<random.int(1...9)).map({ ($0, random.pick(FieldType.allCases)) })
        {
            let name = "\(type.name)_\(index)" + (random.chance(0.1) ? "\"\\\u{1}é" : "")
            schema.add(
                Field(name, type, timestampFormat: random.pick(Self.formats)), leaves: true)
        }
        var batches = RandomBatches(schema, seed: seed)
        batches.selected = random.pick([0.1, 0.7, 1])
        batches.stride = 2_000_001
        batches.time = random.pick([0, 1_767_225_600_000_000, -5_000_000_000_000])
        let batch = batches.batch(rows: random.int(0...60))
        let bytes = try Self.text(batch, schema)
        let fields = schema.fields.enumerated().map { column, field in
            JSONFieldPath(path: [field.name], column: column)
        }
        let decoder = try JSONDecoder(
            schema: schema, fields: fields, sourceName: "in", zones: .none)
        let output = JSONHarness.decode(bytes, decoder)
        #expect(output.raws == [], "\(Seeds.note(seed))")
        // Numbers within JSON values keep their text; seconds keep whole ones alone.
        let expected = JSONHarness.rows(batch)
        #expect(output.rows.count == expected.count)
        for (row, wanted) in zip(output.rows, expected) {
            for (column, field) in schema.fields.enumerated() {
                guard field.type == .timestamp, let time = wanted[column].flatMap({ Int64($0) })
                else {
                    // A JSON null is read as a null.
                    let isNull = field.type == .json && wanted[column] == "null"
                    #expect(row[column] == (isNull ? nil : wanted[column]), "\(Seeds.note(seed))")
                    continue
                }
                let read = row[column].flatMap { Int64($0) }
                let unit = (field.timestampFormat.unitNanoseconds ?? 1) / 1000
                let isWhole = unit <= 1 || time % unit == 0
                #expect(
                    read.map { isWhole ? $0 == time : abs($0 - time) < unit } == true,
                    "\(field.timestampFormat) \(time) \(read ?? 0) \(Seeds.note(seed))")
            }
        }
    }

    @Test(arguments: [
        "\"", "\\", "\n", "\r", "\t", "\u{8}", "\u{c}", "\u{0}", "\u{1f}", "\u{7f}", "é", "🙂", "/",
        "\u{2028}",
    ])
    func whatNeedsAnEscapeGetsOneAtEveryOffset(_ special: String) throws {
        var texts: [String] = []
        for count in 0...20 {
            for offset in 0...count {
                let before = String(repeating: "a", count: offset)
                let behind = String(repeating: "b", count: count - offset)
                texts += [before + special + behind, before + special + special + behind]
            }
        }
        var schema = Schema()
        schema.add(Field("s", .string), leaves: true)
        let cells = texts.map { Cell.text(Array($0.utf8)) }
        let batch = Batch(
            columns: [CellBatches.column(cells, .string)], count: texts.count)
        #expect(try Self.lines(batch, schema) == texts.map { "{\"s\":\(JSONValue.quoted($0))}" })
    }

    @Test func closedRowsAreWrittenFieldByField() throws {
        let (schema, batch) = try BatchText.parse(
            """
            s:string i:int                  f:float b:bool j:json      t:timestamp
            a        1                      0.5     true   {"a":1}   1767225600000000
            null     null                   null    null   null        null
            ""       -9223372036854775808   -0.0    false  []          -1
            """)
        #expect(
            try Self.lines(batch, schema) == [
                "{\"s\":\"a\",\"i\":1,\"f\":0.5,\"b\":true,\"j\":{\"a\":1},"
                    + "\"t\":\"2026-01-01T00:00:00Z\"}",
                "{\"s\":null,\"i\":null,\"f\":null,\"b\":null,\"j\":null,\"t\":null}",
                "{\"s\":\"\",\"i\":-9223372036854775808,\"f\":-0.0,\"b\":false,\"j\":[],"
                    + "\"t\":\"1969-12-31T23:59:59.999999Z\"}",
            ])
    }

    @Test func rowsWithoutFieldsAreEmptyObjects() throws {
        let column = CellBatches.column([.int(1), .int(2)], .int)
        var schema = Schema()
        schema.add(Field("i", .int), leaves: false)
        #expect(try Self.lines(Batch(columns: [column], count: 2), schema) == ["{}", "{}"])
        #expect(try Self.text(Batch(columns: [column], count: 0), schema) == [])
    }

    @Test func largeValuesTakePartsOfTheirOwn() throws {
        var schema = Schema()
        schema.add(Field("s", .string), leaves: true)
        let texts = [10, 300_000, 5, 1_000_000, 262_144, 1].map { count in
            String(repeating: count % 2 == 0 ? "\u{1}" : "x", count: count)
        }
        let batch = Batch(
            columns: [CellBatches.column(texts.map { .text(Array($0.utf8)) }, .string)],
            count: texts.count)
        #expect(try Self.lines(batch, schema) == texts.map { "{\"s\":\(JSONValue.quoted($0))}" })
    }

    /// Open rows: what is hidden goes, what is new follows, and everything else stays as it was.
    @Test(arguments: Seeds.list(80))
    func openRowsKeepTheirBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var values = RandomBatches(Schema(), seed: seed)
        let names = ["a", "b", "long-name-of-a-member", "é", "q\"", "x"]
        let records: [(text: String, value: JSONValue, isCompact: Bool)] = try (0..<20).map { _ in
            let members = names.shuffled(using: &random).prefix(random.int(0...6)).map {
                JSONValue.Member($0, values.json(depth: 2))
            }
            let value = JSONValue.object(Array(members))
            var text = value.description
            let isCompact = random.chance(0.7)
            if !isCompact {
                text = text.replacing("{\"", with: "{ \"", maxReplacements: 1)
                if text == "{}" { text = "{ }" } else { text = String(text.dropLast()) + "\t }" }
            }
            return (text, try JSONValue(text), isCompact)
        }
        var schema = Schema()
        schema.add(.record)
        let added = random.int(0...3)
        for index in 0..<added { schema.add(Field("new \(index)", .string), leaves: true) }
        let hidden = (names + ["absent"]).filter { _ in random.chance(0.3) }
        schema.setOutput(schema.output, hidden: random.chance(0.3) ? [] : hidden)
        let news = (0..<20).map { _ in (0..<added).map { _ in values.string() } }
        let columns =
            [CellBatches.column(records.map { .text(Array($0.text.utf8)) }, .json)]
            + (0..<added).map { index in
                CellBatches.column(news.map { .text(Array($0[index].utf8)) }, .string)
            }
        let rows = (0..<20).filter { _ in random.chance(0.7) }
        let lines = try Self.lines(
            Batch(columns: columns, selection: Selection(rows)), schema)
        #expect(lines.count == rows.count)
        for (line, row) in zip(lines, rows) {
            let kept = (records[row].value.members ?? []).filter {
                !schema.hidden.contains($0.name)
            }
            let new = news[row].enumerated().map {
                JSONValue.Member("new \($0.offset)", .string($0.element))
            }
            let expected = JSONValue.object(kept + new)
            #expect(try JSONValue(line) == expected, "\(Seeds.note(seed))")
            if records[row].isCompact { #expect(line == "\(expected)", "\(Seeds.note(seed))") }
            if added == 0 && schema.hidden.isEmpty { #expect(line == records[row].text) }
        }
    }

    @Test func namesWithEscapesAreHiddenToo() throws {
        var schema = Schema()
        schema.add(.record)
        schema.setOutput([], hidden: ["a", "é"])
        let records = [
            "{\"\\u0061\":1,\"b\":2}", "{\"\\u00e9\":1}", "{\"b\":{\"a\":1},\"a\":{\"b\":[1,2]}}",
        ]
        let column = CellBatches.column(records.map { .text(Array($0.utf8)) }, .json)
        #expect(
            try Self.lines(Batch(columns: [column], count: 3), schema)
                == ["{\"b\":2}", "{}", "{\"b\":{\"a\":1}}"])
    }

    /// From bytes to open rows to bytes, nothing changes.
    @Test(arguments: Seeds.list(20))
    func untouchedRecordsLeaveByteForByte(seed: UInt64) throws {
        var records = RandomRecords(seed: seed)
        records.broken = 0
        let text = records.text(lines: 30)
        let decoder = try JSONHarness.decoder([], record: true)
        let slab = Slab(text)
        decoder.begin(JSONHarness.chunk(text, 0..<text.count, in: slab))
        var rejects = RejectedRows()
        var schema = Schema()
        schema.add(.record)
        var written: [UInt8] = []
        while let batch = decoder.next(rowsMax: 7, rejects: &rejects) {
            written += try Self.text(batch, schema)
        }
        let refused = Set(rejects.take().columns[4].texts)
        let hasMark = text.starts(with: [0xef, 0xbb, 0xbf])
        let expected = JSONHarness.lines(Array(text.dropFirst(hasMark ? 3 : 0))).map { line in
            Array(text.dropFirst(hasMark ? 3 : 0))[line]
        }
        .filter { !refused.contains(String(decoding: $0, as: UTF8.self)) }
        .map { line in
            let isSpace: (UInt8) -> Bool = { $0 <= 0x20 }
            return Array(line.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        }
        .filter { !$0.isEmpty }
        #expect(written == expected.flatMap { $0 + [0x0a] }, "\(Seeds.note(seed))")
    }
}

extension Column {
    /// All values of a text column.
    fileprivate var texts: [String] { (0..<count).map { text(at: $0).description } }
}
