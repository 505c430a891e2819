import Dataflow
import Storage
import TestSupport

@testable import Connectors

extension Batch {
    /// The cells of its rows as text (nil for null).
    func texts(json: (String) -> String = { $0 }) -> [[String?]] {
        (0..<count).map { place in
            let row = selection[place]
            return columns.map { column -> String? in
                guard column.isValid(row) else { return nil }
                switch column.type {
                case .bool: return column.bools[row] == 1 ? "true" : "false"
                case .int, .timestamp: return String(column.int64s[row])
                case .float: return column.doubles[row].description
                case .string: return column.strings[row].description
                case .json: return json(column.strings[row].description)
                }
            }
        }
    }
}

/// Runs the decoder over text, and the naive twin beside it.
enum JSONHarness {
    /// A field of a record: its path in dotted form, and its type.
    struct Field {
        let path: String
        let type: FieldType
        var format = TimestampFormat.rfc3339

        init(_ path: String, _ type: FieldType, _ format: TimestampFormat = .rfc3339) {
            self.path = path
            self.type = type
            self.format = format
        }
    }

    /// What came out: rows as text (nil for null), and the records that were refused.
    struct Output: Equatable {
        var rows: [[String?]] = []
        var raws: [String] = []
        var positions: [String] = []
        var errors: [String] = []
    }

    static func schema(_ fields: [Field], record: Bool) -> Schema {
        var schema = Schema()
        for field in fields {
            schema.add(
                Dataflow.Field(field.path, field.type, timestampFormat: field.format), leaves: true)
        }
        if record { schema.add(.record) }
        return schema
    }

    static func decoder(_ fields: [Field], record: Bool = false) throws -> JSONDecoder {
        let paths = fields.enumerated().map { column, field in
            JSONFieldPath(path: field.path.split(separator: ".").map(String.init), column: column)
        }
        return try JSONDecoder(
            schema: schema(fields, record: record), fields: paths, sourceName: "in", zones: .none)
    }

    /// A part of `text` as a chunk; the rest of the text stands before and behind it.
    static func chunk(_ text: [UInt8], _ range: Range<Int>, in slab: Slab) -> RawChunk {
        RawChunk(
            slab: slab, range: range, place: SourcePlace(name: "f", offset: range.lowerBound))
    }

    static func decode(
        _ text: [UInt8], _ decoder: JSONDecoder, _ ranges: [Range<Int>]? = nil, rowsMax: Int = 4096
    ) -> Output {
        let slab = Slab(text)
        var output = Output()
        for range in ranges ?? [0..<text.count] {
            var rejects = RejectedRows()
            decoder.begin(chunk(text, range, in: slab))
            while let batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) {
                precondition(batch.count > 0 && batch.count <= rowsMax)
                output.rows += rows(batch)
            }
            let rejected = rejects.take()
            for row in rows(rejected) {
                output.errors.append(row[0] ?? "")
                output.positions.append(row[3] ?? "")
                output.raws.append(row[4] ?? "")
            }
        }
        return output
    }

    static func rows(_ batch: Batch) -> [[String?]] { batch.texts(json: meaning) }

    /// A JSON text without its spaces and escapes.
    private static func meaning(_ text: String) -> String {
        do throws(JSONFailure) {
            return try JSONValue(text).description
        } catch {
            return "not JSON: \(text)"
        }
    }

    /// Lines, and where each begins.
    static func lines(_ text: [UInt8]) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        for (index, byte) in text.enumerated() where byte == 0x0a {
            lines.append(start..<index)
            start = index + 1
        }
        if start < text.count { lines.append(start..<text.count) }
        return lines
    }

    /// What the naive twin makes of a text, record by record.
    static func expected(_ text: [UInt8], _ fields: [Field], record: Bool = false) throws -> Output
    {
        var output = Output()
        let hasMark = text.starts(with: [0xef, 0xbb, 0xbf])
        for line in lines(text) {
            let from = hasMark && line.lowerBound == 0 ? min(3, line.upperBound) : line.lowerBound
            let bytes = Array(text[from..<line.upperBound])
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
            if let row = try row(bytes, fields) {
                let trimmed = String(decoding: bytes, as: UTF8.self)
                output.rows.append(record ? row + [meaning(trimmed)] : row)
            } else {
                output.raws.append(String(decoding: bytes, as: UTF8.self))
                output.positions.append("f:\(from)")
            }
        }
        return output
    }

    private static func row(_ bytes: [UInt8], _ fields: [Field]) throws -> [String?]? {
        let value: JSONValue
        do throws(JSONFailure) {
            value = try JSONValue(bytes: bytes)
        } catch {
            return nil
        }
        guard value.members != nil else { return nil }
        var row: [String?] = []
        for field in fields {
            let found = value.at(path: field.path)
            guard let found, found != .null else {
                row.append(nil)
                continue
            }
            guard let text = try text(found, field) else { return nil }
            row.append(text)
        }
        return row
    }

    private static func text(_ value: JSONValue, _ field: Field) throws -> String? {
        switch field.type {
        case .bool: return value.bool.map { "\($0)" }
        case .int: return value.int.map { "\($0)" }
        case .float: return value.double.flatMap { $0.isFinite ? $0.description : nil }
        case .string: return value.text
        case .json: return value.description
        case .timestamp:
            var parser = try TimestampParser(field.format, zones: .none)
            let text: String
            switch value {
            case .number(let number) where parser.isNumeric: text = number
            case .string(let string) where !parser.isNumeric: text = string
            default: return nil
            }
            let input = FormatsInput(text)
            return unsafe parser.parse(input.start, input.end).map { "\($0)" }
        }
    }
}

