/// A natural number of any size, by the methods of school: the twin's arithmetic.
struct Natural: Comparable {
    var digits: [UInt32] = []

    init(_ value: UInt64) {
        digits = [UInt32(truncatingIfNeeded: value), UInt32(value >> 32)].trimmed
    }
    init(digits: [UInt32]) { self.digits = digits.trimmed }

    static func + (a: Natural, b: Natural) -> Natural {
        var result: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<max(a.digits.count, b.digits.count) {
            carry += UInt64(a.digit(index)) + UInt64(b.digit(index))
            result.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        return Natural(digits: result + [UInt32(carry)])
    }

    /// Only for b <= a.
    static func - (a: Natural, b: Natural) -> Natural {
        precondition(b <= a)
        var result: [UInt32] = []
        var borrow: Int64 = 0
        for index in a.digits.indices {
            let value = Int64(a.digit(index)) - Int64(b.digit(index)) - borrow
            borrow = value < 0 ? 1 : 0
            result.append(UInt32(truncatingIfNeeded: value))
        }
        return Natural(digits: result)
    }

    static func * (a: Natural, b: Natural) -> Natural {
        var result = [UInt32](repeating: 0, count: a.digits.count + b.digits.count)
        for i in a.digits.indices {
            var carry: UInt64 = 0
            for j in b.digits.indices {
                carry += UInt64(a.digits[i]) * UInt64(b.digits[j]) + UInt64(result[i + j])
                result[i + j] = UInt32(truncatingIfNeeded: carry)
                carry >>= 32
            }
            result[i + b.digits.count] = UInt32(carry)
        }
        return Natural(digits: result)
    }

    /// This number times 2^count.
    func doubled(_ count: Int) -> Natural {
        let zeros = [UInt32](repeating: 0, count: count / 32)
        return Natural(digits: zeros + digits) * Natural(1 << UInt64(count % 32))
    }

    private func digit(_ index: Int) -> UInt32 { index < digits.count ? digits[index] : 0 }

    static func < (a: Natural, b: Natural) -> Bool {
        if a.digits.count != b.digits.count { return a.digits.count < b.digits.count }
        return a.digits.reversed().lexicographicallyPrecedes(b.digits.reversed())
    }
}

extension [UInt32] {
    fileprivate var trimmed: [UInt32] {
        var digits = self
        while digits.last == 0 { digits.removeLast() }
        return digits
    }
}

/// Sums, means and variances by exact arithmetic on all values at once, and rounding by search.
struct ExactTwin {
    /// Sums of the positive and of the negative values, in units of 2^-1074.
    private var positive = Natural(0)
    private var negative = Natural(0)
    /// The sum of squares, in units of 2^-2148.
    private var squares = Natural(0)
    private var count: UInt64 = 0

    init(_ values: [Double]) {
        for value in values {
            add(value.significandBits, exponent: value.lastExponent, value.sign == .minus)
        }
    }

    init(_ values: [Int64]) {
        for value in values { add(value.magnitude, exponent: 0, value < 0) }
    }

    private mutating func add(_ significand: UInt64, exponent: Int, _ isNegative: Bool) {
        let scaled = Natural(significand).doubled(exponent + 1074)
        if isNegative { negative = negative + scaled } else { positive = positive + scaled }
        squares = squares + scaled * scaled
        count += 1
    }

    private var isNegative: Bool { positive < negative }
    private var total: Natural { isNegative ? negative - positive : positive - negative }

    var sum: Double { Self.nearest(total, over: Natural(1), scale: 1074, isNegative) }

    var average: Double { Self.nearest(total, over: Natural(count), scale: 1074, isNegative) }

    func variance(less: UInt64) -> Double {
        let numerator = squares * Natural(count) - total * total
        return Self.nearest(
            numerator, over: Natural(count) * Natural(count - less), scale: 2148, false)
    }

    /// The float nearest to ±numerator / denominator / 2^scale, ties to even.
    private static func nearest(
        _ numerator: Natural, over denominator: Natural, scale: Int, _ isNegative: Bool
    ) -> Double {
        // A float is significand · 2^(exponent); times 2^scale it is whole.
        func isAtMost(_ significand: UInt64, _ exponent: Int) -> Bool {
            Natural(significand).doubled(exponent + scale) * denominator <= numerator
        }
        // The greatest bit pattern whose float is not above the value.
        var low: UInt64 = 0
        var high = Double.infinity.bitPattern
        while high - low > 1 {
            let middle = Double(bitPattern: (low + high) / 2)
            if isAtMost(middle.significandBits, middle.lastExponent) {
                low = middle.bitPattern
            } else {
                high = middle.bitPattern
            }
        }
        // Half way to the next float is one bit further down.
        let below = Double(bitPattern: low)
        let half = 2 * below.significandBits + 1
        let exponent = below.lastExponent - 1
        let doubled = numerator + numerator
        let left = Natural(half).doubled(exponent + 1 + scale) * denominator
        var result = below
        if left < doubled || (left == doubled && low & 1 == 1) {
            result = Double(bitPattern: low + 1)
        }
        return isNegative ? -result : result
    }
}

extension Double {
    /// The whole number that this float is, times 2^lastExponent, without sign.
    fileprivate var significandBits: UInt64 {
        isNormal ? significandBitPattern | 1 << 52 : significandBitPattern
    }

    fileprivate var lastExponent: Int { (isNormal ? Int(exponent) : -1022) - 52 }
}
