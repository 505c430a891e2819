/// A whole number of any size, not negative: what results of exact sums are computed in.
///
/// Limbs of 64 bits, the least significant first, without zeros at the end. Used once a result,
/// never per row.
struct Magnitude: Equatable {
    private(set) var limbs: [UInt64]

    init(limbs: [UInt64]) {
        self.limbs = limbs
        trim()
    }

    init(_ value: UInt128) {
        self.init(limbs: [
            UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64),
        ])
    }

    private mutating func trim() {
        while limbs.last == 0 { limbs.removeLast() }
    }

    var isZero: Bool { limbs.isEmpty }

    var bitCount: Int { limbs.count * 64 - (limbs.last?.leadingZeroBitCount ?? 0) }

    /// This number times 2^`count`.
    func shifted(by count: Int) -> Magnitude {
        if isZero || count == 0 { return self }
        var result = [UInt64](repeating: 0, count: count / 64)
        result.reserveCapacity(count / 64 + limbs.count + 1)
        var carry: UInt64 = 0
        let bits = UInt64(count % 64)
        for limb in limbs {
            result.append(limb << bits | carry)
            carry = bits == 0 ? 0 : limb >> (64 - bits)
        }
        result.append(carry)
        return Magnitude(limbs: result)
    }

    static func * (a: Magnitude, b: Magnitude) -> Magnitude {
        var result = [UInt64](repeating: 0, count: a.limbs.count + b.limbs.count)
        for (i, x) in a.limbs.enumerated() {
            var carry: UInt64 = 0
            for (j, y) in b.limbs.enumerated() {
                let sum = UInt128(x) * UInt128(y) + UInt128(result[i + j]) + UInt128(carry)
                result[i + j] = UInt64(truncatingIfNeeded: sum)
                carry = UInt64(truncatingIfNeeded: sum >> 64)
            }
            result[i + b.limbs.count] = carry
        }
        return Magnitude(limbs: result)
    }

    /// This number less `other`; nil if that is negative.
    func subtracting(_ other: Magnitude) -> Magnitude? {
        if other.limbs.count > limbs.count { return nil }
        var result = limbs
        var borrow: UInt64 = 0
        for index in result.indices {
            let taken = index < other.limbs.count ? other.limbs[index] : 0
            let (first, isBelow) = result[index].subtractingReportingOverflow(taken)
            let (second, isBelowAgain) = first.subtractingReportingOverflow(borrow)
            result[index] = second
            borrow = isBelow || isBelowAgain ? 1 : 0
        }
        return borrow == 0 ? Magnitude(limbs: result) : nil
    }

    /// Divides by `divisor` and gives the remainder.
    mutating func divide(by divisor: UInt64) -> UInt64 {
        var remainder: UInt64 = 0
        for index in limbs.indices.reversed() {
            (limbs[index], remainder) = divisor.dividingFullWidth((remainder, limbs[index]))
        }
        trim()
        return remainder
    }

    /// The float nearest to ±this number · 2^`exponent`.
    ///
    /// With `hasRemainder` the exact value lies above this number by less than one; the number then
    /// has at least 64 significant bits.
    func rounded(exponent: Int, hasRemainder: Bool = false, isNegative: Bool) -> Double {
        // The top 128 bits decide, and whether anything stands below them.
        var top: UInt128 = 0
        let below = max(bitCount - 128, 0)
        for (index, limb) in limbs.enumerated().reversed() {
            let place = index * 64 - below
            if place >= 0 {
                top |= UInt128(limb) << UInt128(place)
            } else if place > -64 {
                top |= UInt128(limb >> UInt64(-place))
            }
        }
        let isCut = (0..<below).contains(trailingZeroBitCount)
        return ExactRounding.double(
            top, exponent: exponent + below, hasRemainder: hasRemainder || isCut,
            isNegative: isNegative)
    }

    private var trailingZeroBitCount: Int {
        guard let index = limbs.firstIndex(where: { $0 != 0 }) else { return 0 }
        return index * 64 + limbs[index].trailingZeroBitCount
    }
}
