import Dataflow
import Storage

/// One version of a broadcast table: shared by all workers, never changed.
///
/// Rows lie in columns; a hash table leads from keys to rows. A newer version shares the rows of an
/// older one and adds a segment of those that came since, which is asked first. Keys of one whole
/// number that lie close together are looked up in an array instead.
package final class BroadcastTable: TableVersion {
    /// Newest first.
    let segments: [TableSegment]
    package let count: Int

    init(segments: [TableSegment], count: Int) {
        self.segments = segments
        self.count = count
    }

    package var byteCount: Int { segments.reduce(0) { $0 + $1.byteCount } }

    /// Rows: count, each as `RowCodec` has it behind its count of bytes; the oldest segment first.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(count: segments.reduce(0) { $0 + $1.keyCount })
        for segment in segments.reversed() {
            let codec = RowCodec(types: segment.columns.map(\.type))
            segment.liveRows().forEach { row in
                writer.append(counted: codec.encode(segment.columns, row: row))
            }
        }
        return writer.bytes
    }
}

/// A part of a table: rows, and which of them each key has. Later rows of a key replace earlier
/// ones.
@safe
final class TableSegment: @unchecked Sendable {
    // Sendable: built by one thread, only read once a version holds it.

    /// All fields of the table's source.
    let columns: [Column]
    let rowCount: Int
    /// Keys; the value of each is the number of its row.
    private let keys: HotTable
    private let dense: DenseKeys?

    /// The rows of `batch`, which is dense and owns its memory; null keys must be gone, and those
    /// that are too long.
    init(_ batch: Batch, key: [Int]) {
        columns = batch.columns
        rowCount = batch.count
        keys = HotTable(valueWidth: 8)
        let encoded = KeyEncoder(columns: key).encode(batch)
        precondition(encoded.refused.isEmpty, "keys that are too long must be gone")
        let entries = Slab(byteCount: rowCount * 4)
        _ = keys.getOrInsert(encoded, rows: nil, count: rowCount, into: entries)
        for row in 0..<rowCount {
            let entry = entries.word(row) & ~HotTable.isNewMark
            keys.setWord(of: entry, at: 0, to: UInt64(row))
        }
        dense = key.count == 1 ? DenseKeys(batch.columns[key[0]], count: rowCount) : nil
    }

    /// Distinct keys.
    var keyCount: Int { keys.count }

    /// Memory held, in bytes.
    var byteCount: Int {
        keys.byteCount + columns.reduce(0) { $0 + $1.byteCount } + (dense?.byteCount ?? 0)
    }

    /// Writes the row of each key to `found`, or -1, for the rows of `selection`.
    func look(
        up batch: Batch, _ selection: Selection, columns: [Int], encoded: () -> EncodedKeys,
        into found: inout MutableSpan<Int64>
    ) {
        if let dense, columns.count == 1, batch.columns[columns[0]].type == .int {
            dense.look(up: batch.columns[columns[0]], selection, into: &found)
            return
        }
        let lookedUp = encoded()
        let entries = Slab(byteCount: lookedUp.rowCount * 4)
        keys.find(lookedUp, rows: selection.listing, count: selection.count, into: entries)
        selection.forEach { row in
            let entry = entries.word(row)
            let isThere = entry != HotTable.absent
            found[row] = isThere ? Int64(keys.word(of: entry, at: 0)) : -1
        }
    }

    /// Which rows are the last of their keys.
    func liveRows() -> Selection {
        let rows = keys.sortedEntries().map { Int(keys.word(of: $0, at: 0)) }
        return Selection(rows.sorted())
    }
}

/// Rows by a whole-number key, as an array over the range of the keys.
struct DenseKeys {
    private let first: Int64
    private let rows: [Int32]

    /// Fails where the keys are spread over much more numbers than there are, or are no whole
    /// numbers.
    init?(_ column: Column, count: Int) {
        guard column.type == .int, count > 0, count < Int32.max else { return nil }
        let values = column.int64s
        var least = Int64.max
        var greatest = Int64.min
        for row in 0..<count {
            least = min(least, values[row])
            greatest = max(greatest, values[row])
        }
        let (spread, overflow) = greatest.subtractingReportingOverflow(least)
        guard !overflow, spread < Int64(count) * 4 + 1024 else { return nil }
        var rows = [Int32](repeating: -1, count: Int(spread) + 1)
        for row in 0..<count { rows[Int(values[row] - least)] = Int32(row) }
        first = least
        self.rows = rows
    }

    var byteCount: Int { rows.count * 4 }

    func look(up column: Column, _ selection: Selection, into found: inout MutableSpan<Int64>) {
        let values = column.int64s
        let rows = rows.span
        let count = UInt64(rows.count)
        selection.forEach { row in
            let place = UInt64(bitPattern: values[row] &- first)
            found[row] = place < count ? Int64(rows[Int(place)]) : -1
        }
    }
}
