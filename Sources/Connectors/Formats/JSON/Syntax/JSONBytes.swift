import Dataflow

/// The bytes of a chunk as the JSON reader sees them: words at offsets, and what stands in a word.
///
/// All offsets are from the start of the slab. Words may reach up to 8 bytes behind the last byte,
/// into the slab's slack; what they hold there decides nothing, because every scan also compares
/// its offset with the end. The byte tricks are those of Mycroft ("has zero byte") and Lemire
/// ("Quickly parsing eight digits", 2018).
@unsafe
struct JSONBytes {
    let base: UnsafeRawPointer
    /// The offset behind the last byte.
    let end: Int

    @inline(__always)
    subscript(offset: Int) -> UInt8 {
        unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes, the first one lowest.
    @inline(__always)
    func word(_ offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    func halfWord(_ offset: Int) -> UInt32 {
        unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    func view(_ start: Int, _ count: Int) -> StringView {
        unsafe StringView(base + start, count: count)
    }

    /// The bytes of a range, for messages.
    func text(_ range: Range<Int>) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(
            start: base + range.lowerBound, count: range.count)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}

/// Marks of bytes within a word: the high bit of a byte is set where the byte is meant.
///
/// Only the lowest mark is sure; behind it a borrow may set false ones.
enum ByteMarks {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Bytes that end a run of plain string bytes: quote, backslash, controls, and non-ASCII.
    @inline(__always)
    static func stringSpecials(_ word: UInt64) -> UInt64 {
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5c5c_5c5c_5c5c_5c5c
        let found =
            ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
            | (word &- 0x2020_2020_2020_2020) | word
        return found & highs
    }

    /// Bytes that are not decimal digits; `word` must be XORed with `0x30…` before.
    @inline(__always)
    static func nonDigits(_ digits: UInt64) -> UInt64 {
        ((digits &+ 0x7676_7676_7676_7676) | digits) & highs
    }

    /// Line ends.
    @inline(__always)
    static func lineEnds(_ word: UInt64) -> UInt64 {
        let line = word ^ 0x0a0a_0a0a_0a0a_0a0a
        return (line &- ones) & ~line & highs
    }

    /// The index of the first marked byte.
    @inline(__always)
    static func first(_ marks: UInt64) -> Int { marks.trailingZeroBitCount &>> 3 }

    /// The value of eight digits (each byte 0 to 9, the first digit lowest).
    @inline(__always)
    static func number(_ digits: UInt64) -> UInt64 {
        let pairs = (digits &* 10) &+ (digits &>> 8)
        let low = (pairs & 0x0000_00ff_0000_00ff) &* 0x000f_4240_0000_0064
        let high = ((pairs &>> 16) & 0x0000_00ff_0000_00ff) &* 0x0000_2710_0000_0001
        return (low &+ high) &>> 32
    }

    /// Ten to the power of 0 to 7.
    @inline(__always)
    static func powerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10000
        case 5: 100_000
        case 6: 1_000_000
        default: 10_000_000
        }
    }
}
