/// Exponential and logarithm of nothing but the basic operations, which IEEE 754 fixes to the bit.
///
/// Results of a C library differ between its versions in the last bit; generated data must not.
/// Correct to about 10^−15.
enum PortableMath {
    private static let ln2 = 0.693147180559945309417

    /// e to the power of `x`, for |x| up to 700.
    static func exp(_ x: Double) -> Double {
        let power = (x / ln2).rounded()
        let rest = x - power * ln2
        var sum = 1.0
        for divisor in stride(from: 18.0, through: 1, by: -1) { sum = 1 + sum * rest / divisor }
        return Double(sign: .plus, exponent: Int(power), significand: sum)
    }

    /// The natural logarithm of a normal `x` > 0.
    static func log(_ x: Double) -> Double {
        var exponent = x.exponent
        var significand = x.significand
        if significand > 1.5 {
            significand /= 2
            exponent += 1
        }
        let t = (significand - 1) / (significand + 1)
        var sum = 0.0
        for divisor in stride(from: 29.0, through: 1, by: -2) { sum = sum * t * t + 1 / divisor }
        return 2 * t * sum + Double(exponent) * ln2
    }
}
