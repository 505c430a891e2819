package import Dataflow
import Storage

/// What all decoders of one CSV source share: the columns wanted, the dialect, the header lines.
///
/// The schema's fields are columns of the file by name; its record column, if it has one, is the
/// record's text. Conversion, where blanks around a field that is no string do not count:
///
/// | type | text |
/// | --- | --- |
/// | `string` | unquoted and empty: null; quoted and empty: the empty string |
/// | `int` | digits, with a sign or leading zeros if it wants; no decimals |
/// | `float` | a decimal number, with or without exponent |
/// | `bool` | `true`, `false`, `1`, `0`, in any case |
/// | `timestamp` | as its field declares |
/// | `json` | a JSON value |
///
/// Other than for strings, empty fields are null, quoted or not. A record with another number of
/// fields than the header, with bad quotes, or with a field that is wanted and cannot be
/// converted, is rejected whole.
package struct CSVInput: Sendable {
    let schema: Schema
    let dialect: CSVDialect
    let source: String
    let parsers: [TimestampParser]
    /// The header lines; sources that cannot be read again tell it of each first chunk.
    package let headers: CSVHeaders

    /// Input of the source named `source`, which reads the first bytes of a file again by
    /// `readStart` (at least its first line, or nil if that cannot be had).
    package init(
        schema: Schema, dialect: CSVDialect, source: String, zones: TimeZoneDatabase,
        readStart: @escaping @Sendable (_ name: String) -> [UInt8]?
    ) throws(TimestampFormatError) {
        self.schema = schema
        self.dialect = dialect
        self.source = source
        var parsers: [TimestampParser] = []
        for field in schema.fields {
            let format = field.type == .timestamp ? field.timestampFormat : .rfc3339
            parsers.append(try TimestampParser(format, zones: zones))
        }
        self.parsers = parsers
        headers = CSVHeaders(
            dialect: dialect, wanted: Self.wanted(schema).map { schema.fields[$0].name },
            readStart: readStart)
    }

    /// A decoder for one worker.
    package func makeDecoder() -> any Decoder { CSVDecoder(self) }

    /// Which fields come out of the file.
    static func wanted(_ schema: Schema) -> [Int] {
        schema.fields.indices.filter {
            $0 != schema.watermark && $0 != schema.ordinal && $0 != schema.record
        }
    }
}

/// Turns chunks of CSV into batches; one per worker.
final class CSVDecoder: Decoder {
    private let input: CSVInput
    private let fixedLayout: CSVLayout?
    private let nulls: [StringView]
    /// What long texts of `nulls` point into.
    private let nullArena: [Slab]
    private var arena = TextArena()
    private var columns: [CSVColumn] = []

    private var layout: CSVLayout
    private var layoutName: String?
    private var layoutVersion = 0

    private var chunk: RawChunk
    /// Bytes of the chunk up to here have been cut into records.
    private var place = 0
    private var window = CSVWindow()
    /// Records of the window that have been handed out.
    private var windowRow = 0

    init(_ input: CSVInput) {
        self.input = input
        let wanted = CSVInput.wanted(input.schema)
        if let names = input.dialect.columns {
            fixedLayout = CSVLayout(
                names: names, wanted: wanted.map { input.schema.fields[$0].name })
        } else {
            fixedLayout = nil
        }
        layout = fixedLayout ?? CSVLayout(problem: "no header line yet")
        chunk = RawChunk(events: [])
        var nullArena = TextArena()
        nulls = input.dialect.nulls.map { nullArena.add($0) }
        self.nullArena = nullArena.slabs
        for (index, field) in input.schema.fields.enumerated() {
            if index == input.schema.watermark || index == input.schema.ordinal { continue }
            columns.append(
                CSVColumn(
                    name: field.name, type: field.type, wanted: wanted.firstIndex(of: index),
                    parser: input.parsers[index]))
        }
    }

    func begin(_ chunk: RawChunk) {
        self.chunk = chunk
        place = chunk.range.lowerBound
        window = CSVWindow(reusing: window)
        windowRow = 0
        if chunk.range.isEmpty { return }
        precondition(chunk.range.upperBound < UInt32.max, "a chunk is smaller than 4 GiB")
        let isStart = chunk.place.offset == 0
        if isStart {
            let bytes = unsafe UnsafeRawBufferPointer(
                start: chunk.slab.base + place, count: chunk.range.count)
            if input.dialect.hasHeader {
                let (layout, end) = unsafe input.headers.learn(chunk.place.name, bytes)
                self.layout = layout
                place += end
                (layoutName, layoutVersion) = (chunk.place.name, input.headers.version)
            } else {
                place += unsafe CSVHeaderLine.skipMark(bytes)
            }
        } else if fixedLayout == nil {
            let version = input.headers.version
            if layoutName != chunk.place.name || layoutVersion != version {
                layout = input.headers.layout(of: chunk.place.name)
                (layoutName, layoutVersion) = (chunk.place.name, version)
            }
        }
        if let fixedLayout { layout = fixedLayout }
    }

