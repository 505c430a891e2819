package import Dataflow

/// Batches out of cells, the naive twins' values.
package enum CellBatches {
    package typealias Cell = BatchText.Cell

    /// A column of these cells.
    package static func column(_ cells: [Cell], _ type: FieldType) -> Column {
        var builder = ColumnBuilder(type, capacity: cells.count)
        var arena = TextArena()
        for (row, cell) in cells.enumerated() {
            switch cell {
            case .null: builder.setNull(row)
            case .bool(let value):
                var out = builder.bools
                out[row] = value ? 1 : 0
            case .int(let value):
                var out = builder.int64s
                out[row] = value
            case .float(let value):
                var out = builder.doubles
                out[row] = value
            case .text(let bytes): builder.set(row, to: arena.add(utf8: bytes.span))
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: cells.count)
    }

    /// The order of the values of one field, nulls first.
    package static func precedes(_ a: Cell, _ b: Cell) -> Bool? {
        switch (a, b) {
        case (.null, .null): return nil
        case (.null, _): return true
        case (_, .null): return false
        case (.bool(let x), .bool(let y)): return x == y ? nil : !x
        case (.int(let x), .int(let y)): return x == y ? nil : x < y
        case (.float(let x), .float(let y)): return x == y ? nil : x < y
        case (.text(let x), .text(let y)): return x == y ? nil : x.lexicographicallyPrecedes(y)
        default: return nil
        }
    }

    /// The order of rows, field by field; nil for equal rows.
    package static func precedes(_ a: [Cell], _ b: [Cell]) -> Bool? {
        for (x, y) in zip(a, b) {
            if let decided = precedes(x, y) { return decided }
        }
        return nil
    }

    /// A value of the type that lies at the edges of its encoding.
    package static func edge(_ type: FieldType, _ random: inout SplitMix64) -> Cell {
        if random.chance(0.15) { return .null }
        switch type {
        case .bool: return .bool(random.chance(0.5))
        case .int, .timestamp:
            return .int(
                random.pick([0, 1, -1, .min, .max, 255, 256, -256, Int64(random.int(-9...9))]))
        case .float:
            return .float(
                random.pick([
                    0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
                    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0.1, random.anyFinite(),
                ]))
        case .string, .json:
            let count = random.pick([0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 20, 21, 100])
            return .text((0..<count).map { _ in random.pick([0, 0, 1, 0x61, 0x61, 0x7f]) })
        }
    }
}
