package import Dataflow
import Storage

/// Encodes rows as typed values, for sinks that hand values on instead of text.
///
///     part  = row | row | …
///     row   = a value for each column
///     value = 0                           null
///           | 1 | zigzag varint           a whole number; a truth value is 0 or 1
///           | 2 | IEEE 754 binary64: 8    a float
///           | 3 | bytes: varint | bytes   UTF-8
///           | 4 | bytes: varint | bytes   the text of a JSON value
///
/// Timestamps are what the JSON format writes for them: numbers of the unit that their field
/// declares (floats where they are no whole ones), or text.
package final class RowEncoder: Encoder {
    /// A column that leaves.
    struct Output {
        let column: Int
        let kind: RowCells.Kind
        /// Writes times that leave as text.
        var time: TimestampWriter?
    }

    private var outputs: [Output] = []
    /// Bytes of a row at most, less those of strings.
    private var fixedBytesMax = 64

    /// An encoder of `columns`, indices into the schema; fails for a timestamp pattern or zone that
    /// is none.
    package init(
        schema: Schema, columns: [Int], zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        for column in columns {
            let field = schema.fields[column]
            var time: TimestampWriter?
            if field.type == .timestamp, field.timestampFormat.unitNanoseconds == nil {
                let writer = try TimestampWriter(field.timestampFormat, zones: zones)
                fixedBytesMax += writer.byteCountMax
                time = writer
            }
            outputs.append(Output(column: column, kind: RowCells.Kind(field), time: time))
            fixedBytesMax += 16
        }
    }

    package func encode(_ batch: Batch) -> [EncodedPart] {
        guard !batch.isEmpty else { return [] }
        var output = TextOutput(rowCount: batch.count)
        withExtendedLifetime(batch) {
            let all = outputs.map { RowCells($0.kind, batch.columns[$0.column]) }
            unsafe all.withUnsafeBufferPointer { cells in
                batch.selection.forEach { row in unsafe write(row, cells, to: &output) }
            }
        }
        return output.finish()
    }

    @inline(__always)
    private func write(
        _ row: Int, _ cells: UnsafeBufferPointer<RowCells>, to output: inout TextOutput
    ) {
        var bound = fixedBytesMax
        for index in 0..<cells.count { bound &+= unsafe cells[index].textBytes(row) }
        output.reserve(bound)
        var target = unsafe output.cursor
        for index in 0..<cells.count {
            let cell = unsafe cells[index]
            if cell.kind == .timeAsText && cell.isValid(row) {
                unsafe target = writeTime(index, cell.int(row), to: target)
            } else {
                unsafe target = cell.write(row, to: target)
            }
        }
        unsafe output.advance(to: target)
        output.endRow()
    }

    /// Writes a time as text, whose length is known only afterwards.
    private func writeTime(
        _ index: Int, _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        // Longer than any time's count.
        let room = 5
        let start = unsafe target + 1 + room
        let end = unsafe outputs[index].time?.write(time, to: start) ?? start
        let count = unsafe end - start
        unsafe target.storeBytes(of: RowTag.text, as: UInt8.self)
        let text = unsafe RowTag.write(varint: UInt64(count), to: target + 1)
        unsafe text.copyMemory(from: start, byteCount: count)
        return unsafe text + count
    }
}

/// What stands before a value.
enum RowTag {
    static let null: UInt8 = 0
    static let integer: UInt8 = 1
    static let float: UInt8 = 2
    static let text: UInt8 = 3
    static let json: UInt8 = 4

    /// Writes a number of seven bits a byte; gives the first byte behind it.
    @inline(__always)
    static func write(
        varint value: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var (rest, out) = unsafe (value, target)
        while rest >= 0x80 {
            unsafe out.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            unsafe out += 1
            rest &>>= 7
        }
        unsafe out.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        return unsafe out + 1
    }
}

/// The values of a column as addresses, for as long as its batch lives.
@safe
struct RowCells: BitwiseCopyable {
    /// What becomes of the values.
    enum Kind: BitwiseCopyable {
        case bool, int, float, string, json
        /// Microseconds as a number of units of so many microseconds.
        case seconds, milliseconds, nanoseconds
        case timeAsText

