/// An exact sum of numbers of any magnitude: where values go that 128-bit fixed point cannot take.
///
/// The model: one long two's-complement number in limbs of 32 bits, limb `i` of weight
/// 2^(32 · (`first` + i) − 2176), which reaches from below the square of the least float to above
/// the square of the greatest. Only the range of limbs that was touched is held. A limb is kept in
/// an `Int64`, so carries wait until 2^30 values have been added.
struct WideSum: Equatable {
    /// The exponent of limb 0; a multiple of 32 below 2 · −1074.
    static let baseExponent = -2176
    /// Limbs that a sum of squares of floats can reach, with room for 2^64 of them.
    static let limbsMax = 140
    private static let pendingMax = 1 << 30

    private(set) var first = 0
    private(set) var limbs: [Int64] = []
    private var pending = 0

    init() {}

    /// The sum ±`digits` · 2^(32 · `first` + `baseExponent`), the least significant digit first.
    init(first: Int, digits: [UInt32], isNegative: Bool) {
        self.first = first
        limbs = digits.map { isNegative ? -Int64($0) : Int64($0) }
        settle()
    }

    /// Bytes it holds beside itself.
    var byteCount: Int { limbs.capacity * 8 }

    /// Adds ±`magnitude` · 2^`exponent`.
    mutating func add(_ magnitude: UInt128, exponent: Int, isNegative: Bool) {
        if magnitude == 0 { return }
        let place = exponent - WideSum.baseExponent
        let bit = UInt128(place & 31)
        var index = place >> 5
        var chunk = UInt32(truncatingIfNeeded: magnitude << bit)
        var rest = magnitude >> (32 - bit)
        reserve(index..<index + (rest.bitCount + 31) / 32 + 1)
        index -= first
        while true {
            limbs[index] += isNegative ? -Int64(chunk) : Int64(chunk)
            if rest == 0 { break }
            chunk = UInt32(truncatingIfNeeded: rest)
            rest >>= 32
            index += 1
        }
        pending += 1
        if pending >= WideSum.pendingMax { settle() }
    }

    /// Adds another sum.
    mutating func add(_ other: WideSum) {
        if other.limbs.isEmpty { return }
        var other = other
        other.settle()
        settle()
        reserve(other.first..<other.first + other.limbs.count)
        for (index, limb) in other.limbs.enumerated() {
            limbs[other.first - first + index] += limb
        }
        pending = 2
    }

    /// The sum's sign and digits, without zeros at the end.
    var digits: (first: Int, digits: [UInt32], isNegative: Bool) {
        var sum = self
        sum.settle()
        let isNegative = (sum.limbs.last ?? 0) < 0
        if isNegative {
            for index in sum.limbs.indices { sum.limbs[index].negate() }
            sum.settle()
        }
        var digits = sum.limbs.map { UInt32(truncatingIfNeeded: $0) }
        while digits.last == 0 { digits.removeLast() }
        return (sum.first, digits, isNegative)
    }

    /// The sum as sign, whole number and exponent.
    var value: (magnitude: Magnitude, exponent: Int, isNegative: Bool) {
        let (first, digits, isNegative) = digits
        let limbs = stride(from: 0, to: digits.count, by: 2).map { index in
            let upper = index + 1 < digits.count ? digits[index + 1] : 0
            return UInt64(digits[index]) | UInt64(upper) << 32
        }
        return (Magnitude(limbs: limbs), 32 * first + WideSum.baseExponent, isNegative)
    }

    /// Makes the limbs of `range` present.
    private mutating func reserve(_ range: Range<Int>) {
        if limbs.isEmpty {
            first = range.lowerBound
            limbs = [Int64](repeating: 0, count: range.count)
            return
        }
        if range.lowerBound < first {
            limbs.insert(contentsOf: repeatElement(0, count: first - range.lowerBound), at: 0)
            first = range.lowerBound
        }
        let missing = range.upperBound - first - limbs.count
        if missing > 0 { limbs.append(contentsOf: repeatElement(0, count: missing)) }
    }

    /// Carries: afterwards every limb but the last is a digit, and the last has the sum's sign.
    private mutating func settle() {
        pending = 1
        guard let last = limbs.indices.last else { return }
        var carry: Int64 = 0
        for index in 0..<last {
            let limb = limbs[index] + carry
            limbs[index] = limb & 0xffff_ffff
            carry = limb >> 32
        }
        limbs[last] += carry
        let top = limbs[last]
        if !(-0x1_0000_0000...0xffff_ffff).contains(top) {
            limbs[last] = top & 0xffff_ffff
            limbs.append(top >> 32)
        }
    }
}

extension UInt128 {
    fileprivate var bitCount: Int { 128 - leadingZeroBitCount }
}
