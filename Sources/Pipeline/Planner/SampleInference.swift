import Connectors
import Dataflow

/// Guesses the fields of a source without a schema from its first records.
///
/// A field that is a whole number everywhere is an `int`, with fractions a `float`; what is mixed
/// or never anything but null is a `string`. Members of objects become fields of dotted names where
/// they are objects in every record, and `json` otherwise; lists are `json`. Times are strings or
/// numbers: only a schema can say that they are times.
struct SampleInference {
    /// Records that are looked at.
    static let recordsMax = 1000
    /// Bytes that are looked at.
    static let bytesMax = 1 << 20
    /// Fields that are found.
    static let fieldsMax = 1000
    /// Objects inside each other that become dotted names.
    static let depthMax = 16

    /// What a field's values looked like so far.
    struct Shape {
        var sawBool = false
        var sawInt = false
        var sawFloat = false
        var sawString = false
        var sawList = false
        var members: FieldTable?

        /// Nil for an object whose members are fields of their own.
        var type: FieldType? {
            let scalars = [sawBool, sawInt || sawFloat, sawString].count { $0 }
            if members != nil { return scalars > 0 || sawList ? .json : nil }
            if sawList { return .json }
            if scalars != 1 || sawString { return .string }
            return sawBool ? .bool : sawFloat ? .float : .int
        }
    }

    /// Fields in the order in which they were first seen.
    struct FieldTable {
        private(set) var names: [String] = []
        private var shapes: [String: Shape] = [:]

        /// The shape of a field; a new one if there is room.
        mutating func update(_ name: String, _ change: (inout Shape) -> Void) {
            if shapes[name] == nil {
                guard names.count < SampleInference.fieldsMax else { return }
                names.append(name)
            }
            change(&shapes[name, default: Shape()])
        }

        /// The leaves, with the names that lead there.
        func leaves(below path: [String] = []) -> [(path: [String], type: FieldType)] {
            names.flatMap { name -> [(path: [String], type: FieldType)] in
                guard let shape = shapes[name] else { return [] }
                let here = path + [name]
                if let type = shape.type { return [(here, type)] }
                return shape.members?.leaves(below: here) ?? []
            }
        }
    }

    /// The fields of the sample, which may end inside a record.
    static func fields(
        of sample: [UInt8], format: InputFormatSpec, at place: Place
    ) -> [FieldSpec] {
        let bytes = Array(sample.prefix(bytesMax))
        var table = FieldTable()
        switch format {
        case .json:
            for record in lines(bytes) {
                var reader = SampleJSONReader(record)
                reader.readRecord(into: &table)
            }
        case .csv(let csv): SampleCSVReader(csv).read(bytes, into: &table)
        }
        var fields: [FieldSpec] = []
        for leaf in table.leaves().prefix(fieldsMax) {
            let name = leaf.path.joined(separator: ".")
            let isKnown = fields.contains { $0.name.value == name }
            guard FieldReader.isName(name), !isKnown else { continue }
            fields.append(
                FieldSpec(
                    name: Located(name, at: place), type: leaf.type, timestampFormat: .rfc3339,
                    path: leaf.path))
        }
        return fields
    }

    /// Whole lines; the last counts if it is the only one.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines = bytes.split(
            separator: UInt8(ascii: "\n"), maxSplits: recordsMax, omittingEmptySubsequences: true)
        if lines.count > 1, bytes.last != UInt8(ascii: "\n") || lines.count > recordsMax {
            lines.removeLast()
        }
        return lines
    }
}

/// Looks at the values of one JSON record; stops at the first thing that is not JSON.
struct SampleJSONReader {
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    mutating func readRecord(into table: inout SampleInference.FieldTable) {
        skipBlanks()
        guard next == UInt8(ascii: "{") else { return }
        _ = readObject(into: &table, depth: 0)
    }

