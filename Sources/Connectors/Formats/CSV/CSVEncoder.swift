package import Dataflow
import Storage

/// What all encoders of one CSV sink share: columns, dialect, formats.
///
/// Fields are quoted only where they must be: text that holds a delimiter, a quote, CR or LF, or is
/// empty (a null is the empty field without quotes) or would be read as null. Floats are written
/// as `NumberWriter` does, timestamps as their fields declare, truth values as `true` and `false`;
/// lines end with LF.
package struct CSVOutput: Sendable {
    let columns: [Int]
    let dialect: CSVDialect
    let sink: String
    let fields: [Field]
    let writers: [TimestampWriter]

    /// Output of the sink named `sink`; `columns` are indices into the schema, in the order in which
    /// they leave (the schema's own output if not given).
    package init(
        schema: Schema, columns: [Int]? = nil, dialect: CSVDialect, sink: String,
        zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        self.columns = columns ?? schema.output
        self.dialect = dialect
        self.sink = sink
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
            let isPlain = !bytes.isEmpty && bytes.allSatisfy {
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

    func encode(_ batch: Batch, rejects: inout RejectedRows) -> [EncodedPart] {
        if batch.isEmpty { return [] }
        var pen = CSVPen(
            slab: Slab(byteCount: max(4096, batch.count * recordBytes * 5 / 4)), output.dialect)
        var rowCount = 0
        for place in 0..<batch.count {
            let row = batch.selection[place]
            let start = pen.count
            if let fault = encode(batch, row, to: &pen) {
                rejects.add(
                    error: fault, step: output.sink, source: "", position: "", raw: nil)
                pen.count = start
            } else {
                rowCount += 1
            }
        }
        guard rowCount > 0 else { return [] }
        recordBytes = max(16, pen.count / rowCount)
        return [
            EncodedPart(target: "", slab: pen.slab, byteCount: pen.count, rowCount: rowCount)
        ]
    }

    /// Writes one record; what is wrong, if it cannot be written.
    private func encode(_ batch: Batch, _ row: Int, to pen: inout CSVPen) -> String? {
        pen.reserve(fixedBytesMax)
        for index in output.columns.indices {
            if index > 0 { pen.putByte(output.dialect.delimiter) }
            let column = batch.columns[output.columns[index]]
            guard column.isValid(row) else { continue }
            switch column.type {
            case .bool: pen.put(column.bools[row] != 0)
            case .int: pen.put(column.int64s[row])
            case .float:
                let value = column.doubles[row]
                guard value.isFinite else {
                    return "field '\(output.fields[index].name)' is \(value), which CSV cannot hold"
                }
                pen.put(value)
            case .timestamp: pen.put(column.int64s[row], &writers[index])
            case .string, .json:
                let view = column.strings[row]
                let mustQuote = !nulls.isEmpty && nulls.contains(view.description)
                pen.put(view, mustQuote: mustQuote, reserving: fixedBytesMax)
            }
        }
        // A record of one null field would be an empty line, which some readers skip.
        pen.putByte(0x0a)
        return nil
    }
}

/// A growing slab, and how CSV is written to it.
///
/// `reserve` makes room for the fields of fixed width of one record; text makes its own.
struct CSVPen {
    private(set) var slab: Slab
    var count = 0
    private let delimiter: UInt8
    private let quote: UInt8

    init(slab: Slab, _ dialect: CSVDialect) {
        self.slab = slab
        delimiter = dialect.delimiter
        quote = dialect.quote
    }

    private var target: UnsafeMutableRawPointer { unsafe slab.base + count }

    /// Makes room for `byteCount` bytes.
    @inline(__always)
    mutating func reserve(_ byteCount: Int) {
        if count &+ byteCount > slab.byteCount { grow(byteCount) }
    }

    @inline(never)
    private mutating func grow(_ byteCount: Int) {
        let larger = Slab(byteCount: max(slab.byteCount * 2, count + byteCount))
        unsafe larger.base.copyMemory(from: slab.base, byteCount: count)
        slab = larger
    }

    @inline(__always)
    mutating func putByte(_ byte: UInt8) {
        unsafe target.storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func put(_ value: Bool) {
        let word: UInt64 = value ? 0x6575_7274 : 0x65_736c_6166
        unsafe target.storeBytes(of: word, as: UInt64.self)
        count &+= value ? 4 : 5
    }

    @inline(__always)
    mutating func put(_ value: Int64) {
        count &+= unsafe NumberWriter.write(value, to: target) - target
    }

    @inline(__always)
    mutating func put(_ value: Double) {
        count &+= unsafe NumberWriter.write(value, to: target) - target
    }

    /// Writes a time; the text of a pattern may need quotes.
    @inline(__always)
    mutating func put(_ time: Int64, _ writer: inout TimestampWriter) {
        let written = unsafe writer.write(time, to: target) - target
        if writer.mayNeedQuotes {
            let bytes = unsafe UnsafeRawBufferPointer(start: target, count: written)
            let copy = unsafe Array(bytes)
            unsafe copy.withUnsafeBytes { unsafe putText($0, mustQuote: false) }
        } else {
            count &+= written
        }
    }

    /// Writes text, and keeps `reserving` bytes of room behind it.
    @inline(__always)
    mutating func put(_ view: StringView, mustQuote: Bool, reserving: Int) {
        reserve(view.count &* 2 &+ 64 &+ reserving)
        if view.isInline && view.count > 0 && !mustQuote {
            unsafe view.copy(to: target)
            let low = unsafe target.loadUnaligned(as: UInt64.self)
            let high = unsafe target.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            if !isSpecial(low) && !isSpecial(high) {
                count &+= view.count
                return
            }
        }
        view.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe putText($0, mustQuote: mustQuote) }
        }
    }

    /// Whether one of eight bytes must be quoted.
    @inline(__always)
    private func isSpecial(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func marks(_ byte: UInt8) -> UInt64 {
            let flipped = word ^ (UInt64(byte) &* ones)
            return (flipped &- ones) & ~flipped
        }
        return (marks(delimiter) | marks(quote) | marks(0x0a) | marks(0x0d)) & (ones &<< 7) != 0
    }

    /// Writes text for which there is room, in quotes if it needs them.
    private mutating func putText(_ bytes: UnsafeRawBufferPointer, mustQuote: Bool) {
        var needsQuotes = unsafe mustQuote || bytes.isEmpty
        var place = 0
        while !needsQuotes && place + 8 <= bytes.count {
            needsQuotes = unsafe isSpecial(
                bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        while !needsQuotes && place < bytes.count {
            let byte = unsafe bytes[place]
            needsQuotes = byte == delimiter || byte == quote || byte == 0x0a || byte == 0x0d
            place += 1
        }
        if !needsQuotes {
            if let base = bytes.baseAddress {
                unsafe target.copyMemory(from: base, byteCount: bytes.count)
            }
            count += bytes.count
            return
        }
        putByte(quote)
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            if byte == quote { putByte(quote) }
            putByte(byte)
        }
        putByte(quote)
    }
}
