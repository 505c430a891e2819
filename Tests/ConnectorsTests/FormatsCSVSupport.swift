import Dataflow
import Storage

@testable import Connectors

/// CSV in the obvious way: one byte at a time.
enum CSVTwin {
    /// A record: where it starts, and its fields with whether they were quoted; nil for bad quotes.
    struct Record: Equatable {
        var start: Int
        var fields: [(text: [UInt8], isQuoted: Bool)]?

        static func == (a: Record, b: Record) -> Bool {
            a.start == b.start && a.fields?.map(\.text) == b.fields?.map(\.text)
                && a.fields?.map(\.isQuoted) == b.fields?.map(\.isQuoted)
        }
    }

    /// All records, and where each of them ends (behind its line end).
    static func records(_ bytes: [UInt8], _ dialect: CSVDialect = CSVDialect()) -> [(Record, Int)] {
        var all: [(Record, Int)] = []
        var place = 0
        while place < bytes.count {
            let start = place
            var fields: [(text: [UInt8], isQuoted: Bool)] = []
            var isBad = false
            var isDone = false
            while !isDone {
                var text: [UInt8] = []
                var isQuoted = false
                if place < bytes.count && bytes[place] == dialect.quote {
                    isQuoted = true
                    place += 1
                    while true {
                        if place == bytes.count {
                            isBad = true
                            break
                        }
                        if bytes[place] == dialect.quote {
                            if place + 1 < bytes.count && bytes[place + 1] == dialect.quote {
                                place += 1
                            } else {
                                place += 1
                                break
                            }
                        }
                        text.append(bytes[place])
                        place += 1
                    }
                }
                var tail: [UInt8] = []
                while place < bytes.count, bytes[place] != dialect.delimiter, bytes[place] != 0x0a {
                    tail.append(bytes[place])
                    place += 1
                }
                isDone = place == bytes.count || bytes[place] == 0x0a
                if isDone && tail.last == 0x0d { tail.removeLast() }
                if isQuoted && !tail.isEmpty { isBad = true }
                place += 1
                fields.append((text + tail, isQuoted))
            }
            place = min(place, bytes.count)
            all.append((Record(start: start, fields: isBad ? nil : fields), place))
        }
        return all
    }
}

/// Runs the decoder over text.
enum CSVHarness {
    /// What came out of a decoder: rows as text (nil for null), and rejected records.
    struct Output: Equatable {
        var rows: [[String?]] = []
        var rejects: [String] = []
        var positions: [String] = []
        var raws: [String] = []
    }

    static func schema(
        _ fields: [(String, FieldType)], format: TimestampFormat = .rfc3339, record: Bool = false
    ) -> Schema {
        var schema = Schema()
        for (name, type) in fields {
            schema.add(Field(name, type, timestampFormat: format), leaves: true)
        }
        if record { schema.add(.record) }
        return schema
    }

    static func input(
        _ schema: Schema, _ dialect: CSVDialect = CSVDialect(),
        readStart: @escaping @Sendable (String) -> [UInt8]? = { _ in nil }
    ) throws -> CSVInput {
        try CSVInput(
            schema: schema, dialect: dialect, source: "orders", zones: .none, readStart: readStart)
    }

    static func chunk(_ bytes: [UInt8], offset: Int = 0, name: String = "a.csv") -> RawChunk {
        // Something stands before the chunk in its slab, and something else behind it.
        let slab = Slab(byteCount: bytes.count + 8)
        slab.fill(0x22, count: slab.byteCount)
        for (index, byte) in bytes.enumerated() {
            unsafe slab.base.storeBytes(of: byte, toByteOffset: index + 3, as: UInt8.self)
        }
        return RawChunk(
            slab: slab, range: 3..<3 + bytes.count, place: SourcePlace(name: name, offset: offset))
    }

    static func decode(
        _ chunks: [RawChunk], _ schema: Schema, _ decoder: any Decoder, rowsMax: Int = 4096
    ) -> Output {
        var output = Output()
        for chunk in chunks {
            decoder.begin(chunk)
            var rejects = RejectedRows()
            while let batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) {
                precondition(batch.count > 0 && batch.count <= rowsMax)
                output.rows += batch.texts()
            }
            take(&rejects, &output)
        }
        return output
    }

    static func decode(
        _ text: String, _ fields: [(String, FieldType)], _ dialect: CSVDialect = CSVDialect(),
        rowsMax: Int = 4096, record: Bool = false
    ) throws -> Output {
        let schema = schema(fields, record: record)
        let decoder = try input(schema, dialect).makeDecoder()
        return decode([chunk(Array(text.utf8))], schema, decoder, rowsMax: rowsMax)
    }

    private static func take(_ rejects: inout RejectedRows, _ output: inout Output) {
        for row in rejects.take().texts() {
            output.rejects.append(row[0] ?? "")
            output.positions.append(row[3] ?? "")
            output.raws.append(row[4] ?? "")
        }
    }
}