    private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A {
            place += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func readObject(
        into table: inout SampleInference.FieldTable, depth: Int
    ) -> Bool {
        guard take("{") else { return false }
        if take("}") { return true }
        repeat {
            skipBlanks()
            guard let name = readString(), take(":") else { return false }
            var isWhole = true
            table.update(name) { shape in isWhole = readValue(into: &shape, depth: depth) }
            guard isWhole else { return false }
        } while take(",")
        return take("}")
    }

    private mutating func readValue(
        into shape: inout SampleInference.Shape, depth: Int
    ) -> Bool {
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"):
            if depth < SampleInference.depthMax {
                var members = shape.members ?? SampleInference.FieldTable()
                let isWhole = readObject(into: &members, depth: depth + 1)
                shape.members = members
                return isWhole
            }
            shape.sawList = true
            return skipNested()
        case UInt8(ascii: "["):
            shape.sawList = true
            return skipNested()
        case UInt8(ascii: "\""):
            shape.sawString = true
            return readString() != nil
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            shape.sawBool = true
            return readWord() != nil
        case UInt8(ascii: "n"): return readWord() == "null"
        default:
            guard let word = readWord() else { return false }
            if Int64(word) != nil {
                shape.sawInt = true
            } else if Double(word) != nil {
                shape.sawFloat = true
            } else {
                return false
            }
            return true
        }
    }

    private mutating func readWord() -> String? {
        let start = place
        while let byte = next, !Array(",}] \t\r\n".utf8).contains(byte) { place += 1 }
        return place > start ? String(decoding: bytes[start..<place], as: UTF8.self) : nil
    }

    /// A string without its quotes; escapes are resolved by halves, which will do for names.
    private mutating func readString() -> String? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while let byte = next {
            place += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), let escaped = next {
                place += 1
                text.append(escaped)
            } else {
                text.append(byte)
            }
        }
        return nil
    }

    /// Passes an object or list of whatever depth.
    private mutating func skipNested() -> Bool {
        var depth = 0
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                if readString() == nil { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            place += 1
            if depth == 0 { return true }
        }
        return false
    }
}

/// Looks at the values of CSV records.
struct SampleCSVReader {
    private let spec: CSVDialect

    init(_ spec: CSVDialect) { self.spec = spec }

    func read(_ bytes: [UInt8], into table: inout SampleInference.FieldTable) {
        var rows = records(bytes)
        var names = spec.columns
        if spec.hasHeader, !rows.isEmpty {
            let header = rows.removeFirst()
            names = names ?? header
        }
        for name in names ?? [] { table.update(name) { _ in } }
        for row in rows {
            for (name, value) in zip(names ?? [], row)
            where !value.isEmpty && !spec.nulls.contains(value) {
                table.update(name) { shape in
                    if Int64(value) != nil {
                        shape.sawInt = true
                    } else if Self.isDecimal(value) {
                        shape.sawFloat = true
                    } else if value == "true" || value == "false" {
                        shape.sawBool = true
                    } else {
                        shape.sawString = true
                    }
                }
            }
        }
    }

    /// Whether text is a number as the decoder takes it: no hexadecimal digits, no infinity.
    private static func isDecimal(_ text: String) -> Bool {
        text.utf8.allSatisfy { "0123456789.eE+-".utf8.contains($0) }
            && Double(text)?.isFinite == true
    }

    /// Whole records; the last counts if it is the only one or its line ends.
    private func records(_ bytes: [UInt8]) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        func text() -> String { String(decoding: field, as: UTF8.self) }
        while place < bytes.count, rows.count <= SampleInference.recordsMax {
            let byte = bytes[place]
            place += 1
            if isQuoted {
                if byte != spec.quote {
                    field.append(byte)
                } else if place < bytes.count, bytes[place] == spec.quote {
                    field.append(byte)
                    place += 1
                } else {
                    isQuoted = false
                }
            } else if byte == spec.quote, field.isEmpty {
                isQuoted = true
            } else if byte == spec.delimiter {
                row.append(text())
                field = []
            } else if byte == UInt8(ascii: "\n") {
                if field.last == UInt8(ascii: "\r") { field.removeLast() }
                row.append(text())
                if row != [""] { rows.append(row) }
                row = []
                field = []
            } else {
                field.append(byte)
            }
        }
        if rows.count < 2, !row.isEmpty || !field.isEmpty { rows.append(row + [text()]) }
        return rows
    }
}
