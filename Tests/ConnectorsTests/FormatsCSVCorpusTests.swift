import Dataflow
import Storage
import Testing

@testable import Connectors

/// The files of csv-spectrum, which say what readers of CSV should make of them.
@Suite struct CSVCorpusTests {
    private static let folder = "\(FormatsFiles.data)/csv-spectrum"
    private static let hasFolder = FormatsFiles.read("\(folder)/csvs/simple.csv") != nil

    @Test(
        .enabled(
            if: hasFolder, "no csv-spectrum in \(folder); WEIR_DATA names the folder above it"),
        arguments: [
            "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines",
            "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
        ])
    func filesOfTheCorpusAreReadAsTheySay(_ name: String) throws {
        let csv = try #require(FormatsFiles.read("\(Self.folder)/csvs/\(name).csv"))
        let json = try #require(FormatsFiles.read("\(Self.folder)/json/\(name).json"))
        var reader = FlatJSONReader(json)
        let read = reader.rows()
        let expected = try #require(read)
        let names = try #require(expected.first).map(\.name)
        let schema = CSVHarness.schema(names.map { ($0, .string) })
        // Line ends inside quotes are as in the file, which may differ from what the JSON says.
        let output = CSVHarness.decode(
            [CSVHarness.chunk(csv)], schema, try CSVHarness.input(schema).makeDecoder())
        #expect(output.rejects == [])
        let unified = output.rows.map { row in row.map { $0.map(Self.withoutCR) } }
        let wanted = expected.map { row in row.map { Optional(Self.withoutCR($0.value)) } }
        #expect(unified == wanted)
    }

    private static func withoutCR(_ text: String) -> String {
        String(decoding: text.utf8.filter { $0 != 0x0d }, as: UTF8.self)
    }

    @Test(.enabled(if: hasFolder, "no csv-spectrum in \(folder)"))
    func quotesInsideUnquotedFieldsAreCharacters() throws {
        let csv = try #require(
            FormatsFiles.read("\(Self.folder)/csvs/location_coordinates.csv"))
        let schema = CSVHarness.schema([("Location Coordinates", .string), ("Cities", .string)])
        let output = CSVHarness.decode(
            [CSVHarness.chunk(csv)], schema, try CSVHarness.input(schema).makeDecoder())
        #expect(output.rejects == [])
        #expect(
            output.rows == [["37\u{fffd}36'37.8\"N 121\u{fffd}2'17.9\"W", "Modesto"]])
    }
}

/// Reads an array of flat objects of strings (or one such object), for the corpus alone.
struct FlatJSONReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func rows() -> [[(name: String, value: String)]]? {
        var rows: [[(name: String, value: String)]] = []
        guard take("[") else { return nil }
        repeat {
            guard take("{") else { return nil }
            var row: [(name: String, value: String)] = []
            repeat {
                guard let name = string(), take(":"), let value = string() else { return nil }
                row.append((name, value))
            } while take(",")
            guard take("}") else { return nil }
            rows.append(row)
        } while take(",")
        return take("]") ? rows : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        while place < bytes.count && (bytes[place] == 0x20 || (9...13).contains(bytes[place])) {
            place += 1
        }
        guard place < bytes.count, bytes[place] == UInt8(ascii: scalar) else { return false }
        place += 1
        return true
    }

    private mutating func string() -> String? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            if bytes[place] == UInt8(ascii: "\\"), place + 1 < bytes.count {
                place += 1
                switch bytes[place] {
                case UInt8(ascii: "n"): text.append(0x0a)
                case UInt8(ascii: "r"): text.append(0x0d)
                default: text.append(bytes[place])
                }
            } else {
                text.append(bytes[place])
            }
            place += 1
        }
        place += 1
        return String(decoding: text, as: UTF8.self)
    }
}
