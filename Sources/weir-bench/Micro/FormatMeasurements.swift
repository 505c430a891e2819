import Connectors
import Dataflow
import Storage

/// Decoding and encoding.
struct FormatMeasurements {
    let data: BenchData

    func run(_ bench: inout Bench) throws {
        try decodeJSON(["region", "amount", "ts"], "json decode, 3 fields", &bench)
        try decodeJSON(
            ["order_id", "region", "shop_id", "amount", "ts"], "json decode, 5 fields", &bench)
        try decodeJSON(BenchData.orderFields.map(\.name), "json decode, all 8 fields", &bench)
        try decodeJSON(
            ["order_id", "ts"], "json decode, 2 fields, open rows", record: true, &bench)
        try decodeCSV(["region", "amount", "ts"], "csv decode, 3 fields", &bench)
        try decodeCSV(BenchData.orderFields.map(\.name), "csv decode, all 8 fields", &bench)
        try encode(&bench)
    }

    private func fields(_ names: [String]) -> [Field] {
        BenchData.orderFields.filter { names.contains($0.name) }
    }

    private func decodeJSON(
        _ names: [String], _ name: String, record: Bool = false, _ bench: inout Bench
    ) throws {
        let decoder = try BenchData.decoder(fields(names), record: record)
        decode(data.json, decoder, name, &bench)
    }

    private func decodeCSV(_ names: [String], _ name: String, _ bench: inout Bench) throws {
        let columns = BenchData.orderFields.map(\.name)
        let input = try CSVInput(
            schema: BenchData.schema(fields(names)),
            dialect: CSVDialect(hasHeader: false, columns: columns), source: "orders",
            zones: BenchData.zones, readStart: { _ in nil })
        decode(data.csv, input.makeDecoder(), name, &bench)
    }

    private func decode(
        _ chunks: [RawChunk], _ decoder: any Decoder, _ name: String, _ bench: inout Bench
    ) {
        let byteCount = chunks.reduce(0) { $0 + $1.range.count }
        var rowCount = 0
        bench.measure(
            name, rows: data.rowCount, batches: data.batches.count, bytes: byteCount
        ) {
            rowCount = 0
            var rejects = RejectedRows()
            for chunk in chunks {
                decoder.begin(chunk)
                while let batch = decoder.next(
                    rowsMax: BenchData.rowsOfBatch, rejects: &rejects)
                {
                    rowCount += batch.count
                }
            }
            precondition(rowCount == data.rowCount, "every record became a row")
        }
    }

    private func encode(_ bench: inout Bench) throws {
        let closed = data.schema
        encode(try JSONEncoder(schema: closed, zones: BenchData.zones), "json encode", &bench)
        let csv = try CSVOutput(
            schema: closed, dialect: CSVDialect(), zones: BenchData.zones)
        encode(csv.makeEncoder(), "csv encode", &bench)
    }

    private func encode(_ encoder: any Encoder, _ name: String, _ bench: inout Bench) {
        var byteCount = 0
        for batch in data.batches {
            for part in encoder.encode(batch) { byteCount += part.byteCount }
        }
        bench.measure(
            name, rows: data.rowCount, batches: data.batches.count, bytes: byteCount
        ) {
            for batch in data.batches { _ = encoder.encode(batch) }
        }
    }
}
