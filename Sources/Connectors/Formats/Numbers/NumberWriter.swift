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
        let count = digitCount(value)
        unsafe writeDigits(value, count: count, to: target)
        return unsafe target + count
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

    /// Decimal digits of `value`; 1 for zero.
    @inline(__always)
    static func digitCount(_ value: UInt64) -> Int {
        // 1233 / 4096 is just above the logarithm of 2 to base 10.
        let bits = 64 &- (value | 1).leadingZeroBitCount
        let guess = (bits &* 1233) &>> 12
        return guess &+ (guess < 20 && value >= PowersOfTen.integers[guess] ? 1 : 0)
            &+ (value == 0 ? 1 : 0)
    }

    /// Writes a finite `value`; gives the first byte behind it.
    @inline(__always)
    static func write(_ value: Double, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let magnitude = value.magnitude
        // Two decimals hold most numbers that people write.
        if magnitude < 1e12 {
            let hundredths = Int64(magnitude * 100 + 0.5)
            if Double(hundredths) / 100 == magnitude {
                unsafe target.storeBytes(of: 0x2d, as: UInt8.self)
                let start = unsafe target + (value.sign == .minus ? 1 : 0)
                return unsafe writeHundredths(UInt64(bitPattern: hundredths), to: start)
            }
        }
        return unsafe writeAny(value, to: target)
    }

    /// Writes one or two decimals.
    @inline(__always)
    private static func writeHundredths(
        _ hundredths: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let (whole, rest) = (hundredths / 100, hundredths % 100)
        let point = unsafe write(whole, to: target)
        unsafe point.storeBytes(of: 0x2e, as: UInt8.self)
        unsafe writeDigits(rest, count: 2, to: point + 1)
        return unsafe point + (rest % 10 == 0 ? 2 : 3)
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
