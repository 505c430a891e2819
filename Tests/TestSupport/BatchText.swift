package import Dataflow

/// Batches as tables of text, so that tests read like tables.
///
///     order_id:string  amount:float  ts:timestamp@event_time  @watermark
///     o-1              12.5          1000                     0
///     "two words"      null          1m                       5s
///   ~ skipped          1             0                        0
///
/// The first line names the columns: `name:type`, or `@kind` for a column of the engine
/// (`event_time`, `watermark`, `ordinal`, `record`), or `name:type@kind` for a field that also
/// serves as one. Values are separated by spaces; text with spaces or quotes, empty text and the
/// text `null` are written as JSON strings. Whole numbers and timestamps may carry a unit (`us`,
/// `ms`, `s`, `m`, `h`, `d`), which multiplies them to microseconds; `none` and `end` are the
/// watermarks before the first row and behind the last. A row behind `~` is there but not selected.
package enum BatchText {
    /// A line that is not a row of the table.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The schema that a header line describes.
    package static func schema(_ header: String) throws -> Schema {
        var schema = Schema()
        for word in try words(header) {
            let parts = word.text.split(
                separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            let kind = try parts.count == 2 ? engineColumn(String(parts[1])) : nil
            if parts[0].isEmpty, let kind {
                schema.add(kind)
                continue
            }
            let names = parts[0].split(separator: ":")
            guard names.count == 2,
                let type = FieldType.allCases.first(where: { $0.name == names[1] })
            else { throw Failure(description: "'\(word.text)' is not name:type") }
            let index = schema.add(Field(String(names[0]), type), leaves: true)
            if let kind { schema.set(kind, to: index) }
        }
        return schema
    }

    private static func engineColumn(_ name: String) throws -> Schema.EngineColumn {
        guard let kind = Schema.EngineColumn(rawValue: name) else {
            throw Failure(description: "'@\(name)' is no column of the engine")
        }
        return kind
    }

    /// The schema and the rows of a whole table.
    package static func parse(_ table: String) throws -> (schema: Schema, batch: Batch) {
        let lines = table.split(whereSeparator: \.isNewline)
        guard let header = lines.first else { throw Failure(description: "no header") }
        let schema = try schema(String(header))
        let rows = lines.dropFirst().joined(separator: "\n")
        return (schema, try batch(rows, schema))
    }

    /// Rows of a known schema, one a line.
    package static func batch(_ rows: String, _ schema: Schema) throws -> Batch {
        var table: [[Word]] = []
        var selected: [Int] = []
        for line in rows.split(whereSeparator: \.isNewline) {
            var words = try words(String(line))
            if words.isEmpty { continue }
            let isSkipped = words[0] == Word(text: "~", isQuoted: false)
            if isSkipped { words.removeFirst() } else { selected.append(table.count) }
            guard words.count == schema.fields.count else {
                throw Failure(
                    description: "\(words.count) values for \(schema.fields.count) in '\(line)'")
            }
            table.append(words)
        }
        var columns: [Column] = []
        for (index, field) in schema.fields.enumerated() {
            columns.append(try column(table.map { $0[index] }, field.type))
        }
        if selected.count == table.count { return Batch(columns: columns, count: table.count) }
        return Batch(columns: columns, selection: Selection(selected))
    }

    private static func column(_ values: [Word], _ type: FieldType) throws -> Column {
        var builder = ColumnBuilder(type, capacity: values.count)
        var arena = TextArena()
        for (row, word) in values.enumerated() {
            if word.isNull {
                builder.setNull(row)
            } else if type.isText {
                builder.set(row, to: arena.add(word.text))
            } else {
                try setNumber(word.text, row, &builder)
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: values.count)
    }

    private static func setNumber(
        _ text: String, _ row: Int, _ builder: inout ColumnBuilder
    ) throws {
        switch builder.type {
        case .bool:
            guard let value = Bool(text) else { throw unreadable(text, .bool) }
            var bools = builder.bools
            bools[row] = value ? 1 : 0
        case .int, .timestamp:
            guard let value = wholeNumber(text) else { throw unreadable(text, builder.type) }
            var int64s = builder.int64s
            int64s[row] = value
        case .float:
            guard let value = Double(text) else { throw unreadable(text, .float) }
            var doubles = builder.doubles
            doubles[row] = value
        case .string, .json: break
        }
    }

    private static func unreadable(_ text: String, _ type: FieldType) -> Failure {
        Failure(description: "'\(text)' is no \(type.name)")
    }

    private static func wholeNumber(_ text: String) -> Int64? {
        if text == "none" { return EventTime.none }
        if text == "end" { return EventTime.end }
        let units: [(String, Int64)] = [
            ("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
            ("d", 86_400_000_000),
        ]
        if let value = Int64(text) { return value }
        for (unit, microseconds) in units where text.hasSuffix(unit) {
            if let value = Int64(text.dropLast(unit.count)) { return value * microseconds }
        }
        return nil
    }

    /// A value as it stands in a line.
    struct Word: Equatable {
        let text: String
        let isQuoted: Bool

        var isNull: Bool { !isQuoted && text == "null" }
    }

    /// Cuts a line at spaces, outside of JSON strings.
    static func words(_ line: String) throws -> [Word] {
        var words: [Word] = []
        var rest = Substring(line)
        while true {
            rest = rest.drop(while: \.isWhitespace)
            guard let first = rest.unicodeScalars.first else { return words }
            guard first == "\"" else {
                let word = rest.prefix { !$0.isWhitespace }
                words.append(Word(text: String(word), isQuoted: false))
                rest = rest.dropFirst(word.count)
                continue
            }
            let literal = try quotedPrefix(rest)
            guard let text = try JSONValue(String(literal)).text else { continue }
            words.append(Word(text: text, isQuoted: true))
            rest = rest[literal.endIndex...]
        }
    }

    private static func quotedPrefix(_ text: Substring) throws -> Substring {
        let scalars = text.unicodeScalars
        var isEscaped = false
        for index in scalars.indices.dropFirst() {
            if isEscaped {
                isEscaped = false
            } else if scalars[index] == "\\" {
                isEscaped = true
            } else if scalars[index] == "\"" {
                return text[..<scalars.index(after: index)]
            }
        }
        throw Failure(description: "a string without end in '\(text)'")
    }
}