        init(_ field: Field) {
            switch field.type {
            case .bool: self = .bool
            case .int: self = .int
            case .float: self = .float
            case .string: self = .string
            case .json: self = .json
            case .timestamp:
                switch field.timestampFormat {
                case .seconds: self = .seconds
                case .milliseconds: self = .milliseconds
                case .microseconds: self = .int
                case .nanoseconds: self = .nanoseconds
                case .rfc3339, .pattern: self = .timeAsText
                }
            }
        }
    }

    let kind: Kind
    private let values: UnsafeMutableRawPointer
    /// The validity bits, or nil where no row is null.
    private let validity: UnsafePointer<UInt8>?

    init(_ kind: Kind, _ column: Column) {
        self.kind = kind
        unsafe values = column.base
        unsafe validity = column.validity?.bytes
    }

    @inline(__always)
    func isValid(_ row: Int) -> Bool {
        guard let validity = unsafe validity else { return true }
        return unsafe validity[row &>> 3] & (1 &<< UInt8(truncatingIfNeeded: row & 7)) != 0
    }

    @inline(__always)
    func int(_ row: Int) -> Int64 {
        unsafe values.load(fromByteOffset: row &* 8, as: Int64.self)
    }

    @inline(__always)
    private func text(_ row: Int) -> StringView {
        unsafe values.load(fromByteOffset: row &* 16, as: StringView.self)
    }

    /// Bytes of the row's string; 0 where there is none.
    @inline(__always)
    func textBytes(_ row: Int) -> Int {
        kind == .string || kind == .json ? text(row).count : 0
    }

    /// Writes a value that is no time as text; gives the first byte behind it.
    @inline(__always)
    func write(_ row: Int, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard isValid(row) else {
            unsafe target.storeBytes(of: RowTag.null, as: UInt8.self)
            return unsafe target + 1
        }
        switch kind {
        case .int: return unsafe write(integer: int(row), to: target)
        case .bool:
            let value = unsafe values.load(fromByteOffset: row, as: UInt8.self)
            return unsafe write(integer: value == 0 ? 0 : 1, to: target)
        case .float:
            let value = unsafe values.load(fromByteOffset: row &* 8, as: Double.self)
            return unsafe write(float: value, to: target)
        case .string: return unsafe write(text(row), RowTag.text, to: target)
        case .json: return unsafe write(text(row), RowTag.json, to: target)
        case .seconds: return unsafe write(int(row), perUnit: 1_000_000, to: target)
        case .milliseconds: return unsafe write(int(row), perUnit: 1000, to: target)
        case .nanoseconds:
            let (product, isTooGreat) = int(row).multipliedReportingOverflow(by: 1000)
            return isTooGreat
                ? unsafe write(float: Double(int(row)) * 1000, to: target)
                : unsafe write(integer: product, to: target)
        case .timeAsText: return unsafe target
        }
    }

    @inline(__always)
    private func write(
        integer value: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: RowTag.integer, as: UInt8.self)
        let zigzag = UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))
        return unsafe RowTag.write(varint: zigzag, to: target + 1)
    }

    @inline(__always)
    private func write(
        float value: Double, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: RowTag.float, as: UInt8.self)
        unsafe target.storeBytes(
            of: value.bitPattern.littleEndian, toByteOffset: 1, as: UInt64.self)
        return unsafe target + 9
    }

    @inline(__always)
    private func write(
        _ time: Int64, perUnit: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        time % perUnit == 0
            ? unsafe write(integer: time / perUnit, to: target)
            : unsafe write(float: Double(time) / Double(perUnit), to: target)
    }

    @inline(__always)
    private func write(
        _ view: StringView, _ tag: UInt8, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: tag, as: UInt8.self)
        let start = unsafe RowTag.write(varint: UInt64(view.count), to: target + 1)
        unsafe view.copy(to: start)
        return unsafe start + view.count
    }
}
