/// Decimal to binary: the `Double` next to `mantissa` · 10^`exponent`.
///
/// The algorithm of Michael Eisel and Daniel Lemire ("Number parsing at a gigabyte per second",
/// 2021), in the form of the fast_float library: one or two 64 × 64 bit products with the first
/// 128 bits of the power of five decide the rounding.
enum EiselLemire {
    /// The bits of the nearest `Double` (of two equally near, the even one), infinite where the
    /// value is too great; nil if 128 bits cannot tell. `mantissa` is not zero.
    static func bits(mantissa: UInt64, exponent: Int) -> UInt64? {
        if exponent < PowersOfTen.fiveExponents.lowerBound { return 0 }
        if exponent > PowersOfTen.fiveExponents.upperBound { return Double.infinity.bitPattern }
        let leadingZeros = mantissa.leadingZeroBitCount
        let (high, low) = product(mantissa << UInt64(leadingZeros), exponent)
        if low == .max && !(-27...55).contains(exponent) { return nil }
        let upper = Int(high >> 63)
        // 54 bits: the mantissa, and one more to round by.
        var result = high >> UInt64(upper + 9)
        // floor(log2(10^exponent)), the place of the first bit, and the bias.
        var binary = (217_706 * exponent) >> 16 + 63 + upper - leadingZeros + 1023
        if binary <= 0 { return subnormal(result, binary) }
        // Exactly between two neighbours: only possible for small powers of five.
        if low <= 1, (-4...23).contains(exponent), result & 3 == 1,
            result << UInt64(upper + 9) == high
        {
            result &= ~1
        }
        result += result & 1
        result >>= 1
        if result >= 1 << 53 {
            result = 1 << 52
            binary += 1
        }
        if binary >= 0x7ff { return Double.infinity.bitPattern }
        return result & ~(1 << 52) | UInt64(binary) << 52
    }

    /// The first 128 bits of `word` · 5^`exponent`; the second half is exact enough to round by.
    @inline(__always)
    private static func product(_ word: UInt64, _ exponent: Int) -> (high: UInt64, low: UInt64) {
        let place = (exponent - PowersOfTen.fiveExponents.lowerBound) * 2
        var (high, low) = word.multipliedFullWidth(by: PowersOfTen.fives[place])
        if high & 0x1ff == 0x1ff {
            let second = word.multipliedFullWidth(by: PowersOfTen.fives[place + 1]).high
            let (sum, overflow) = low.addingReportingOverflow(second)
            low = sum
            if overflow { high += 1 }
        }
        return (high, low)
    }

    /// Rounds a value below the least normal one.
    private static func subnormal(_ mantissa: UInt64, _ binary: Int) -> UInt64 {
        if 1 - binary >= 64 { return 0 }
        var result = mantissa >> UInt64(1 - binary)
        result += result & 1
        result >>= 1
        // Rounded up to 2^52 it is the least normal value, whose bits are just these.
        return result
    }
}
