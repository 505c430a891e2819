import Connectors
import Dataflow
import Storage

/// Orders of the project's own generator, as text and as batches.
struct BenchData {
    /// Rows of all chunks.
    let rowCount: Int
    let json: [RawChunk]
    let csv: [RawChunk]
    /// All fields of an order, with the columns the engine adds to timed rows.
    let schema: Schema
    let batches: [Batch]
    /// The shops, as one batch of `shopSchema`.
    let shopSchema: Schema
    let shops: Batch

    static let zones = TimeZoneDatabase { _ in nil }
    static let rowsOfBatch = 4096
    private static let chunkBytes = 512 << 10

    /// The fields of an order.
    static let orderFields: [Field] = [
        Field("order_id", .string), Field("user_id", .string), Field("region", .string),
        Field("shop_id", .int), Field("amount", .float),
        Field("ts", .timestamp, timestampFormat: .milliseconds), Field("status", .string),
        Field("note", .string),
    ]

    /// The fields of a shop.
    private static let shopFields: [Field] = [
        Field("shop_id", .int), Field("name", .string), Field("category", .string),
        Field("city", .string), Field("vip", .bool),
    ]

    /// The columns of an order by name.
    static func column(_ name: String) -> Int {
        orderFields.firstIndex { $0.name == name } ?? 0
    }

    init(rowCount: Int) throws {
        self.rowCount = rowCount
        var options = GeneratorOptions(.orders)
        options.rows = rowCount
        json = try Self.chunks(options)
        var timed = Self.schema(Self.orderFields)
        let plain = timed
        timed.set(.eventTime, to: Self.column("ts"))
        timed.add(.watermark)
        timed.add(.ordinal)
        schema = timed
        let decoded = try Self.decoded(json, plain)
        batches = Self.timed(decoded)
        csv = try Self.text(decoded, plain)
        shopSchema = Self.schema(Self.shopFields)
        shops = Batch.concatenated(
            try Self.decoded(try Self.chunks(GeneratorOptions(.shops)), shopSchema)
        ).owned()
    }

    /// A schema of fields that all leave.
    static func schema(_ fields: [Field]) -> Schema {
        var schema = Schema()
        for field in fields { schema.add(field, leaves: true) }
        return schema
    }

    /// A decoder of NDJSON for fields named as the members are; `record` keeps the record, too.
    static func decoder(_ fields: [Field], record: Bool = false) throws -> JSONDecoder {
        var schema = schema(fields)
        if record { schema.add(.record) }
        let paths = fields.indices.map { JSONFieldPath(path: [fields[$0].name], column: $0) }
        return try JSONDecoder(schema: schema, fields: paths, sourceName: "orders", zones: zones)
    }

    private static func chunks(_ options: GeneratorOptions) throws -> [RawChunk] {
        let generator = try RecordGenerator(options)
        var chunks: [RawChunk] = []
        var row = 0
        var offset = 0
        while row < generator.rowCount {
            var text = GeneratedText(byteCount: chunkBytes)
            row += generator.write(
                rows: row..<generator.rowCount, into: &text, within: chunkBytes)
            let place = SourcePlace(name: "orders", offset: offset)
            offset += text.byteCount
            chunks.append(RawChunk(slab: text.slab, range: 0..<text.byteCount, place: place))
        }
        return chunks
    }

    private static func decoded(_ chunks: [RawChunk], _ schema: Schema) throws -> [Batch] {
        let decoder = try decoder(schema.fields)
        var batches: [Batch] = []
        var rejects = RejectedRows()
        for chunk in chunks {
            decoder.begin(chunk)
            while let batch = decoder.next(rowsMax: rowsOfBatch, rejects: &rejects) {
                batches.append(batch)
            }
        }
        precondition(rejects.isEmpty, "the generator's records are good")
        return batches
    }

    /// The batches with a watermark five seconds behind the greatest time so far, and ordinals.
    private static func timed(_ batches: [Batch]) -> [Batch] {
        var greatest = Int64.min + 5_000_000
        return batches.map { batch in
            var watermark = ColumnBuilder(.int, capacity: batch.count)
            var ordinal = ColumnBuilder(.int, capacity: batch.count)
            var marks = watermark.int64s
            var places = ordinal.int64s
            let time = batch.columns[column("ts")]
            let times = time.int64s
            for row in 0..<batch.count {
                marks[row] = greatest - 5_000_000
                places[row] = Int64(row)
                greatest = max(greatest, times[row])
            }
            let added = [
                watermark.finish(count: batch.count), ordinal.finish(count: batch.count),
            ]
            return Batch(columns: batch.columns + added, count: batch.count)
        }
    }

    /// The batches as CSV without a header, one chunk for each.
    private static func text(_ batches: [Batch], _ schema: Schema) throws -> [RawChunk] {
        let encoder = try CSVOutput(
            schema: schema, dialect: CSVDialect(hasHeader: false, columns: ["-"]), zones: zones
        ).makeEncoder()
        var offset = 0
        return batches.flatMap { encoder.encode($0) }.map { part in
            let place = SourcePlace(name: "orders", offset: offset)
            offset += part.byteCount
            return RawChunk(slab: part.slab, range: 0..<part.byteCount, place: place)
        }
    }
}