/// Records at random: any values, spelled in any way.
struct RandomRecords {
    var random: SplitMix64
    private var values: RandomBatches
    /// How often a record differs from the usual shape.
    var misshapen = 0.2
    /// How often a byte is broken.
    var broken = 0.05

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        values = RandomBatches(Schema(), seed: seed &+ 1)
        values.extremes = 0.3
    }

    /// Members that the tests' schema names, and others.
    private static let names = ["s", "i", "f", "b", "ms", "sec", "us", "at", "j", "n", "x", "y"]

    mutating func text(lines: Int) -> [UInt8] {
        var bytes: [UInt8] = random.chance(0.2) ? [0xef, 0xbb, 0xbf] : []
        let spaces = random.chance(0.3)
        let end: [UInt8] = random.chance(0.2) ? [0x0d, 0x0a] : [0x0a]
        let order = Self.names.shuffled(using: &random).prefix(random.int(1...12))
        for line in 0..<lines {
            if random.chance(0.03) {
                bytes += Array(random.pick(["", " ", "\t\r", "  "]).utf8) + [0x0a]
            }
            var record = record(Array(order), spaces: spaces)
            if random.chance(broken), !record.isEmpty {
                let place = random.int(0..<record.count)
                switch random.int(0...3) {
                case 0: record.remove(at: place)
                case 1: record.insert(UInt8(random.int(0...255)), at: place)
                case 2: record.removeSubrange(place...)
                default: record[place] = UInt8(random.int(0...255))
                }
            }
            bytes += record
            if line < lines - 1 || random.chance(0.5) { bytes += end }
        }
        return bytes
    }

    private mutating func record(_ order: [String], spaces: Bool) -> [UInt8] {
        if random.chance(0.01) {
            return Array(random.pick(["[]", "1", "null", "\"a\"", "{}", "{ }"]).utf8)
        }
        var names = order
        if random.chance(misshapen) {
            switch random.int(0...3) {
            case 0: names.shuffle(using: &random)
            case 1: names.removeLast()
            case 2: names.append(random.pick(Self.names))
            default: names.append(random.pick(Self.names) + "\u{e9}\"")
            }
        }
        let members = names.map { JSONValue.Member($0, value(of: $0)) }
        var bytes: [UInt8] = []
        write(.object(members), spaces: spaces, to: &bytes)
        return bytes
    }

    private mutating func value(of name: String) -> JSONValue {
        if random.chance(0.05) { return .null }
        if random.chance(0.02) { return values.json(depth: 2) }
        switch name {
        case "s", "x": return .string(values.string())
        case "i": return .number(random.chance(0.2) ? number() : "\(random.int(-99999...99999))")
        case "f", "y": return .number(number())
        case "b": return .bool(random.chance(0.5))
        case "ms", "us":
            return .number(random.chance(0.1) ? number() : "\(random.int(0...1_800_000_000_000))")
        case "sec":
            return .number(random.chance(0.2) ? number() : "\(random.int(0...1_800_000_000))")
        case "at":
            return .string(
                random.chance(0.1)
                    ? "soon" : "2026-01-0\(random.int(1...9))T00:00:0\(random.int(0...9))Z")
        case "n":
            let inner = ["a", "b", "c"].filter { _ in random.chance(0.7) }
                .map {
                    JSONValue.Member(
                        $0,
                        $0 == "c"
                            ? .object([.init("d", .int(random.int(0...9)))])
                            : .string(values.string()))
                }
            return .object(inner)
        default: return values.json(depth: 3)
        }
    }

    mutating func number() -> String {
        let digits = { (random: inout SplitMix64, count: Int) in
            (0..<count).map { _ in "\(random.int(0...9))" }.joined()
        }
        let sign = random.chance(0.3) ? "-" : ""
        switch random.int(0...9) {
        case 0: return sign + "0"
        case 1: return sign + "\(random.int(1...9))" + digits(&random, random.int(0...19))
        case 2: return sign + "0." + digits(&random, random.int(1...20))
        case 3:
            return sign + "\(random.int(1...9))" + digits(&random, random.int(0...14)) + "."
                + digits(&random, random.int(1...9))
        case 4:
            return sign + "\(random.int(0...9))" + random.pick(["e", "E"])
                + random.pick(["", "+", "-"]) + digits(&random, random.int(1...3))
        case 5: return "\(Int64(bitPattern: random.next()))"
        case 6:
            return random.pick([
                "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                "-9223372036854775809", "999999999999999", "1000000000000000", "9223372036854",
                "9223372036855",
            ])
        case 7: return "\(random.anyFinite())"
        default: return sign + "\(random.int(0...99999)).\(random.int(0...99))"
        }
    }

    private mutating func space(_ spaces: Bool, _ bytes: inout [UInt8]) {
        while spaces && random.chance(0.2) { bytes.append(random.pick([0x20, 0x20, 0x09, 0x0d])) }
    }

    private mutating func write(_ value: JSONValue, spaces: Bool, to bytes: inout [UInt8]) {
        switch value {
        case .null, .bool, .number: bytes += Array(value.description.utf8)
        case .string(let text): write(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                space(spaces, &bytes)
                write(element, spaces: spaces, to: &bytes)
                space(spaces, &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            space(spaces, &bytes)
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                space(spaces, &bytes)
                write(member.name, to: &bytes)
                space(spaces, &bytes)
                bytes.append(UInt8(ascii: ":"))
                space(spaces, &bytes)
                write(member.value, spaces: spaces, to: &bytes)
                space(spaces, &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A string, some characters of which are escaped without need.
    private mutating func write(_ text: String, to bytes: inout [UInt8]) {
        let zeal = random.chance(0.1) ? 0.5 : 0.02
        bytes.append(0x22)
        for scalar in text.unicodeScalars {
            if random.chance(zeal) {
                for unit in String(scalar).utf16 {
                    let hex = String(unit, radix: 16, uppercase: random.chance(0.5))
                    bytes += Array(
                        ("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8)
                }
            } else if scalar == "/" && random.chance(0.5) {
                bytes += [0x5c, 0x2f]
            } else {
                bytes += Array(JSONValue.quoted(String(scalar)).utf8.dropFirst().dropLast())
            }
        }
        bytes.append(0x22)
    }
}
