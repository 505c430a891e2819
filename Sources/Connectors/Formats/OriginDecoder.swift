package import Dataflow
import Storage

/// Gives the rows of a decoder identifiers made of where their records stand.
///
/// The decoder keeps the text of each record, in the order of the chunk. So the records of the
/// chunk are walked through once more, and each row takes the next one with its text: those that
/// were rejected are passed over.
package final class OriginDecoder: Decoder {
    private let decoder: any Decoder
    private let column: Int
    private let record: Int
    private let source: String
    private let framing: Framing
    /// Bytes that each record has lost on its way here.
    private let bytesLost: Int
    private var chunk = RawChunk(events: [])
    private var origin: UInt64 = 0
    /// Of the next record of the chunk: its place in the slab, and its number.
    private var at = 0
    private var number = 0

    /// Identifies the rows of `decoder`, which fills `schema` but for its origin.
    package init(
        _ decoder: any Decoder, schema: Schema, source: String, framing: Framing,
        bytesLost: Int = 0
    ) {
        guard let column = schema.origin, let record = schema.record else {
            preconditionFailure("rows with an origin keep their record")
        }
        self.decoder = decoder
        self.column = column
        self.record = record
        self.source = source
        self.framing = framing
        self.bytesLost = bytesLost
    }

    package func begin(_ chunk: RawChunk) {
        self.chunk = chunk
        at = chunk.range.lowerBound
        number = 0
        let name = chunk.origin?.name ?? chunk.place.name
        origin = EventIdentifiers.hash([source, name])
        decoder.begin(chunk)
    }

    package func next(rowsMax: Int, rejects: inout RejectedRows) -> Batch? {
        guard var batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) else { return nil }
        let records = batch.columns[record]
        var identifiers = EventIdentifiers(count: records.count)
        var next = 0
        batch.selection.forEach { row in
            // What was rejected has none.
            for other in next..<row { identifiers.setNull(other) }
            next = row + 1
            if let found = find(records.text(at: row)) {
                identifiers.set(row, origin: origin, number: found)
            } else {
                identifiers.setNull(row)
            }
        }
        for other in next..<records.count { identifiers.setNull(other) }
        batch.columns.insert(identifiers.finish(), at: column)
        return batch
    }

    /// The number of the next record with a text, as its offset in the world.
    private func find(_ text: StringView) -> Int64? {
        let (slab, limit) = (chunk.slab, chunk.range.upperBound)
        let bytes = slab.bytes(0..<limit)
        let start = (at, number)
        while at < limit {
            let (from, place) = (at, number)
            let end = recordEnd(in: bytes, from: from)
            (at, number) = (end, number + 1)
            let line = SlabSlice(slab, Self.trimmed(bytes, from..<end))
            let isFound = text.withBytes { Self.isEqual($0, line) }
            if isFound { return offset(of: from, number: place) }
        }
        (at, number) = start
        return nil
    }

    private func recordEnd(in bytes: RawSpan, from start: Int) -> Int {
        let end = bytes.byteCount
        if framing == .newline || framing == .lengthPrefixed {
            guard let found = ByteScan.first(UInt8(ascii: "\n"), in: bytes, start..<end) else {
                return end
            }
            return found + 1
        }
        var cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: false)
        guard let found = cutter.firstRecordEnd(in: bytes.extracting(start..<end)) else {
            return end
        }
        return start + found
    }

    private func offset(of start: Int, number: Int) -> Int64 {
        let distance = start - chunk.range.lowerBound + number * bytesLost
        guard let origin = chunk.origin else {
            return Int64(chunk.place.offset + distance)
        }
        return origin.base + Int64(origin.countsRecords ? number : distance)
    }

    /// A line without the spaces around it, and without the mark at the start of a file.
    private static func trimmed(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var (from, to) = (range.lowerBound, range.upperBound)
        if to - from >= 3, ByteScan.byte(in: bytes, at: from) == 0xef,
            ByteScan.byte(in: bytes, at: from + 1) == 0xbb,
            ByteScan.byte(in: bytes, at: from + 2) == 0xbf
        {
            from += 3
        }
        while from < to, ByteScan.byte(in: bytes, at: from) <= 0x20 { from += 1 }
        while to > from, ByteScan.byte(in: bytes, at: to - 1) <= 0x20 { to -= 1 }
        return from..<to
    }

    /// Whether a record's text, with or without spaces around it, is what a line has.
    private static func isEqual(_ text: RawSpan, _ slice: SlabSlice) -> Bool {
        let line = slice.slab.bytes(slice.range)
        let range = trimmed(text, 0..<text.byteCount)
        guard range.count == line.byteCount else { return false }
        for index in 0..<range.count
        where ByteScan.byte(in: text, at: range.lowerBound + index)
            != ByteScan.byte(in: line, at: index)
        {
            return false
        }
        return true
    }
}
