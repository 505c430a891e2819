package import Dataflow
import Storage

/// The table has grown beyond its memory guard.
package struct TableTooLarge: Error, CustomStringConvertible {
    package let table: String
    package let byteCount: Int
    package let byteCountMax: Int

    package var description: String {
        """
        table '\(table)' needs more than its memory_limit: \(byteCount) bytes of \
        \(byteCountMax). Every worker reads the whole table from memory. Declare fewer \
        fields in its schema, filter its file beforehand, or raise table.memory_limit
        """
    }
}

/// Builds the versions of a broadcast table from upserts.
///
/// New rows collect in a segment of their own; when that has grown to a part of the whole, or the
/// table is first loaded, all segments become one.
package final class BroadcastTableBuilder: TableBuilder {
    private let name: String
    private let key: [Int]
    private let types: [FieldType]
    private let byteCountMax: Int
    private var segments: [TableSegment] = []
    /// Distinct keys of all segments.
    private var count = 0
    private var added: [Batch] = []
    private var addedBytes = 0

    /// A new segment is merged when the old ones have fewer than this many times its rows.
    private static let mergeFactor = 8
    private static let segmentsMax = 4
    /// Batches with fewer rows are put together.
    private static let smallRows = 1024

    /// A builder for the table `name`, whose rows have columns of `types` and their key in the
    /// columns `key`.
    package init(name: String, types: [FieldType], key: [Int], byteCountMax: Int) {
        self.types = types
        self.name = name
        self.key = key
        self.byteCountMax = byteCountMax
    }

    package func add(
        _ batch: Batch, rejects: inout RejectedRows, position: (_ row: Int) -> String
    ) throws {
        var failures = RowFailures()
        for column in key {
            guard let validity = batch.columns[column].validity else { continue }
            let sound = batch.selection.valid(in: validity)
            batch.selection.removing(sound).forEach {
                failures.add($0, "the key of the table is null")
            }
        }
        let encoder = KeyEncoder(columns: key)
        let keyed = batch.selecting(failures.excluded(from: batch.selection))
        if encoder.mayRefuse(keyed) {
            for row in encoder.encode(keyed).refused { failures.add(row, RowFailures.refusal) }
        }
        for (row, message) in zip(failures.rows, failures.messages).sorted(by: { $0.0 < $1.0 }) {
            rejects.add(
                error: message, step: name, source: name, position: position(row), raw: nil)
        }
        let kept = failures.excluded(from: batch.selection)
        guard !kept.isEmpty else { return }
        var owned = batch.selecting(kept).owned()
        // Rows that come one by one would take many times their bytes.
        while let last = added.last, owned.count < Self.smallRows, last.count < owned.count * 2 {
            addedBytes -= last.byteCount
            added.removeLast()
            owned = Batch.concatenated([last, owned]).owned()
        }
        added.append(owned)
        addedBytes += owned.byteCount
        try guardMemory(segments.reduce(addedBytes) { $0 + $1.byteCount })
    }

    private func guardMemory(_ byteCount: Int) throws {
        if byteCount > byteCountMax {
            throw TableTooLarge(table: name, byteCount: byteCount, byteCountMax: byteCountMax)
        }
    }

    package func version() -> any TableVersion {
        if !added.isEmpty {
            let rows = added.reduce(0) { $0 + $1.count }
            let before = segments.reduce(0) { $0 + $1.rowCount }
            if before < rows * Self.mergeFactor || segments.count == Self.segmentsMax {
                let old = segments.reversed().map { segment in
                    Batch(columns: segment.columns, selection: segment.liveRows())
                }
                let merged = TableSegment(Batch.concatenated(old + added).owned(), key: key)
                segments = [merged]
                count = merged.keyCount
            } else {
                let newest = TableSegment(Batch.concatenated(added).owned(), key: key)
                count += keysNotYetThere(newest)
                segments.insert(newest, at: 0)
            }
            added = []
            addedBytes = 0
        }
        return BroadcastTable(segments: segments, count: count)
    }

    package func restore(_ encoded: [UInt8]) throws {
        var reader = ByteReader(encoded)
        let stored = HotTable(valueWidth: 0)
        let references = try reader.list { reader throws(ByteReader.Damage) in
            stored.store(try reader.countedArray(), replacing: 0)
        }
        try reader.finish()
        guard !references.isEmpty else { return }
        let columns = RowCodec(types: types).decode(references, in: stored)
        var rejects = RejectedRows()
        let rows = Batch(columns: columns, count: references.count)
        try add(rows, rejects: &rejects) { _ in "" }
    }

    /// The keys of `newest` that no other segment has.
    private func keysNotYetThere(_ newest: TableSegment) -> Int {
        var rest = Batch(columns: newest.columns, selection: newest.liveRows())
        for segment in segments where !rest.isEmpty {
            var builder = ColumnBuilder(.int, capacity: newest.rowCount)
            var found = builder.int64s
            segment.look(
                up: rest, rest.selection, columns: key,
                encoded: { KeyEncoder(columns: key).encode(rest) }, into: &found)
            let rows = builder.finish(count: newest.rowCount)
            let places = rows.int64s
            rest.selection = rest.selection.filtered { places[$0] < 0 }
        }
        return rest.count
    }
}

extension Batch {
    /// Memory held by its columns, in bytes.
    fileprivate var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }
}
