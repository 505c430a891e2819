/// Collects rows for `.errors`: what was wrong, where, and the record as it came in.
///
/// The fields of an error row are fixed: `error`, `step`, `source`, `position`, `raw`.
package struct RejectedRows: ~Copyable {
    /// The schema of every `.errors` output.
    package static let schema: Schema = {
        var schema = Schema()
        for name in ["error", "step", "source", "position", "raw"] {
            schema.add(Field(name, .string), leaves: true)
        }
        return schema
    }()

    /// Bytes of a record that are kept in an error row.
    package static let rawBytesMax = 64 << 10

    private var rows: [[String]] = []
    private var raws: [StringView?] = []
    private var arena = TextArena()

    package init() {}

    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }

    /// Adds a row. `raw` is copied, at most `rawBytesMax` bytes of it; invalid UTF-8 is repaired.
    package mutating func add(
        error: String, step: String, source: String, position: String, raw: RawSpan?
    ) {
        var text: String?
        if let raw {
            let kept = raw.extracting(first: min(raw.byteCount, Self.rawBytesMax))
            text = unsafe kept.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        add(error: error, step: step, source: source, position: position, text: text)
    }

    /// Adds a row for a record that is not in a slab.
    package mutating func add(
        error: String, step: String, source: String, position: String, bytes: [UInt8]
    ) {
        let text = String(decoding: bytes.prefix(Self.rawBytesMax), as: UTF8.self)
        add(error: error, step: step, source: source, position: position, text: text)
    }

    private mutating func add(
        error: String, step: String, source: String, position: String, text: String?
    ) {
        rows.append([error, step, source, position])
        raws.append(text.map { arena.add($0) })
    }

    /// The rows so far as a batch of `schema`; the collector is empty afterwards.
    package mutating func take() -> Batch {
        let count = rows.count
        var columns: [Column] = []
        for index in 0..<4 {
            var builder = ColumnBuilder(.string, capacity: count)
            for row in 0..<count { builder.set(row, to: arena.add(rows[row][index])) }
            builder.keep(arena.slabs)
            columns.append(builder.finish(count: count))
        }
        var builder = ColumnBuilder(.string, capacity: count)
        for row in 0..<count {
            if let raw = raws[row] { builder.set(row, to: raw) } else { builder.setNull(row) }
        }
        builder.keep(arena.slabs)
        columns.append(builder.finish(count: count))
        rows = []
        raws = []
        arena = TextArena()
        return Batch(columns: columns, count: count)
    }
}
