/// The one rounding of an exact result to a float: to nearest, ties to even.
enum ExactRounding {
    /// The float nearest to ±`magnitude` · 2^`exponent`; infinite if that is too large.
    ///
    /// With `hasRemainder` the exact value lies above `magnitude` by less than one; `magnitude`
    /// then has at least 64 significant bits.
    static func double(
        _ magnitude: UInt128, exponent: Int, hasRemainder: Bool = false, isNegative: Bool
    ) -> Double {
        if magnitude == 0 { return 0 }
        let bitCount = 128 - magnitude.leadingZeroBitCount
        // The exponent of the result's last bit: 53 bits in all, fewer for subnormal results.
        var last = max(exponent + bitCount - 53, -1074)
        let dropped = last - exponent
        var significand: UInt64
        if dropped <= 0 {
            significand = UInt64(truncatingIfNeeded: magnitude << -dropped)
        } else if dropped > 128 {
            return 0
        } else {
            significand = UInt64(truncatingIfNeeded: magnitude >> dropped)
            let half = (1 as UInt128) << (dropped - 1)
            let isHalfSet = magnitude & half != 0
            let isAboveHalf = hasRemainder || magnitude & (half - 1) != 0
            if isHalfSet && (isAboveHalf || significand & 1 == 1) { significand += 1 }
        }
        if significand == 1 << 53 {
            significand >>= 1
            last += 1
        }
        // Without the implicit bit the exponent field is 0: subnormal.
        let implicit: UInt64 = 1 << 52
        var bits = significand
        if significand >= implicit {
            guard last + 1075 < 2047 else { return isNegative ? -.infinity : .infinity }
            bits = (significand - implicit) | UInt64(last + 1075) << 52
        }
        if isNegative { bits |= 1 << 63 }
        return Double(bitPattern: bits)
    }

    /// The float nearest to ±`magnitude` · 2^`exponent` / `divisor`.
    static func quotient(
        _ magnitude: UInt128, exponent: Int, by divisor: UInt64, isNegative: Bool
    ) -> Double {
        if magnitude == 0 { return 0 }
        // With its top bit at 127 the dividend gives a quotient of 64 bits or more.
        let shift = magnitude.leadingZeroBitCount
        let dividend = magnitude << shift
        let upper = UInt64(truncatingIfNeeded: dividend >> 64).quotientAndRemainder(
            dividingBy: divisor)
        let lower = divisor.dividingFullWidth(
            (upper.remainder, UInt64(truncatingIfNeeded: dividend)))
        return double(
            UInt128(upper.quotient) << 64 | UInt128(lower.quotient), exponent: exponent - shift,
            hasRemainder: lower.remainder != 0, isNegative: isNegative)
    }
}
