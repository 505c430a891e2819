import Dataflow
import Operators

/// Rows as values, and as the columns of a batch.
enum ExpressionRows {
    static func column(_ values: [Constant], _ type: FieldType) -> Column {
        var builder = ColumnBuilder(type, capacity: values.count)
        var arena = TextArena()
        for (row, value) in values.enumerated() {
            switch value {
            case .null: builder.setNull(row)
            case .bool(let bool):
                var out = builder.bools
                out[row] = bool ? 1 : 0
            case .int(let number), .timestamp(let number):
                var out = builder.int64s
                out[row] = number
            case .float(let number):
                var out = builder.doubles
                out[row] = number
            case .string(let text): builder.set(row, to: arena.add(text))
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: values.count)
    }

    static func value(_ column: Column, _ row: Int) -> Constant {
        guard column.isValid(row) else { return .null }
        switch column.type {
        case .bool: return .bool(column.bools[row] == 1)
        case .int: return .int(column.int64s[row])
        case .float: return .float(column.doubles[row])
        case .timestamp: return .timestamp(column.int64s[row])
        case .string, .json: return .string(column.strings[row].description)
        }
    }

    /// Whether a null row's value is zero, as columns promise.
    static func isZero(_ column: Column, _ row: Int) -> Bool {
        switch column.type {
        case .bool: column.bools[row] == 0
        case .int, .timestamp: column.int64s[row] == 0
        case .float: column.doubles[row].bitPattern == 0
        case .string, .json: column.strings[row].words == (0, 0)
        }
    }

    static func batch(_ rows: [[Constant]], _ types: [FieldType], _ selection: Selection) -> Batch {
        let columns = types.indices.map { index in
            column(rows.map { $0[index] }, types[index])
        }
        return Batch(columns: columns, selection: selection)
    }
}
