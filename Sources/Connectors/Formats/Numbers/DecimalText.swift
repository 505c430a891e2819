/// The parts of a decimal number as it is written: up to 19 digits, and the power of ten.
@unsafe
struct DecimalText {
    private(set) var negative = false
    /// The first 19 digits behind leading zeros.
    private(set) var mantissa: UInt64 = 0
    /// The power of ten that `mantissa` is to be multiplied with.
    private(set) var exponent = 0
    /// Whether further digits, not all of them zero, were cut off behind `mantissa`.
    private(set) var isCut = false
    /// The first byte behind the number.
    private(set) var next: UnsafeRawPointer

    /// No exponent in a text of any length is greater than this after adding its digits; capped so
    /// that sums stay far from overflow.
    private static let exponentMax = 1 << 40

    /// Reads the number at `start`; nil if there is none.
    init?(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, syntax: NumberParser.Syntax) {
        unsafe next = unsafe start
        guard unsafe start < end else { return nil }
        let sign = unsafe start.load(as: UInt8.self)
        unsafe negative = sign == 0x2d
        if unsafe negative || (syntax == .text && sign == 0x2b) { unsafe next += 1 }
        var significant = 0
        let wholeStart = unsafe next
        unsafe readDigits(end, &significant, areDecimals: false)
        let wholeCount = unsafe next - wholeStart
        if syntax == .json {
            if wholeCount == 0 { return nil }
            if unsafe wholeCount > 1 && wholeStart.load(as: UInt8.self) == 0x30 {
                // "01": the number is the zero.
                unsafe (mantissa, exponent, isCut, next) = unsafe (0, 0, false, wholeStart + 1)
                return
            }
        }
        var decimalCount = 0
        if unsafe next < end && next.load(as: UInt8.self) == 0x2e {
            unsafe next += 1
            let decimalStart = unsafe next
            unsafe readDigits(end, &significant, areDecimals: true)
            decimalCount = unsafe next - decimalStart
            if syntax == .json && decimalCount == 0 { return nil }
        }
        if wholeCount + decimalCount == 0 { return nil }
        if unsafe next < end && next.load(as: UInt8.self) | 0x20 == 0x65 {
            guard unsafe readExponent(end) else { return nil }
        }
    }

    /// Takes digits up to the first other byte.
    private mutating func readDigits(
        _ end: UnsafeRawPointer, _ significant: inout Int, areDecimals: Bool
    ) {
        while unsafe next < end {
            let digit = unsafe next.load(as: UInt8.self) &- 0x30
            if digit > 9 { break }
            if significant < 19 {
                unsafe mantissa = unsafe mantissa &* 10 &+ UInt64(digit)
                if unsafe mantissa > 0 { significant += 1 }
                if areDecimals { unsafe exponent -= 1 }
            } else {
                if digit > 0 { unsafe isCut = true }
                if !areDecimals { unsafe exponent += 1 }
            }
            unsafe next += 1
        }
    }

    /// Takes `e`, a sign and at least one digit.
    private mutating func readExponent(_ end: UnsafeRawPointer) -> Bool {
        unsafe next += 1
        var isNegative = false
        if unsafe next < end {
            let sign = unsafe next.load(as: UInt8.self)
            isNegative = sign == 0x2d
            if sign == 0x2d || sign == 0x2b { unsafe next += 1 }
        }
        let start = unsafe next
        var value = 0
        while unsafe next < end {
            let digit = unsafe next.load(as: UInt8.self) &- 0x30
            if digit > 9 { break }
            value = unsafe min(value * 10 + Int(digit), Self.exponentMax)
            unsafe next += 1
        }
        unsafe exponent += isNegative ? -value : value
        return unsafe next > start
    }

    /// The value without its sign, correctly rounded; `start` is where the text began.
    func magnitude(_ start: UnsafeRawPointer) -> Double {
        if unsafe mantissa == 0 { return 0 }
        if unsafe !isCut && mantissa <= 1 << 53 && (-22...22).contains(exponent) {
            let value = unsafe Double(mantissa)
            return unsafe exponent < 0
                ? value / PowersOfTen.doubles[-exponent] : value * PowersOfTen.doubles[exponent]
        }
        if let bits = unsafe EiselLemire.bits(mantissa: mantissa, exponent: exponent) {
            // What was cut off lies between this mantissa and the next one.
            if unsafe !isCut { return Double(bitPattern: bits) }
            let next = unsafe EiselLemire.bits(mantissa: mantissa + 1, exponent: exponent)
            if next == bits { return Double(bitPattern: bits) }
        }
        return unsafe exactMagnitude(start)
    }

    /// Asks the standard library, which looks at all digits; one number in many millions.
    private func exactMagnitude(_ start: UnsafeRawPointer) -> Double {
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: next - start)
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        return abs(Double(text) ?? 0)
    }
}
