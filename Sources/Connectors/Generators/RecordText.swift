import Dataflow
import Storage

/// Short texts that records are put together from, in cells of 64 bytes so that copying one is a
/// few moves of fixed size.
///
///     | text, up to 63 bytes | its length: 1 |
struct PieceTable: Sendable {
    static let cellBytes = 64
    static let textBytesMax = 63
    let count: Int
    private let cells: Slab

    init(_ texts: [String]) {
        self.init(texts.map { Array($0.utf8) })
    }

    init(_ texts: [[UInt8]]) {
        count = texts.count
        cells = Slab(byteCount: max(texts.count, 1) * Self.cellBytes)
        cells.fill(0, count: texts.count * Self.cellBytes)
        for (index, text) in texts.enumerated() {
            precondition(text.count <= Self.textBytesMax, "a piece fits its cell")
            for (place, byte) in text.enumerated() {
                unsafe cells.base.storeBytes(
                    of: byte, toByteOffset: index * Self.cellBytes + place, as: UInt8.self)
            }
            unsafe cells.base.storeBytes(
                of: UInt8(text.count), toByteOffset: (index + 1) * Self.cellBytes - 1,
                as: UInt8.self)
        }
    }

    /// Copies a text to `target`, which has room for a cell, and gives its length.
    @inline(__always)
    func copy(_ index: Int, to target: UnsafeMutableRawPointer) -> Int {
        precondition(index >= 0 && index < count, "a piece of the table")
        let cell = unsafe cells.base + index &* Self.cellBytes
        unsafe target.copyMemory(from: cell, byteCount: Self.cellBytes)
        return Int(unsafe cell.load(fromByteOffset: Self.cellBytes - 1, as: UInt8.self))
    }
}

/// Writes the bytes of a record, one thing behind the other.
///
/// Nothing is checked for each byte: whoever makes a cursor has reserved
/// `RecordGenerator.recordBytesMax` bytes and a cell behind them. Through checked spans the text
/// of an order alone takes as long (125 ns) as the whole order does this way.
@safe
struct RecordCursor {
    private(set) var next: UnsafeMutableRawPointer

    init(_ next: UnsafeMutableRawPointer) { unsafe self.next = unsafe next }

    /// Writes a text of a table.
    @inline(__always)
    mutating func put(_ pieces: PieceTable, _ index: Int) {
        unsafe next += pieces.copy(index, to: next)
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        unsafe next.storeBytes(of: byte, as: UInt8.self)
        unsafe next += 1
    }

    /// Writes two digits.
    @inline(__always)
    mutating func put(twoDigits value: Int) {
        put(value, at: 0)
        unsafe next += 2
    }

    @inline(__always)
    private func put(_ value: Int, at offset: Int) {
        let tens = value / 10
        let digits = UInt16(truncatingIfNeeded: tens | (value &- tens &* 10) &<< 8) | 0x3030
        unsafe next.storeBytes(of: digits.littleEndian, toByteOffset: offset, as: UInt16.self)
    }

    /// Writes a whole number, which is not negative.
    @inline(__always)
    mutating func put(number: Int) {
        var count = 1
        var limit = 10
        while number >= limit && count < 18 {
            count &+= 1
            limit &*= 10
        }
        var rest = number
        var end = count
        while end >= 2 {
            let upper = rest / 100
            end &-= 2
            put(rest &- upper &* 100, at: end)
            rest = upper
        }
        if end == 1 {
            unsafe next.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 | rest), as: UInt8.self)
        }
        unsafe next += count
    }

    /// Writes hundredths as a number with two decimal places.
    @inline(__always)
    mutating func put(hundredths value: Int) {
        if value < 0 { put(byte: UInt8(ascii: "-")) }
        let size = abs(value)
        put(number: size / 100)
        put(byte: UInt8(ascii: "."))
        put(twoDigits: size % 100)
    }

    /// Writes tenths as a number with one decimal place.
    @inline(__always)
    mutating func put(tenths value: Int) {
        put(number: value / 10)
        put(byte: UInt8(ascii: "."))
        put(byte: UInt8(truncatingIfNeeded: 0x30 | value % 10))
    }

    /// Writes `2026-01-01T00:00:00.000Z` for milliseconds since 1970.
    mutating func put(timestamp milliseconds: Int) {
        let day = milliseconds / 86_400_000 - (milliseconds % 86_400_000 < 0 ? 1 : 0)
        let date = CivilDate(daysSinceEpoch: Int64(day))
        var rest = milliseconds - day * 86_400_000
        put(twoDigits: date.year / 100)
        put(twoDigits: date.year % 100)
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: date.month)
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: date.day)
        put(byte: UInt8(ascii: "T"))
        put(twoDigits: rest / 3_600_000)
        put(byte: UInt8(ascii: ":"))
        rest %= 3_600_000
        put(twoDigits: rest / 60_000)
        put(byte: UInt8(ascii: ":"))
        rest %= 60_000
        put(twoDigits: rest / 1000)
        put(byte: UInt8(ascii: "."))
        rest %= 1000
        put(twoDigits: rest / 10)
        put(byte: UInt8(truncatingIfNeeded: 0x30 | rest % 10))
        put(byte: UInt8(ascii: "Z"))
    }
}