    func next(rowsMax: Int, rejects: inout RejectedRows) -> Batch? {
        while true {
            let rest = chunk.range.upperBound - place
            let atMost = rest / layout.fieldCount + 1 + window.rowCount - windowRow
            let capacity = min(rowsMax, atMost)
            if rest == 0 && windowRow == window.rowCount { return nil }
            if layout.problem == nil {
                for index in columns.indices { columns[index].begin(capacity: capacity) }
            }
            let (count, dead) = fill(capacity, &rejects)
            if count == dead.count { continue }
            let owners = [chunk.slab] + arena.slabs
            arena = TextArena()
            var finished: [Column] = []
            for index in columns.indices {
                finished.append(columns[index].finish(count: count, owners: owners))
            }
            if dead.isEmpty { return Batch(columns: finished, count: count) }
            var selection = SelectionBuilder(capacity: count)
            var nextDead = 0
            for row in 0..<count {
                if nextDead < dead.count && dead[nextDead] == row {
                    nextDead += 1
                } else {
                    selection.append(row)
                }
            }
            return Batch(columns: finished, selection: selection.finish())
        }
    }

    /// Fills up to `capacity` rows; gives how many, and which of them were rejected.
    private func fill(_ capacity: Int, _ rejects: inout RejectedRows) -> (Int, [Int]) {
        let base = unsafe UnsafeRawPointer(chunk.slab.base)
        var count = 0
        var dead: [Int] = []
        while count < capacity {
            if windowRow == window.rowCount {
                if place == chunk.range.upperBound { break }
                unsafe window.fill(
                    base, from: place, limit: chunk.range.upperBound, fieldCount: layout.fieldCount,
                    input.dialect)
                place = window.end
                windowRow = 0
                if let problem = layout.problem {
                    unsafe window.refuseAll(base, problem, layout)
                }
            }
            let taken = min(capacity - count, window.rowCount - windowRow)
            var faults = unsafe read(base, windowRow..<windowRow + taken, row: count)
            windowRow += taken
            faults += window.takeFaults(upToRow: windowRow)
            if !faults.isEmpty { report(&faults, &dead, &rejects) }
            count += taken
        }
        return (count, dead)
    }

    /// Converts all columns of a range of the window's records, to the rows from `row` on.
    private func read(
        _ base: UnsafeRawPointer, _ range: Range<Int>, row: Int
    ) -> [CSVWindow.Fault] {
        if range.isEmpty { return [] }
        var faults: [CSVWindow.Fault] = []
        let marks = unsafe UnsafePointer(window.marks.base.assumingMemoryBound(to: UInt32.self))
        let rows = unsafe UnsafePointer(window.rows.base.assumingMemoryBound(to: UInt32.self))
        for index in columns.indices {
            let place = columns[index].wanted.map { layout.places[$0] } ?? 0
            var reader = unsafe CSVFieldReader(
                base: base, marks: marks, rows: rows, range: range, place: place,
                isLast: place == layout.fieldCount - 1, quote: input.dialect.quote, nulls: nulls,
                isUTF8: window.isUTF8)
            if columns[index].wanted == nil {
                unsafe reader.readRecords(
                    into: &columns[index], row: row, fieldCount: layout.fieldCount)
            } else {
                switch columns[index].type {
                case .int: unsafe reader.readInts(into: &columns[index], row: row)
                case .float: unsafe reader.readDoubles(into: &columns[index], row: row)
                case .bool: unsafe reader.readBools(into: &columns[index], row: row)
                case .timestamp: unsafe reader.readTimes(into: &columns[index], row: row)
                case .string, .json:
                    unsafe reader.readTexts(into: &columns[index], row: row, arena: &arena)
                }
            }
            for fault in unsafe reader.faults {
                let first = unsafe rows[fault.record]
                let record = unsafe window.recordRange(
                    base, first, first + UInt32(layout.fieldCount))
                faults.append(
                    CSVWindow.Fault(
                        record: record, row: row + fault.record - range.lowerBound,
                        message: fault.message))
            }
        }
        return faults
    }

    /// Rejects what is wrong, in order, every record once.
    private func report(
        _ faults: inout [CSVWindow.Fault], _ dead: inout [Int], _ rejects: inout RejectedRows
    ) {
        // Faults of one record are in the order of its columns.
        let order = faults.indices.sorted {
            (faults[$0].record.lowerBound, $0) < (faults[$1].record.lowerBound, $1)
        }
        var last = -1
        for index in order {
            let fault = faults[index]
            if fault.record.lowerBound == last { continue }
            last = fault.record.lowerBound
            let offset = chunk.place.offset + fault.record.lowerBound - chunk.range.lowerBound
            rejects.add(
                error: fault.message, step: input.source, source: input.source,
                position: "\(chunk.place.name):\(offset)", raw: chunk.slab.bytes(fault.record))
            if let row = fault.row { dead.append(row) }
        }
    }
}
