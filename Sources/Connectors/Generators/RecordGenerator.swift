package import Storage

/// Deterministic test data as NDJSON: row `n` is a function of the options and of `n` alone.
///
/// So rows can be made anywhere, in any order and in pieces, without memory of those before:
///
///     let generator = try RecordGenerator(options)
///     var text = GeneratedText(byteCount: 1 << 20)
///     generator.write(rows: 1000..<2000, into: &text)
package struct RecordGenerator: Sendable {
    /// The longest record that any generator makes, with its line end.
    package static let recordBytesMax = 512

    /// What makes the rows.
    private enum Content: Sendable {
        case orders(OrderGenerator)
        case shops(ShopGenerator)
        case sensors(SensorGenerator)
    }

    package let options: GeneratorOptions
    /// How many rows there are.
    package let rowCount: Int
    private let content: Content

    /// A generator for valid options; throws the first of their problems.
    package init(_ options: GeneratorOptions) throws(GeneratorOptions.Problem) {
        if let problem = options.problems.first { throw problem }
        self.options = options
        rowCount = options.rowCount
        content =
            switch options.kind {
            case .orders: .orders(OrderGenerator(options))
            case .shops: .shops(ShopGenerator(options))
            case .sensors: .sensors(SensorGenerator(options))
            }
    }

    /// Appends rows, which lie within `rowCount`, to `text`.
    package func write(rows: Range<Int>, into text: inout GeneratedText) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows that are there")
        switch content {
        case .orders(let generator): generator.write(rows: rows, into: &text)
        case .shops(let generator): generator.write(rows: rows, into: &text)
        case .sensors(let generator): generator.write(rows: rows, into: &text)
        }
    }

    /// Appends rows from the front of `rows` for as long as `text` stays within `byteCount` bytes,
    /// at least one if there is any; gives the number of rows.
    package func write(
        rows: Range<Int>, into text: inout GeneratedText, within byteCount: Int
    ) -> Int {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let before = text.byteCount
            let room = (byteCount - before) / Self.recordBytesMax
            let end = min(row + max(room, 1), rows.upperBound)
            write(rows: row..<end, into: &text)
            if room < 1, text.byteCount > byteCount, row > rows.lowerBound {
                text.truncate(to: before)
                break
            }
            row = end
        }
        return row - rows.lowerBound
    }
}

/// A slab that generated records are appended to; it grows as they need.
package struct GeneratedText: ~Copyable {
    package private(set) var slab: Slab
    package private(set) var byteCount = 0

    /// An empty text with room for `byteCount` bytes.
    package init(byteCount: Int) { slab = Slab(byteCount: byteCount + Self.reserve) }

    /// Bytes that a record may touch.
    static let reserve = RecordGenerator.recordBytesMax + PieceTable.cellBytes

    /// Where the next record goes; there is room for one of the greatest length.
    @inline(__always)
    mutating func begin() -> RecordCursor {
        if slab.byteCount &- byteCount < Self.reserve { grow() }
        return unsafe RecordCursor(slab.base + byteCount)
    }

    /// Takes the record that was written from `begin` to `cursor`.
    @inline(__always)
    mutating func end(_ cursor: RecordCursor) {
        byteCount = unsafe cursor.next - slab.base
    }

    /// Drops what stands behind the first `byteCount` bytes.
    package mutating func truncate(to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= self.byteCount, "a text does not grow by a cut")
        self.byteCount = byteCount
    }

    @inline(never)
    private mutating func grow() {
        let larger = Slab(byteCount: 2 * slab.byteCount + Self.reserve)
        unsafe larger.base.copyMemory(from: slab.base, byteCount: byteCount)
        slab = larger
    }
}
