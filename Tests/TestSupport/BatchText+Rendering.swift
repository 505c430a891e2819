package import Dataflow

extension BatchText {
    /// The selected rows as lines that `batch` reads back; of all columns, or of `columns` alone.
    package static func rows(
        _ batch: Batch, _ schema: Schema, columns: [Int]? = nil
    ) -> [String] {
        let indices = columns ?? Array(schema.fields.indices)
        return (0..<batch.count).map { place in
            let row = batch.selection[place]
            return indices.map { value(batch.columns[$0], row) }.joined(separator: " ")
        }
    }

    /// The selected rows of the named fields.
    package static func rows(
        _ batch: Batch, _ schema: Schema, fields: [String]
    ) -> [String] {
        rows(batch, schema, columns: fields.compactMap { schema.index(of: $0) })
    }

    /// One value, as it stands in a line.
    package static func value(_ column: Column, _ row: Int) -> String {
        guard column.isValid(row) else { return "null" }
        switch column.type {
        case .bool: return column.bools[row] == 0 ? "false" : "true"
        case .int, .timestamp: return "\(column.int64s[row])"
        case .float: return "\(column.doubles[row])"
        case .string, .json:
            let text = column.strings[row].description
            let isPlain =
                text != "null" && text != "~"
                && text.unicodeScalars.allSatisfy {
                    !$0.properties.isWhitespace && $0 != "\"" && $0 != "\\" && $0.value >= 0x20
                }
            return isPlain && !text.isEmpty ? text : JSONValue.quoted(text)
        }
    }

    /// A value in Swift's terms: nil, `Bool`, `Int64`, `Double` or `String` in one comparable enum.
    package static func cell(_ column: Column, _ row: Int) -> Cell {
        guard column.isValid(row) else { return .null }
        return switch column.type {
        case .bool: .bool(column.bools[row] != 0)
        case .int, .timestamp: .int(column.int64s[row])
        case .float: .float(column.doubles[row])
        case .string, .json: .text(Array(column.strings[row].description.utf8))
        }
    }

    /// The value of one field of one row, for naive twins.
    package enum Cell: Hashable, Sendable {
        case null
        case bool(Bool)
        case int(Int64)
        case float(Double)
        /// The bytes of a string or of a JSON text.
        case text([UInt8])
    }

    /// The selected rows as cells, for naive twins that compute row by row.
    package static func cells(_ batch: Batch) -> [[Cell]] {
        (0..<batch.count).map { place in
            batch.columns.map { cell($0, batch.selection[place]) }
        }
    }
}
