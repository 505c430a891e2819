/// Powers of ten in the forms that parsing and writing need.
enum PowersOfTen {
    /// 10^0 to 10^22: all that a `Double` holds exactly.
    static let doubles: [23 of Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// 10^0 to 10^19.
    static let integers: [20 of UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
        10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000,
        100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// The decimal exponents that a 19-digit mantissa and a `Double` can need.
    static let fiveExponents = -342...308

    /// The first 128 bits of 5^q for every q of `fiveExponents`, high word before low.
    ///
    /// Positive powers are cut off; reciprocals are cut off too, but rounded up for q ≥ -27, where
    /// the product with a 64-bit integer must be able to come out exact. Made once, by exact
    /// arithmetic, when the first number needs it.
    static let fives: [UInt64] = {
        var table = [UInt64](repeating: 0, count: fiveExponents.count * 2)
        var power = BigNatural(1)
        for exponent in 0...342 {
            if exponent <= 308 {
                let bits = power.leading128
                table[(exponent + 342) * 2] = bits.high
                table[(exponent + 342) * 2 + 1] = bits.low
            }
            if exponent > 0 {
                let bits = power.reciprocal128(roundedUp: exponent <= 27)
                table[(342 - exponent) * 2] = bits.high
                table[(342 - exponent) * 2 + 1] = bits.low
            }
            power.multiply(by: 5)
        }
        return table
    }()
}

/// An exact natural number, for making the table of powers.
struct BigNatural {
    /// Base 2^64, lowest word first, the last word never zero.
    private var words: [UInt64]

    init(_ value: UInt64) { words = [value] }

    private var bitCount: Int {
        words.count * 64 - (words.last ?? 0).leadingZeroBitCount
    }

    mutating func multiply(by factor: UInt64) {
        var carry: UInt64 = 0
        for index in words.indices {
            let product = words[index].multipliedFullWidth(by: factor)
            let (sum, overflow) = product.low.addingReportingOverflow(carry)
            words[index] = sum
            carry = product.high + (overflow ? 1 : 0)
        }
        if carry > 0 { words.append(carry) }
    }

    /// The 128 highest bits, the first of them 1; zeros follow a shorter number.
    var leading128: (high: UInt64, low: UInt64) {
        func word(endingAtBit end: Int) -> UInt64 {
            var result: UInt64 = 0
            for bit in 0..<64 where end - 64 + bit >= 0 {
                let place = end - 64 + bit
                result |= (words[place / 64] >> UInt64(place % 64) & 1) << UInt64(bit)
            }
            return result
        }
        return (word(endingAtBit: bitCount), word(endingAtBit: bitCount - 64))
    }

    /// The 128 highest bits of 1 / self, for a number that is no power of two.
    func reciprocal128(roundedUp: Bool) -> (high: UInt64, low: UInt64) {
        // 2^n / self by long division, where 2^n is the first power of two that is greater: the
        // first digit of the quotient is 1.
        var rest = [UInt64](repeating: 0, count: words.count + 1)
        rest[bitCount / 64] = 1 << UInt64(bitCount % 64)
        var quotient: UInt128 = 0
        for _ in 0..<128 {
            quotient <<= 1
            if Self.subtract(words, from: &rest) { quotient |= 1 }
            Self.double(&rest)
        }
        if roundedUp { quotient += 1 }
        return (UInt64(quotient >> 64), UInt64(truncatingIfNeeded: quotient))
    }

    /// Takes `words` away from `rest` if that is large enough.
    private static func subtract(_ words: [UInt64], from rest: inout [UInt64]) -> Bool {
        if rest[words.count] == 0 {
            for index in words.indices.reversed() where rest[index] != words[index] {
                if rest[index] < words[index] { return false }
                break
            }
        }
        var borrow: UInt64 = 0
        for index in rest.indices {
            let word = index < words.count ? words[index] : 0
            let (first, under) = rest[index].subtractingReportingOverflow(word)
            let (second, underAgain) = first.subtractingReportingOverflow(borrow)
            rest[index] = second
            borrow = under || underAgain ? 1 : 0
        }
        return true
    }

    private static func double(_ rest: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in rest.indices {
            let next = rest[index] >> 63
            rest[index] = rest[index] << 1 | carry
            carry = next
        }
    }
}
