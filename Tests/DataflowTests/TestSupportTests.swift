import Dataflow
import TestSupport
import Testing

struct BatchTextTests {
    @Test func tableIsReadAndRenderedBack() throws {
        let (schema, batch) = try BatchText.parse(
            """
            order_id:string  amount:float  ts:timestamp@event_time  ok:bool  @watermark
            o-1              12.5          1000                     true     none
            "two words"      null          1m                       null     5s
            ~ skipped        1             0                        false    0
            "null"           -0.1          2ms                      false    end
            """)
        #expect(schema.eventTime == 2)
        #expect(schema.watermark == 4)
        #expect(
            BatchText.rows(batch, schema) == [
                "o-1 12.5 1000 true \(Int64.min)",
                "\"two words\" null 60000000 null 5000000",
                "\"null\" -0.1 2000 false \(Int64.max)",
            ])
        #expect(BatchText.rows(batch, schema, fields: ["ts"]) == ["1000", "60000000", "2000"])
    }

    @Test(arguments: ["a:int b", "a:what", "@nothing", "a:int\nx", "a:int\n1 2", "a:string\n\"x"])
    func mistakesAreRefused(_ table: String) {
        #expect(throws: (any Error).self) { try BatchText.parse(table) }
    }

    @Test(arguments: Seeds.list(20))
    func randomBatchComesBack(seed: UInt64) throws {
        let header =
            "s:string i:int f:float b:bool t:timestamp j:json @event_time @watermark @ordinal"
        let schema = try BatchText.schema(header)
        var random = RandomBatches(schema, seed: seed)
        for batch in random.batches(5, rowsMax: 50) {
            let rows = BatchText.rows(batch, schema)
            let again = try BatchText.batch(rows.joined(separator: "\n"), schema)
            #expect(again.count == batch.count)
            #expect(BatchText.rows(again, schema) == rows, "\(Seeds.note(seed))")
            #expect(BatchText.cells(again) == BatchText.cells(batch), "\(Seeds.note(seed))")
        }
    }
}

struct JSONValueTests {
    @Test(arguments: [
        "0", "-0", "1.5e+10", "1E5", "\"\"", "[]", "{}", " [ 1 , 2 ] ", "{\"a\":{\"a\":null}}",
        "\"\\ud83d\\ude42\"", "\"\\/\"", "\"\u{7f}\"", "true",
    ])
    func validTextIsRead(_ text: String) throws { _ = try JSONValue(text) }

    @Test(arguments: [
        "", " ", "01", "-", "+1", "1.", ".5", "1e", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}",
        "{a:1}",
        "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\n\"",
        "tru",
        "nulls", "[", "{", "1 1", "NaN", "\u{feff}1", "\"\\ud800\\u0041\"",
    ])
    func invalidTextIsRefused(_ text: String) {
        #expect(throws: JSONFailure.self) { try JSONValue(text) }
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xe2, 0x82, 0x22],
        ] as [[UInt8]])
    func invalidUTF8IsRefused(_ bytes: [UInt8]) {
        #expect(throws: JSONFailure.self) { try JSONValue(bytes: bytes) }
    }

    @Test func nestingHasALimit() throws {
        let text = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        #expect(throws: JSONFailure.self) { try JSONValue(text) }
        _ = try JSONValue(text, depthMax: 600)
    }

    @Test func membersAreFound() throws {
        let value = try JSONValue("{\"a\":{\"b\":1},\"a\":{\"b\":2.50}}")
        #expect(value.at(path: "a.b") == .number("2.50"))
        #expect(value.normalized.description == "{\"a\":{\"b\":2.5}}")
        #expect(value["c"] == nil)
        #expect(try JSONValue("\"e\u{301}\"") != JSONValue("\"\u{e9}\""))
    }

    @Test(arguments: Seeds.list(50))
    func printedValueIsReadBack(seed: UInt64) throws {
        var random = RandomBatches(Schema(), seed: seed)
        random.extremes = 0.5
        let value = random.json(depth: 5)
        #expect(try JSONValue(value.description) == value, "\(Seeds.note(seed))")
    }
}
