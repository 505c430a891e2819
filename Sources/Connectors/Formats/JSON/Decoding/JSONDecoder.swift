package import Dataflow
import Storage

/// Decodes NDJSON: one record a line, straight into columns.
///
/// The whole syntax of every record is checked (RFC 8259, UTF-8 included); of its members only
/// those the schema names are converted. Strings become views into the chunk, or into an arena
/// where they had escapes. A missing member is null, as is `null`; of members with the same name
/// the last counts; a value of another type than the field's rejects the record. Blank lines are no
/// records.
///
/// Records go through `JSONTemplate` when they look like the ones before, and through the general
/// reader otherwise; both give the same rows.
package final class JSONDecoder: Decoder {
    let schema: Schema
    let sourceName: String
    let tree: JSONFieldTree
    /// Columns this decoder fills: the schema's, less `watermark` and `ordinal` at its end.
    let columnCount: Int
    let template = JSONTemplate()
    var columns: JSONColumns
    var arena = TextArena()
    /// For the general reader: the number of the record that last wrote each column.
    var writtenBy: [Int]
    var recordNumber = 0
    /// Records since the last one that fitted the template.
    private var misfits = 0
    /// By column; for timestamps alone.
    var times: [TimestampParser?]
    private var chunk: RawChunk?
    var at = 0

    /// Records that may differ from the template, one after the other, before a new one is learnt.
    private static let misfitsMax = 8

    /// A decoder for `schema`; `fields` says where the values of its columns are. Fails for a
    /// timestamp pattern or zone that is none.
    package init(
        schema: Schema, fields: [JSONFieldPath], sourceName: String, zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        times = []
        for field in schema.fields {
            let isTime = field.type == .timestamp
            times.append(isTime ? try TimestampParser(field.timestampFormat, zones: zones) : nil)
        }
        self.schema = schema
        self.sourceName = sourceName
        tree = JSONFieldTree(fields)
        columnCount = [schema.watermark, schema.ordinal].reduce(schema.fields.count) {
            count, index in
            index.map { min(count, $0) } ?? count
        }
        columns = JSONColumns(schema: schema, columns: 0, capacity: 0)
        writtenBy = [Int](repeating: -1, count: columnCount)
    }

    package func begin(_ chunk: RawChunk) {
        self.chunk = chunk
        at = chunk.range.lowerBound
        if chunk.place.offset == 0 && chunk.range.count >= 3 {
            let bytes = unsafe JSONBytes(base: chunk.slab.base, end: chunk.range.upperBound)
            let isMark = unsafe bytes.word(at) & 0xff_ffff == 0xbf_bbef
            if isMark { at += 3 }
        }
    }

    package func next(rowsMax: Int, rejects: inout RejectedRows) -> Batch? {
        guard let chunk, at < chunk.range.upperBound else { return nil }
        columns = JSONColumns(schema: schema, columns: columnCount, capacity: rowsMax)
        arena = TextArena()
        var row = 0
        while row < rowsMax && at < chunk.range.upperBound {
            if template.isComplete {
                let fitted = decodeFitting(chunk, from: row, to: rowsMax)
                row = fitted.rows
                at = fitted.at
                guard row < rowsMax, at < chunk.range.upperBound else { break }
            }
            if decodeOther(chunk, row: row, rejects: &rejects) { row += 1 }
        }
        let batch = columns.finish(count: row, owners: [chunk.slab] + arena.slabs)
        columns = JSONColumns(schema: schema, columns: 0, capacity: 0)
        return row > 0 ? batch : nil
    }

    /// Decodes the line at `at` with the general reader; gives whether it made a row.
    private func decodeOther(_ chunk: RawChunk, row: Int, rejects: inout RejectedRows) -> Bool {
        let all = unsafe JSONBytes(base: chunk.slab.base, end: chunk.range.upperBound)
        let start = at
        let lineEnd = unsafe all.lineEnd(from: start)
        at = min(lineEnd + 1, chunk.range.upperBound)
        let line = unsafe JSONBytes(base: chunk.slab.base, end: lineEnd)
        if unsafe line.skipSpace(start) == lineEnd { return false }
        misfits += 1
        recordNumber += 1
        let learns = !template.isComplete || misfits > Self.misfitsMax
        if learns { template.clear() }
        do throws(JSONFault) {
            try unsafe readRecord(line, start: start, row: row, learns: learns)
            if learns { misfits = 0 }
            return true
        } catch {
            if learns { template.clear() }
            columns.setValid(row: row)
            let fault = chunk.place.offset + error.offset - chunk.range.lowerBound
            rejects.add(
                error: "\(error.message) (byte \(error.offset - start + 1) of the record)",
                step: sourceName, source: sourceName,
                position: "\(chunk.place.name):\(fault + start - error.offset)",
                raw: chunk.slab.bytes(start..<lineEnd))
            return false
        }
    }

    /// Says that records fit again.
    func noteFitting() { misfits = 0 }
}

extension JSONBytes {
    /// The offset of the first line feed from `start` on, or the end.
    func lineEnd(from start: Int) -> Int {
        var at = start
        while unsafe at < end {
            let marks = unsafe ByteMarks.lineEnds(word(at))
            if marks != 0 { return unsafe min(at &+ ByteMarks.first(marks), end) }
            at &+= 8
        }
        return unsafe end
    }
}
