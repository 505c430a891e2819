/// Reads numbers as RFC 8259 writes them: `-12`, `0.5`, `1e-7`; never `+1`, `01`, `.5`, `1.`.
///
/// `end` is the end of the text, behind which `Slab.slack` bytes may be read (they do not count).
/// A result tells the first byte behind the number; what stands there is the caller's concern.
enum NumberParser {
    /// How strictly a number is written.
    enum Syntax {
        /// RFC 8259.
        case json
        /// As people and spreadsheets write them: also `+1`, `007`, `.5` and `5.`.
        case text
    }

    private static let minus: UInt8 = 0x2d
    private static let plus: UInt8 = 0x2b
    private static let point: UInt8 = 0x2e
    private static let zero: UInt8 = 0x30

    /// The integer at `start`; nil if there is none, or none that fits into 64 bits.
    @inline(__always)
    static func parseInt(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, syntax: Syntax = .json
    ) -> (value: Int64, next: UnsafeRawPointer)? {
        guard unsafe start < end else { return nil }
        let sign = unsafe start.load(as: UInt8.self)
        let negative = sign == minus
        var place = unsafe start
        if negative || (syntax == .text && sign == plus) { unsafe place += 1 }
        let word = unsafe place.loadUnaligned(as: UInt64.self)
        let count = unsafe min(DigitWord.leadingDigits(word), end - place)
        if count == 0 { return nil }
        if count == 8 {
            return unsafe parseLongInt(place, end, negative: negative, syntax: syntax)
        }
        if syntax == .json && UInt8(truncatingIfNeeded: word) == zero {
            return unsafe (0, place + 1)
        }
        let magnitude = Int64(bitPattern: DigitWord.value(word, count: count))
        return unsafe (negative ? 0 &- magnitude : magnitude, place + count)
    }

    /// An integer of eight digits or more.
    private static func parseLongInt(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, negative: Bool, syntax: Syntax
    ) -> (value: Int64, next: UnsafeRawPointer)? {
        if unsafe syntax == .json && start.load(as: UInt8.self) == zero {
            return unsafe (0, start + 1)
        }
        var place = unsafe start
        var magnitude: UInt64 = 0
        var isTooGreat = false
        while true {
            let word = unsafe place.loadUnaligned(as: UInt64.self)
            let count = unsafe min(DigitWord.leadingDigits(word), end - place)
            if count == 0 { break }
            let (product, over) = magnitude.multipliedReportingOverflow(
                by: PowersOfTen.integers[count])
            let (sum, overAgain) = product.addingReportingOverflow(
                DigitWord.value(word, count: count))
            isTooGreat = isTooGreat || over || overAgain
            magnitude = sum
            unsafe place += count
            if count < 8 { break }
        }
        let limit = UInt64(1) << 63
        if isTooGreat || magnitude > (negative ? limit : limit - 1) { return nil }
        let bits = Int64(bitPattern: magnitude)
        return unsafe (negative ? 0 &- bits : bits, place)
    }

    /// The float at `start`, correctly rounded; nil if there is none. It is infinite where the
    /// number is too great for a `Double`.
    @inline(__always)
    static func parseDouble(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, syntax: Syntax = .json
    ) -> (value: Double, next: UnsafeRawPointer)? {
        guard unsafe start < end else { return nil }
        let sign = unsafe start.load(as: UInt8.self)
        let negative = sign == minus
        var place = unsafe start
        if negative || (syntax == .text && sign == plus) { unsafe place += 1 }
        // The number, point and all, and what follows it, in one word.
        let word = unsafe place.loadUnaligned(as: UInt64.self)
        let marks = DigitWord.otherMarks(word)
        let whole = marks.trailingZeroBitCount &>> 3
        guard whole > 0, whole < 8, syntax == .text || whole == 1 || word & 0xff != 0x30 else {
            return unsafe parseAnyDouble(start, end, syntax: syntax)
        }
        var next = word &>> UInt64(truncatingIfNeeded: whole &* 8) & 0xff
        guard next == UInt64(point) else {
            guard unsafe next | 0x20 != 0x65 && end - place >= whole else {
                return unsafe parseAnyDouble(start, end, syntax: syntax)
            }
            let value = Double(Int64(bitPattern: DigitWord.value(word, count: whole)))
            return unsafe (negative ? -value : value, place + whole)
        }
        let length = (marks & (marks &- 1)).trailingZeroBitCount &>> 3
        guard unsafe length < 8 && length > whole &+ 1 && end - place >= length else {
            return unsafe parseMiddleDouble(start, end, syntax: syntax)
        }
        next = word &>> UInt64(truncatingIfNeeded: length &* 8) & 0xff
        if next | 0x20 == 0x65 { return unsafe parseAnyDouble(start, end, syntax: syntax) }
        // The digits before the point move up by one byte, to those behind it.
        let wholeMask = 1 &<< UInt64(truncatingIfNeeded: whole &* 8) &- 1
        let digits = (word & wholeMask) &<< 8 | (word & ~(wholeMask &<< 8 | 0xff))
        let mantissa = DigitWord.value(digits &>> 8, count: length &- 1)
        // Both are exact, so the quotient is rounded once (William Clinger's fast path).
        let scale = PowersOfTen.doubles[length &- whole &- 1]
        let value = Double(Int64(bitPattern: mantissa)) / scale
        return unsafe (negative ? -value : value, place + length)
    }

    /// A float with a point, and up to seven digits on either side, in general.
    private static func parseMiddleDouble(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, syntax: Syntax
    ) -> (value: Double, next: UnsafeRawPointer)? {
        let sign = unsafe start.load(as: UInt8.self)
        var place = unsafe start + (sign == minus || sign == plus ? 1 : 0)
        let word = unsafe place.loadUnaligned(as: UInt64.self)
        let count = unsafe min(DigitWord.leadingDigits(word), end - place)
        let decimals = unsafe (place + count + 1).loadUnaligned(as: UInt64.self)
        let places = unsafe min(DigitWord.leadingDigits(decimals), end - place - count - 1)
        guard count > 0, places > 0, places < 8 else {
            return unsafe parseAnyDouble(start, end, syntax: syntax)
        }
        let mantissa =
            DigitWord.value(word, count: count) &* PowersOfTen.integers[places]
            &+ DigitWord.value(decimals, count: places)
        let value = Double(Int64(bitPattern: mantissa)) / PowersOfTen.doubles[places]
        unsafe place += count + 1 + places
        if unsafe place < end && place.load(as: UInt8.self) | 0x20 == 0x65 {
            return unsafe parseAnyDouble(start, end, syntax: syntax)
        }
        return unsafe (sign == minus ? -value : value, place)
    }

    /// Any float: the grammar in full.
    @inline(never)
    private static func parseAnyDouble(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, syntax: Syntax
    ) -> (value: Double, next: UnsafeRawPointer)? {
        guard let number = unsafe DecimalText(start, end, syntax: syntax) else { return nil }
        let magnitude = unsafe number.magnitude(start)
        return unsafe (number.negative ? -magnitude : magnitude, number.next)
    }
}
