/// A sum of 64-bit integers that cannot overflow: 128 bits, flat, all zero at the start.
struct IntegerSum: BitwiseCopyable, Equatable {
    private var low: UInt64 = 0
    private var high: Int64 = 0

    init() {}

    init(_ value: Int128) { self.value = value }

    /// The exact sum.
    @inline(__always)
    private(set) var value: Int128 {
        get { Int128(truncatingIfNeeded: high) &<< 64 | Int128(truncatingIfNeeded: low) }
        set {
            low = UInt64(truncatingIfNeeded: newValue)
            high = Int64(truncatingIfNeeded: newValue &>> 64)
        }
    }

    /// Adds a value.
    @inline(__always)
    mutating func add(_ value: Int64) {
        self.value = self.value &+ Int128(truncatingIfNeeded: value)
    }

    /// Adds what another state has summed.
    @inline(__always)
    mutating func merge(_ other: IntegerSum) { value = value &+ other.value }

    /// The sum, or nil if it is no 64-bit integer.
    var int: Int64? { Int64(exactly: value) }

    /// The mean of `count` values (at least one) as a float, rounded once.
    func average(count: Int) -> Double {
        precondition(count > 0, "no mean of no values")
        return ExactRounding.quotient(
            value.magnitude, exponent: 0, by: UInt64(count), isNegative: value < 0)
    }
}
