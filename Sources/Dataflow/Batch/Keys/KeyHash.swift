import Storage

/// Hashes key columns row by row: what decides a row's worker and its place in keyed state.
///
/// The hash is a fixed function of the values (`Hash64`), so that state can be restored on another
/// number of workers. Values of different types never hash by accident alike: a key's columns
/// always have the same types.
package enum KeyHash {
    /// Hashes of the selected rows' keys, by physical row; other rows are undefined.
    package static func hashes(of batch: Batch, columns: [Int]) -> Column {
        let rows = batch.columns.first?.count ?? 0
        var builder = ColumnBuilder(.int, capacity: rows)
        var hashes = builder.int64s
        guard let first = columns.first else {
            for row in 0..<rows { hashes[row] = 0 }
            return builder.finish(count: rows)
        }
        hash(batch.columns[first], batch.selection, into: &hashes)
        for column in columns.dropFirst() {
            var further = ColumnBuilder(.int, capacity: rows)
            var others = further.int64s
            hash(batch.columns[column], batch.selection, into: &others)
            batch.selection.forEach { row in
                let combined = Hash64.combine(
                    UInt64(bitPattern: hashes[row]), UInt64(bitPattern: others[row]))
                hashes[row] = Int64(bitPattern: combined)
            }
        }
        return builder.finish(count: rows)
    }

    private static func hash(
        _ column: Column, _ selection: Selection, into hashes: inout MutableSpan<Int64>
    ) {
        switch column.type {
        case .string, .json:
            let values = column.strings
            selection.forEach { hashes[$0] = Int64(bitPattern: values[$0].hash) }
        case .int, .timestamp:
            let values = column.int64s
            selection.forEach { row in
                hashes[row] = Int64(bitPattern: Hash64.hash(UInt64(bitPattern: values[row])))
            }
        case .float:
            let values = column.doubles
            selection.forEach { row in
                // Adding zero makes -0 and 0 one key.
                hashes[row] = Int64(bitPattern: Hash64.hash((values[row] + 0).bitPattern))
            }
        case .bool:
            let values = column.bools
            selection.forEach { hashes[$0] = Int64(bitPattern: Hash64.hash(UInt64(values[$0]))) }
        }
        guard let validity = column.validity else { return }
        selection.forEach { row in
            if !validity[row] { hashes[row] = Int64(bitPattern: Hash64.null) }
        }
    }

    /// The number of key groups: the unit in which keyed state is spread over workers.
    package static let groupCount = 1 << 15

    /// The key group of a hash.
    @inline(__always)
    package static func group(of hash: Int64) -> Int {
        Int(truncatingIfNeeded: UInt64(bitPattern: hash) &>> 49)
    }

    /// The worker that owns a key group: consecutive groups in equal ranges.
    @inline(__always)
    package static func worker(ofGroup group: Int, workers: Int) -> Int {
        (group &* workers) &>> 15
    }

    /// The hashes, as the store keeps them (the upper 40 bits), of the keys that a worker owns.
    package static func storedHashes(ofWorker worker: Int, of workers: Int) -> ClosedRange<UInt64> {
        let first = (worker * groupCount + workers - 1) / workers
        let next = ((worker + 1) * groupCount + workers - 1) / workers
        // A group is the upper 15 of the 40 bits.
        return UInt64(first) << 25...UInt64(next) << 25 - 1
    }
}
