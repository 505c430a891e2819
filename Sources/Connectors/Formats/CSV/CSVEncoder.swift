package import Dataflow
import Storage

/// What all encoders of one CSV sink share: columns, dialect, formats.
///
/// Fields are quoted only where they must be: text that holds a delimiter, a quote, CR or LF, or is
/// empty (a null is the empty field without quotes) or would be read as null. Floats, which are
/// finite, are written as `NumberWriter` does, timestamps as their fields declare, truth values as
/// `true` and `false`; lines end with LF.
package struct CSVOutput: Sendable {
    let columns: [Int]
    let dialect: CSVDialect
    let fields: [Field]
    let writers: [TimestampWriter]

    /// Output of `columns`, indices into the schema, in the order in which they leave (the schema's
    /// own output if not given).
    package init(
        schema: Schema, columns: [Int]? = nil, dialect: CSVDialect, zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        self.columns = columns ?? schema.output
        self.dialect = dialect
        fields = self.columns.map { schema.fields[$0] }
        var writers: [TimestampWriter] = []
        for field in fields {
            let format = field.type == .timestamp ? field.timestampFormat : .rfc3339
            writers.append(try TimestampWriter(format, zones: zones))
        }
        self.writers = writers
    }

    /// The line of names, which the sink's writer puts at the start of each target; empty if the
    /// dialect has no header.
    package var headerBytes: [UInt8] {
        guard dialect.hasHeader else { return [] }
        let names = dialect.columns ?? fields.map(\.name)
        var line: [UInt8] = []
        for (index, name) in names.enumerated() {
            if index > 0 { line.append(dialect.delimiter) }
            let bytes = Array(name.utf8)
            let isPlain =
                !bytes.isEmpty
                && bytes.allSatisfy {
                    $0 != dialect.delimiter && $0 != dialect.quote && $0 != 0x0a && $0 != 0x0d
                }
            if isPlain {
                line += bytes
            } else {
                line.append(dialect.quote)
                for byte in bytes {
                    if byte == dialect.quote { line.append(byte) }
                    line.append(byte)
                }
                line.append(dialect.quote)
            }
        }
        return line + [0x0a]
    }

    /// An encoder for one worker.
    package func makeEncoder() -> any Encoder { CSVEncoder(self) }
}

/// Writes batches as CSV; one per worker and sink input.
final class CSVEncoder: Encoder {
    private let output: CSVOutput
    private var writers: [TimestampWriter]
    private let nulls: Set<String>
    /// Bytes that fields of fixed width may take in a record, with what may be overwritten behind.
    private let fixedBytesMax: Int
    /// Bytes of a record so far, on average; for the size of the next slab.
    private var recordBytes = 64

    init(_ output: CSVOutput) {
        self.output = output
        writers = output.writers
        nulls = Set(output.dialect.nulls)
        var bytes = 64
        for (field, writer) in zip(output.fields, output.writers) {
            bytes += field.type == .timestamp ? writer.byteCountMax + 2 : 40
        }
        fixedBytesMax = bytes * 2
    }

    func encode(_ batch: Batch) -> [EncodedPart] {
        if batch.isEmpty { return [] }
        let byteCount = max(4096, batch.count * recordBytes * 5 / 4 + fixedBytesMax)
        var pen = CSVPen(slab: Slab(byteCount: byteCount), output.dialect)
        withExtendedLifetime(batch) {
            let cells = unsafe output.columns.map { unsafe CSVCells(batch.columns[$0]) }
            let isDense = batch.selection.isDense
            for place in 0..<batch.count {
                let row = isDense ? place : batch.selection[place]
                unsafe encode(cells.span, row, to: &pen)
            }
        }
        recordBytes = max(16, pen.count / batch.count)
        return [
            EncodedPart(target: "", slab: pen.slab, byteCount: pen.count, rowCount: batch.count)
        ]
    }

    /// Writes one record.
    @inline(__always)
    private func encode(_ cells: Span<CSVCells>, _ row: Int, to pen: inout CSVPen) {
        pen.reserve(fixedBytesMax)
        for index in unsafe cells.indices {
            if index > 0 { pen.putDelimiter() }
            let cell = unsafe cells[index]
            guard unsafe cell.isValid(row) else { continue }
            let start = pen.count
            switch unsafe cell.type {
            case .bool: unsafe pen.put(cell.bool(row))
            case .int: unsafe pen.put(cell.int(row))
            case .float: unsafe pen.put(cell.double(row))
            case .timestamp: unsafe pen.put(cell.int(row), &writers[index])
            case .string, .json:
                let view = unsafe cell.view(row)
                let mustQuote = !nulls.isEmpty && nulls.contains(view.description)
                pen.put(view, mustQuote: mustQuote, reserving: fixedBytesMax)
                continue
            }
            if !nulls.isEmpty && nulls.contains(pen.text(from: start)) { pen.quote(from: start) }
        }
        pen.putLineEnd()
    }
}

/// The values of a column as addresses, for as long as its batch lives.
@unsafe
private struct CSVCells {
    let type: FieldType
    private let values: UnsafeRawPointer?
    private let bits: UnsafeRawPointer?

    init(_ column: Column) {
        unsafe type = column.type
        switch column.type {
        case .bool: unsafe values = unsafe column.bools.withUnsafeBytes { $0.baseAddress }
        case .int, .timestamp:
            unsafe values = unsafe column.int64s.withUnsafeBytes { $0.baseAddress }
        case .float:
            unsafe values = unsafe column.doubles.withUnsafeBytes { $0.baseAddress }
        case .string, .json:
            unsafe values = unsafe column.strings.withUnsafeBytes { $0.baseAddress }
        }
        unsafe bits = unsafe column.validity?.words.withUnsafeBytes { $0.baseAddress }
    }

    @inline(__always)
    func isValid(_ row: Int) -> Bool {
        guard let bits = unsafe bits else { return true }
        let byte = unsafe bits.load(fromByteOffset: row &>> 3, as: UInt8.self)
        return byte & (1 &<< UInt8(truncatingIfNeeded: row & 7)) != 0
    }

    @inline(__always)
    func bool(_ row: Int) -> Bool { unsafe load(row, as: UInt8.self) != 0 }

    @inline(__always)
    func int(_ row: Int) -> Int64 { unsafe load(row, as: Int64.self) }

    @inline(__always)
    func double(_ row: Int) -> Double { unsafe load(row, as: Double.self) }

    @inline(__always)
    func view(_ row: Int) -> StringView { unsafe load(row, as: StringView.self) }

    @inline(__always)
    private func load<T: BitwiseCopyable>(_ row: Int, as type: T.Type) -> T {
        unsafe values.unsafelyUnwrapped.load(
            fromByteOffset: row &* MemoryLayout<T>.stride, as: type)
    }
}
