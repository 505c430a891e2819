/// Writes numbers as text.
///
/// Integers are plain decimals. Floats are the shortest digits that read back as the same value, in
/// the form of `Double.description`, all of it valid JSON: `12.0`, `0.1`, `-3.25`, `1e+21`,
/// `1.5e-07`. A whole number keeps its `.0`, so that it stays a float for who infers types.
/// Targets have room for `byteCountMax` bytes.
enum NumberWriter {
    /// The most bytes that any number needs, rounded up.
    static let byteCountMax = 32

    /// "00" to "99".
    private static let pairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546\
        4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293\
        949596979899
        """

    /// Writes `value` in decimal; gives the first byte behind it.
    @inline(__always)
    static func write(_ value: Int64, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: 0x2d, as: UInt8.self)
        let start = unsafe target + (value < 0 ? 1 : 0)
        return unsafe write(value.magnitude, to: start)
    }

    /// Writes `value` in decimal; gives the first byte behind it.
    @inline(__always)
    static func write(
        _ value: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if value < 100_000_000 {
            let digits = DigitWord.digits(of: value)
            let zeros = min(digits.trailingZeroBitCount &>> 3, 7)
            let text = (digits | 0x3030_3030_3030_3030) &>> UInt64(truncatingIfNeeded: zeros &* 8)
            unsafe target.storeBytes(of: text, as: UInt64.self)
            return unsafe target + (8 &- zeros)
        }
        let (high, low) = (value / 100_000_000, value % 100_000_000)
        let next = unsafe writeLong(high, to: target)
        let text = DigitWord.digits(of: low) | 0x3030_3030_3030_3030
        unsafe next.storeBytes(of: text, as: UInt64.self)
        return unsafe next + 8
    }

    /// Writes what stands before the last eight digits.
    private static func writeLong(
        _ value: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe write(value, to: target)
    }

    /// Writes the last `count` digits of `value`, with leading zeros.
    @inline(__always)
    static func writeDigits(_ value: UInt64, count: Int, to target: UnsafeMutableRawPointer) {
        let pairs = unsafe UnsafeRawPointer(Self.pairs.utf8Start)
        var rest = value
        var place = count
        while place >= 2 {
            let (quotient, remainder) = (rest / 100, rest % 100)
            place &-= 2
            let pair = unsafe pairs.loadUnaligned(
                fromByteOffset: Int(truncatingIfNeeded: remainder &* 2), as: UInt16.self)
            unsafe target.storeBytes(of: pair, toByteOffset: place, as: UInt16.self)
            rest = quotient
        }
        if place == 1 {
            unsafe target.storeBytes(
                of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), as: UInt8.self)
        }
    }

    /// Writes a finite `value`; gives the first byte behind it.
    @inline(__always)
    static func write(_ value: Double, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let magnitude = value.magnitude
        // Two decimals hold most numbers that people write.
        if magnitude < 999_999 {
            let hundredths = Int64(magnitude * 100 + 0.5)
            if Double(hundredths) / 100 == magnitude {
                unsafe target.storeBytes(of: 0x2d, as: UInt8.self)
                let start = unsafe target + (value.sign == .minus ? 1 : 0)
                return unsafe writeHundredths(UInt64(bitPattern: hundredths), to: start)
            }
        }
        return unsafe writeAny(value, to: target)
    }

    /// Writes one or two decimals; `hundredths` has up to eight digits.
    @inline(__always)
    private static func writeHundredths(
        _ hundredths: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let digits = DigitWord.digits(of: hundredths)
        let zeros = min(digits.trailingZeroBitCount &>> 3, 5)
        let text = digits | 0x3030_3030_3030_3030
        unsafe target.storeBytes(
            of: text &>> UInt64(truncatingIfNeeded: zeros &* 8), as: UInt64.self)
        // The last two digits again, behind the point.
        let point = unsafe target + (6 &- zeros)
        let decimals = UInt32(truncatingIfNeeded: text &>> 48) &<< 8 | 0x2e
        unsafe point.storeBytes(of: decimals, as: UInt32.self)
        return unsafe point + (digits &>> 56 == 0 ? 2 : 3)
    }

    /// Writes any finite value.
    @inline(never)
    private static func writeAny(
        _ value: Double, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let magnitude = value.magnitude
        unsafe target.storeBytes(of: 0x2d, as: UInt8.self)
        let start = unsafe target + (value.sign == .minus ? 1 : 0)
        // Fewer than 16 digits in all: no other decimal of that length reads back as this value, so
        // without its trailing zeros it is the shortest.
        if magnitude >= 1e-4 && magnitude < 1e9 {
            let millionths = Int64(magnitude * 1e6 + 0.5)
            if Double(millionths) / 1e6 == magnitude {
                return unsafe writeMillionths(UInt64(bitPattern: millionths), to: start)
            }
        } else if magnitude < 0x1p53 && magnitude.rounded(.towardZero) == magnitude {
            let point = unsafe write(UInt64(magnitude), to: start)
            unsafe point.storeBytes(of: 0x302e, as: UInt16.self)
            return unsafe point + 2
        }
        return unsafe writeShortest(value, to: target)
    }

    /// Writes up to six decimals, at least one.
    private static func writeMillionths(
        _ millionths: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var decimals = millionths % 1_000_000
        var count = 6
        while count > 1 && decimals % 10 == 0 {
            decimals /= 10
            count -= 1
        }
        let point = unsafe write(millionths / 1_000_000, to: target)
        unsafe point.storeBytes(of: 0x2e, as: UInt8.self)
        unsafe writeDigits(decimals, count: count, to: point + 1)
        return unsafe point + 1 + count
    }

    /// Writes the shortest digits that the standard library finds.
    private static func writeShortest(
        _ value: Double, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        precondition(value.isFinite, "JSON and CSV have no NaN and no infinity")
        var text = value.description
        return text.withUTF8 { bytes in
            for index in bytes.indices {
                unsafe target.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self)
            }
            return unsafe target + bytes.count
        }
    }
}
