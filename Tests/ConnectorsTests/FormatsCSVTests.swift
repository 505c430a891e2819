import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

@Suite struct CSVDecoderTests {
    @Test func everyTypeIsConverted() throws {
        let text = #"""
            id,name,price,paid,at,tags,unused
            1,Ann,1.5,true,2026-01-01T00:00:00Z,"{""a"": [1, ""x""]}",zzz
            -20,"B, ""b""",-2e3,0,2026-01-01T00:00:00.5Z,[],
            +007,"",.5,FALSE,1970-01-01 00:00:00Z,1,
             12 ,,"3",1,,,"
            "
            ,long enough to be no inline text,,,,null,
            """#
        let fields: [(String, FieldType)] = [
            ("name", .string), ("id", .int), ("price", .float), ("paid", .bool), ("at", .timestamp),
            ("tags", .json),
        ]
        let output = try CSVHarness.decode(text, fields)
        #expect(output.rejects == [])
        #expect(
            output.rows == [
                ["Ann", "1", "1.5", "true", "1767225600000000", "{\"a\": [1, \"x\"]}"],
                ["B, \"b\"", "-20", "-2000.0", "false", "1767225600500000", "[]"],
                ["", "7", "0.5", "false", "0", "1"], [nil, "12", "3.0", "true", nil, nil],
                ["long enough to be no inline text", nil, nil, nil, nil, "null"],
            ])
    }

    @Test func mistypedValuesRejectTheirRecord() throws {
        let text = """
            i,f,b,t,j
            1,1,1,1970-01-01T00:00:00Z,1
            1.0,,,,
            99999999999999999999,,,,
            ,1e400,,,
            ,nan,,,
            ,,yes,,
            ,,,1970-01-01,
            ,,,,{
            x,y,z,,
            2,2,0,,2
            """
        let fields: [(String, FieldType)] = [
            ("i", .int), ("f", .float), ("b", .bool), ("t", .timestamp), ("j", .json),
        ]
        for rowsMax in [1, 2, 3, 100] {
            let output = try CSVHarness.decode(text, fields, rowsMax: rowsMax)
            #expect(
                output.rows == [["1", "1.0", "true", "0", "1"], ["2", "2.0", "false", nil, "2"]])
            #expect(
                output.rejects == [
                    "field 'i': '1.0' is not an int",
                    "field 'i': '99999999999999999999' is not an int",
                    "field 'f': '1e400' is too great for a float",
                    "field 'f': 'nan' is not a float", "field 'b': 'yes' is not a bool",
                    "field 't': '1970-01-01' is not a timestamp of the declared format",
                    "field 'j': '{' is not a JSON value", "field 'i': 'x' is not an int",
                ])
            #expect(output.positions.first == "a.csv:39")
            #expect(output.raws.first == "1.0,,,,")
        }
    }

    @Test func badRecordsAreRejectedAndOthersKept() throws {
        let text = "a,b\n1,2\n3\n4,5,6\n\n\"7\"x,8\n9,\"1\"\"0\"\r\n\r\nab\"c,d\"\n11,\"12\n13,14\n"
        let output = try CSVHarness.decode(text, [("a", .string), ("b", .string)])
        #expect(output.rows == [["1", "2"], ["9", "1\"0"], ["ab\"c", "d\""]])
        #expect(
            output.rejects == [
                "the record has 1 field instead of 2", "the record has 3 fields instead of 2",
                "text follows the closing quote of a field", "a quoted field does not end",
            ])
        #expect(output.positions == ["a.csv:8", "a.csv:10", "a.csv:17", "a.csv:44"])
        #expect(output.raws == ["3", "4,5,6", "\"7\"x,8", "11,\"12\n13,14\n"])
    }

    @Test func invalidUTF8IsRejectedWhereItIsWanted() throws {
        var bytes = Array("a,b\nx,1\n".utf8)
        bytes += [0xff] + Array(",2\n".utf8) + Array("\u{20ac}uro,3\nlong ascii text,".utf8)
        bytes += [0xc3, 0x28] + Array("\n".utf8) + Array("é\0,5\n".utf8)
        let schema = CSVHarness.schema([("a", .string)])
        let input = try CSVHarness.input(schema)
        let output = CSVHarness.decode([CSVHarness.chunk(bytes)], schema, input.makeDecoder())
        #expect(output.rows == [["x"], ["\u{20ac}uro"], ["long ascii text"], ["é\0"]])
        #expect(output.rejects == ["field 'a' is not valid UTF-8"])
        let open = CSVHarness.schema([("a", .string)], record: true)
        let records = CSVHarness.decode(
            [CSVHarness.chunk(bytes)], open, try CSVHarness.input(open).makeDecoder())
        #expect(records.rows.map { $0[1] } == ["x,1", "\u{20ac}uro,3", "é\0,5"])
        #expect(
            records.rejects == ["field 'a' is not valid UTF-8", "the record is not valid UTF-8"])
    }

    @Test func dialectsAreFollowed() throws {
        let dialect = CSVDialect(
            delimiter: 0x09, quote: 0x27, hasHeader: false, columns: ["x", "y", "z"],
            nulls: ["NA", "a longer null text"])
        let text = "\u{feff}1\t'it''s'\tNA\nNA\ta longer null text\t'NA'\n"
        let fields: [(String, FieldType)] = [("z", .string), ("y", .string), ("x", .int)]
        let output = try CSVHarness.decode(text, fields, dialect)
        #expect(output.rows == [[nil, "it's", "1"], ["NA", nil, nil]])
        #expect(output.rejects == [])
        #expect(dialect.problem == nil)
        #expect(CSVDialect(hasHeader: false).problem != nil)
        #expect(CSVDialect(delimiter: 0x22).problem != nil)
    }

    @Test func nullsMayLookLikeValues() throws {
        let dialect = CSVDialect(nulls: ["-999", "NA", "1970-01-01T00:00:00Z", "0"])
        let text = """
            i,f,t,b,s
            -999,-999,1970-01-01T00:00:00Z,0,-999
            "-999","-999","1970-01-01T00:00:00Z","0","-999"
            -9990,-999.0,1970-01-01T00:00:01Z,1,x
             NA , NA,NA ,\tNA,NA
            """
        let fields: [(String, FieldType)] = [
            ("i", .int), ("f", .float), ("t", .timestamp), ("b", .bool), ("s", .string),
        ]
        let output = try CSVHarness.decode(text, fields, dialect)
        #expect(output.rejects == [])
        #expect(
            output.rows == [
                [nil, nil, nil, nil, nil], ["-999", "-999.0", "0", "false", "-999"],
                ["-9990", "-999.0", "1000000", "true", "x"], [nil, nil, nil, nil, nil],
            ])
    }

    @Test func aJSONValueStandsOnOneLine() throws {
        let text =
            "id,j\n1,\"{\n\"\"a\"\":\n1,\"\"long enough to be no inline text\"\":2}\"\n2,\"[\n]\"\n"
        let output = try CSVHarness.decode(text, [("j", .json)])
        #expect(output.rejects == [])
        #expect(
            output.rows == [["{ \"a\": 1,\"long enough to be no inline text\":2}"], ["[ ]"]])
    }

    @Test func halvesOfSurrogatePairsAreNoJSON() throws {
        let values = [
            #""\ud83d\ude00""#, #""\u00e9\uABCD""#, #""\ud83d""#, #""\ude00""#, #""\ud83d\n""#,
        ]
        let text = "j\n" + values.map { "'\($0)'\n" }.joined()
        let output = try CSVHarness.decode(
            text, [("j", .json)], CSVDialect(quote: UInt8(ascii: "'")))
        #expect(output.rows == values.prefix(2).map { [$0] })
        #expect(output.rejects.count == 3)
    }

    @Test func columnsOfOneFieldMayBeEmpty() throws {
        let output = try CSVHarness.decode("a\n1\n\n\r\n2", [("a", .int)])
        #expect(output.rows == [["1"], [nil], [nil], ["2"]])
    }

    @Test func aMegabyteInAFieldIsOneField() throws {
        let long = String(repeating: "0123456789abcde\n", count: 1 << 16)
        let text = "a,b\n\"\(long)\",1\nx,2\n"
        let output = try CSVHarness.decode(text, [("a", .string), ("b", .int)])
        #expect(output.rows == [[long, "1"], ["x", "2"]])
        let open = try CSVHarness.decode("a,b\n1,2\n\"\(long)", [("a", .string), ("b", .int)])
        #expect(open.rows == [["1", "2"]])
        #expect(open.rejects == ["a quoted field does not end"])
        #expect(open.raws[0].utf8.count == RejectedRows.rawBytesMax)
    }

    @Test func missingColumnsAreNamed() throws {
        let output = try CSVHarness.decode("a,b,b\n1,2,3\n4\n", [("a", .int), ("c", .int)])
        let message = "the header has no column 'c'; it has 'a', 'b', 'b'"
        #expect(output.rows == [])
        #expect(output.rejects == [message, message])
        let doubled = try CSVHarness.decode("a,b,b\n1,2,3\n", [("b", .int)])
        #expect(doubled.rejects == ["the header has column 'b' more than once"])
    }

    @Test func chunksOfSeveralFilesFindTheirHeaderInAnyOrder() throws {
        let schema = CSVHarness.schema([("a", .int), ("b", .string)])
        let first = Array("a,b\n1,x\n".utf8)
        let second = Array("\u{feff}b,\"a\"\ny,2\n".utf8)
        let input = try CSVHarness.input(schema) { name in
            name == "1.csv" ? first : name == "2.csv" ? second : nil
        }
        let chunks = [
            CSVHarness.chunk(Array("3,z\n".utf8), offset: 8, name: "1.csv"),
            CSVHarness.chunk(Array("w,4\n".utf8), offset: 14, name: "2.csv"),
            CSVHarness.chunk(first, name: "1.csv"), CSVHarness.chunk(second, name: "2.csv"),
            CSVHarness.chunk(Array("5,v\n".utf8), offset: 9, name: "3.csv"),
            CSVHarness.chunk(Array("6,u\n".utf8), offset: 12, name: "1.csv"),
        ]
        let output = CSVHarness.decode(chunks, schema, input.makeDecoder())
        #expect(
            output.rows == [["3", "z"], ["4", "w"], ["1", "x"], ["2", "y"], ["6", "u"]])
        #expect(output.rejects == ["the header line of 3.csv is not known"])
    }

    @Test func aHeaderNotedByTheSourceServesAllDecoders() throws {
        let schema = CSVHarness.schema([("a", .int)])
        let input = try CSVHarness.input(schema)
        let decoder = input.makeDecoder()
        for (header, expected) in [("a,b\n", "1"), ("b,a\n", "2")] {
            // The same name starts anew, with other columns.
            input.headers.note(CSVHarness.chunk(Array(header.utf8), name: "stdin"))
            let chunk = CSVHarness.chunk(Array("1,2\n".utf8), offset: 4, name: "stdin")
            #expect(CSVHarness.decode([chunk], schema, decoder).rows == [[expected]])
        }
    }
}

@Suite struct CSVTwinTests {
    /// Text in which quotes, delimiters and line ends are frequent.
    private static func text(_ random: inout SplitMix64, isClean: Bool) -> [UInt8] {
        var text: [UInt8] = []
        let lineEnds: [[UInt8]] = [[0x0a], [0x0d, 0x0a]]
        if !isClean {
            let alphabet = Array("\"\"\",,\n\n\rab1 é".utf8)
            for _ in 0..<random.next(below: 200) {
                text.append(alphabet[random.next(below: alphabet.count)])
            }
            return text
        }
        for _ in 0..<1 + random.next(below: 30) {
            for field in 0..<3 {
                if field > 0 { text.append(0x2c) }
                let isQuoted = random.next(below: 3) == 0
                if isQuoted { text.append(0x22) }
                for _ in 0..<random.next(below: random.next(below: 10) == 0 ? 100 : 8) {
                    let byte = Array("abc\",\n\r0123456789".utf8)[random.next(below: 17)]
                    if isQuoted {
                        text += byte == 0x22 ? [0x22, 0x22] : [byte]
                    } else if byte > 0x2c {
                        text.append(byte)
                    }
                }
                if isQuoted { text.append(0x22) }
            }
            text += lineEnds[random.next(below: 2)]
        }
        if random.next(below: 2) == 0 { text.removeLast() }
        return text
    }

    private static let dialect = CSVDialect(hasHeader: false, columns: ["a", "b", "c"])

    @Test func randomTextInEverySplitAgreesWithTheTwin() throws {
        let schema = CSVHarness.schema([("a", .string), ("c", .string), ("b", .string)])
        let input = try CSVHarness.input(schema, Self.dialect)
        let decoder = input.makeDecoder()
        var random = SplitMix64(seed: 0x5eed_0020)
        var kept = 0
        for round in 0..<400 {
            let text = Self.text(&random, isClean: round % 2 == 0)
            guard String(validating: text, as: UTF8.self) != nil else { continue }
            let records = CSVTwin.records(text)
            var expected: [[String?]] = []
            var rejected: [String] = []
            for (record, _) in records {
                guard let fields = record.fields, fields.count == 3 else {
                    let isEmpty =
                        record.fields?.count == 1 && record.fields?[0].text.isEmpty == true
                        && record.fields?[0].isQuoted == false
                    if !isEmpty { rejected.append("a.csv:\(record.start)") }
                    continue
                }
                expected.append(
                    [0, 2, 1].map { index -> String? in
                        let field = fields[index]
                        return field.text.isEmpty && !field.isQuoted
                            ? nil : String(decoding: field.text, as: UTF8.self)
                    })
            }
            kept += expected.count
            // Split behind every record in turn, and behind all of them.
            let splits = [[]] + records.dropLast().map { [$0.1] } + [records.dropLast().map(\.1)]
            for split in splits {
                var chunks: [RawChunk] = []
                var start = 0
                for end in split + [text.count] {
                    chunks.append(CSVHarness.chunk(Array(text[start..<end]), offset: start))
                    start = end
                }
                let rowsMax = 1 + random.next(below: 5)
                let output = CSVHarness.decode(chunks, schema, decoder, rowsMax: rowsMax)
                if output.rows != expected || output.positions != rejected {
                    Issue.record("\(String(decoding: text, as: UTF8.self)), seed 0x5eed_0020")
                    return
                }
            }
        }
        #expect(kept > 1000)
    }
}

@Suite struct CSVEncoderTests {
    private static let fields: [(String, FieldType)] = [
        ("s", .string), ("i", .int), ("f", .float), ("b", .bool), ("t", .timestamp), ("j", .json),
    ]

    private func encode(_ text: String, _ dialect: CSVDialect = CSVDialect()) throws -> String {
        let schema = CSVHarness.schema(Self.fields)
        let decoder = try CSVHarness.input(schema).makeDecoder()
        let output = try CSVOutput(schema: schema, dialect: dialect, zones: .none)
        let encoder = output.makeEncoder()
        var rejects = RejectedRows()
        var result = String(decoding: output.headerBytes, as: UTF8.self)
        decoder.begin(CSVHarness.chunk(Array(text.utf8)))
        while let batch = decoder.next(rowsMax: 3, rejects: &rejects) {
            for part in encoder.encode(batch) {
                #expect(part.rowCount == batch.count)
                let bytes = unsafe UnsafeRawBufferPointer(
                    start: part.slab.base, count: part.byteCount)
                result += unsafe String(decoding: bytes, as: UTF8.self)
            }
        }
        let rejected = rejects.count
        #expect(rejected == 0)
        return result
    }

    @Test func whatWasReadIsWrittenAgain() throws {
        let long = String(repeating: "long text, with commas; ", count: 2000)
        let text = #"""
            s,i,f,b,t,j
            plain,1,1.5,true,2026-01-01T00:00:00Z,1
            "with ""quotes""",-2,0.1,false,2026-01-01T00:00:00.500Z,"[1,""a""]"
            "",,,,,
            ,9223372036854775807,1e+300,true,0001-01-01T00:00:00Z,null
            "comma,",0,12.0,false,9999-12-31T23:59:59.999999Z,{}
            "two
            lines",0,0.0,true,1970-01-01T00:00:00Z,1
            longer than the twelve bytes of a view,1,1.0,true,1970-01-01T00:00:00Z,true
            "\#(long)",1,1.0,true,1970-01-01T00:00:00Z,true

            """#
        #expect(try encode(text) == text)
    }

    @Test func textThatWouldReadAsNullIsQuoted() throws {
        let dialect = CSVDialect(delimiter: 0x3b, nulls: ["NA"])
        let text = "s,i,f,b,t,j\nNA,1,,,,\na;b,,,,,\nNAN,,,,,\n"
        let expected = "s;i;f;b;t;j\n\"NA\";1;;;;\n\"a;b\";;;;;\nNAN;;;;;\n"
        #expect(try encode(text, dialect) == expected)
        let numeric = CSVDialect(nulls: ["-999", "1.5", "true"])
        #expect(
            try encode("s,i,f,b,t,j\n-999,-999,1.5,true,,\na,-99,1.25,false,,\n", numeric)
                == "s,i,f,b,t,j\n\"-999\",\"-999\",\"1.5\",\"true\",,\na,-99,1.25,false,,\n")
    }

    @Test func namesAndPatternsAreQuotedWhereTheyMustBe() throws {
        var schema = Schema()
        let format = TimestampFormat.pattern("%d.%m.%Y, %H:%M", zone: nil)
        schema.add(Field("at, \"local\"", .timestamp, timestampFormat: format), leaves: true)
        schema.add(Field("hidden", .int), leaves: false)
        let output = try CSVOutput(
            schema: schema, dialect: CSVDialect(), zones: .none)
        #expect(String(decoding: output.headerBytes, as: UTF8.self) == "\"at, \"\"local\"\"\"\n")
        var builder = ColumnBuilder(.timestamp, capacity: 1)
        var times = builder.int64s
        times[0] = 1_767_225_600_000_000
        let batch = Batch(columns: [builder.finish(count: 1)], count: 1)
        let parts = output.makeEncoder().encode(batch)
        let part = try #require(parts.first)
        let bytes = unsafe UnsafeRawBufferPointer(start: part.slab.base, count: part.byteCount)
        #expect(unsafe String(decoding: bytes, as: UTF8.self) == "\"01.01.2026, 00:00\"\n")
    }
}
