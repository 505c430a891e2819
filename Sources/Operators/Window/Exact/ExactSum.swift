/// A sum of floats that is exact, whatever the order of the values, and rounded once at the end.
///
/// The model: a 128-bit fixed-point number in units of 2^−72, which holds every value between 2^−20
/// (about a millionth) and 2^55 bit by bit. Values outside of that, and the number itself before it
/// overflows, go to a `WideSum` in the aggregate's `WideSums`, named here by its number.
///
/// The state is flat: 24 bytes without references, all zero at the start, fit for an arena of
/// bytes. Whoever drops a state calls `remove` first, so that its wide sum is used again.
struct ExactSum: BitwiseCopyable, Equatable {
    /// The exponent of the fixed-point number's last bit.
    static let exponent = -72
    /// Less the exponent field of a float whose last bit is one unit.
    static let fieldOfUnit = 1075 + exponent
    /// The furthest that 53 bits may be shifted to the left to stay below 2^127.
    static let shiftMax: UInt = 74

    private var low: UInt64 = 0
    private var high: Int64 = 0
    /// The number of its wide sum, 0 for none.
    private var wide: UInt32 = 0
    /// 1 if a value was infinite or not a number: then so is the sum.
    private var nonFinite: UInt32 = 0

    init() {}

    init(fixed: Int128, wide: UInt32, isFinite: Bool) {
        self.wide = wide
        nonFinite = isFinite ? 0 : 1
        self.fixed = fixed
    }

    /// The fixed-point number.
    @inline(__always)
    private(set) var fixed: Int128 {
        get { Int128(truncatingIfNeeded: high) &<< 64 | Int128(truncatingIfNeeded: low) }
        set {
            low = UInt64(truncatingIfNeeded: newValue)
            high = Int64(truncatingIfNeeded: newValue &>> 64)
        }
    }

    var isFinite: Bool { nonFinite == 0 }

    /// Adds a value.
    @inline(__always)
    mutating func add(_ value: Double, _ wides: inout WideSums) {
        let bits = value.bitPattern
        let shift = Int(truncatingIfNeeded: bits &>> 52 & 0x7ff) &- ExactSum.fieldOfUnit
        guard UInt(bitPattern: shift) <= ExactSum.shiftMax,
            add(mantissa: bits & (1 &<< 52 &- 1) | 1 &<< 52, shift: shift, sign: bits)
        else { return addSlowly(value, &wides) }
    }

    /// Adds ±`mantissa` · 2^`shift` units, the sign being the top bit of `sign`; false, and nothing
    /// is added, where the sum would overflow.
    @inline(__always)
    mutating func add(mantissa: UInt64, shift: Int, sign: UInt64) -> Bool {
        let mask = Int64(bitPattern: sign) &>> 63
        let signed = (Int64(bitPattern: mantissa) ^ mask) &- mask
        let units = Int128(truncatingIfNeeded: signed) &<< Int128(truncatingIfNeeded: shift)
        let (sum, isOver) = fixed.addingReportingOverflow(units)
        if isOver { return false }
        fixed = sum
        return true
    }

    @inline(never)
    private mutating func addSlowly(_ value: Double, _ wides: inout WideSums) {
        let parts = FloatParts(value)
        guard parts.isFinite else {
            nonFinite = 1
            return
        }
        spill(&wides)
        addWide(parts.mantissa, exponent: parts.exponent, isNegative: parts.isNegative, &wides)
    }

    /// Adds ±`mantissa` · 2^`exponent` to the wide sum.
    mutating func addWide(
        _ mantissa: UInt64, exponent: Int, isNegative: Bool, _ wides: inout WideSums
    ) {
        wides.add(UInt128(mantissa), exponent: exponent, isNegative: isNegative, to: &wide)
    }

    /// Says that a value was infinite or not a number.
    mutating func setNonFinite() { nonFinite = 1 }

    /// Moves the fixed-point number to the wide sum, if it is more than half way to overflow.
    mutating func spill(_ wides: inout WideSums) {
        if fixed.magnitude < 1 << 126 { return }
        wides.add(
            fixed.magnitude, exponent: ExactSum.exponent, isNegative: fixed < 0, to: &wide)
        fixed = 0
    }

    /// Adds what another state has summed, which goes on to exist.
    mutating func merge(_ other: ExactSum, _ wides: inout WideSums) {
        let (sum, isOver) = fixed.addingReportingOverflow(other.fixed)
        if isOver {
            for part in [fixed, other.fixed] {
                wides.add(
                    part.magnitude, exponent: ExactSum.exponent, isNegative: part < 0, to: &wide)
            }
        }
        fixed = isOver ? 0 : sum
        wides.add(other.wide, to: &wide)
        nonFinite |= other.nonFinite
    }

    /// Notes that its wide sum, if it has one, has a number so much greater.
    mutating func moveWide(by shift: UInt32) {
        if wide != 0 { wide += shift }
    }

    /// Gives up the wide sum; the state starts anew.
    mutating func remove(_ wides: inout WideSums) {
        wides.remove(&wide)
        self = ExactSum()
    }

    /// The sum, rounded once; infinite if no float is that large, NaN if a value was not finite.
    func rounded(_ wides: borrowing WideSums) -> Double {
        guard isFinite else { return .nan }
        if wide == 0 {
            return ExactRounding.double(
                fixed.magnitude, exponent: ExactSum.exponent, isNegative: fixed < 0)
        }
        let (magnitude, exponent, isNegative) = value(wides)
        return magnitude.rounded(exponent: exponent, isNegative: isNegative)
    }

    /// The mean of `count` values (at least one), rounded once; NaN if a value was not finite.
    func average(count: Int, _ wides: borrowing WideSums) -> Double {
        precondition(count > 0, "no mean of no values")
        guard isFinite else { return .nan }
        let divisor = UInt64(count)
        if wide == 0 {
            return ExactRounding.quotient(
                fixed.magnitude, exponent: ExactSum.exponent, by: divisor, isNegative: fixed < 0)
        }
        let (magnitude, exponent, isNegative) = value(wides)
        var quotient = magnitude.shifted(by: 128)
        let remainder = quotient.divide(by: divisor)
        return quotient.rounded(
            exponent: exponent - 128, hasRemainder: remainder != 0, isNegative: isNegative)
    }

    /// The sum as sign, whole number and exponent.
    func value(
        _ wides: borrowing WideSums
    ) -> (magnitude: Magnitude, exponent: Int, isNegative: Bool) {
        if wide == 0 { return (Magnitude(fixed.magnitude), ExactSum.exponent, fixed < 0) }
        var sum = wides[wide]
        sum.add(fixed.magnitude, exponent: ExactSum.exponent, isNegative: fixed < 0)
        return sum.value
    }

    /// The wide part, if there is one.
    func wideSum(_ wides: borrowing WideSums) -> WideSum? { wide == 0 ? nil : wides[wide] }
}

/// A float taken apart: ±`mantissa` · 2^`exponent`.
struct FloatParts {
    let mantissa: UInt64
    let exponent: Int
    let isNegative: Bool
    let isFinite: Bool

    init(_ value: Double) {
        let bits = value.bitPattern
        let field = Int(bits >> 52 & 0x7ff)
        let fraction = bits & (1 << 52 - 1)
        mantissa = field == 0 ? fraction : fraction | 1 << 52
        exponent = max(field, 1) - 1075
        isNegative = bits >> 63 == 1
        isFinite = field != 0x7ff
    }
}
