/// ROUND and TRUNCATE, which act on the decimal digits that a number is written with.
///
/// 1.005 is stored a little below; rounded to two digits it still gives 1.01, as in Flink SQL.
enum Rounding {
    enum Mode {
        /// To the nearest, halves away from zero.
        case nearest
        /// Toward zero.
        case down
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    static func round(_ value: Double, digits: Int64, _ mode: Mode) -> Double {
        // A float has no digits beyond these.
        if digits > 340 { return value }
        if digits < -310 { return 0 }
        guard digits >= 0 else { return decimal(value, digits: Int(digits), mode) }
        guard digits <= 22 else { return decimal(value, digits: Int(digits), mode) }
        let power = powerOfTen(Int(digits))
        let scaled = value * power
        // Beyond 2^53 the product is not exact; there are few digits left to round then.
        guard scaled.magnitude < 9_007_199_254_740_992 else {
            return decimal(value, digits: Int(digits), mode)
        }
        let nearest = scaled.rounded(.toNearestOrAwayFromZero)
        if nearest / power == value { return value }
        let distance = (scaled - nearest).magnitude
        let doubt = max(scaled.magnitude, 1) * 1e-14
        switch mode {
        case .nearest:
            if (distance - 0.5).magnitude <= doubt { break }
            return nearest / power
        case .down:
            if distance <= doubt { break }
            return scaled.rounded(.towardZero) / power
        }
        return decimal(value, digits: Int(digits), mode)
    }

    /// Rounds the shortest decimal that stands for the value, digit by digit.
    static func decimal(_ value: Double, digits: Int, _ mode: Mode) -> Double {
        var mantissa: [UInt8] = []
        var pointPlace: Int?
        var exponent = 0
        let text = Array(value.magnitude.description.utf8)
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                pointPlace = mantissa.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                mantissa.append(byte - UInt8(ascii: "0"))
            }
        }
        // The value is 0.mantissa × 10^point.
        let point = (pointPlace ?? mantissa.count) + exponent
        let kept = point + digits
        if kept >= mantissa.count { return value }
        var rounded = kept > 0 ? Array(mantissa[..<kept]) : []
        if mode == .nearest, kept >= 0, mantissa[kept] >= 5 {
            var place = rounded.count - 1
            while place >= 0, rounded[place] == 9 {
                rounded[place] = 0
                place -= 1
            }
            if place >= 0 { rounded[place] += 1 } else { rounded.insert(1, at: 0) }
        }
        let letters = rounded.map { $0 + UInt8(ascii: "0") }
        let spelled = rounded.isEmpty ? "0" : String(decoding: letters, as: UTF8.self)
        let result = Double("\(spelled)e\(-digits)") ?? value
        return value < 0 ? -result : result
    }

    /// For whole numbers only negative digits matter; nil on overflow.
    static func round(_ value: Int64, digits: Int64, _ mode: Mode) -> Int64? {
        if digits >= 0 { return value }
        if digits < -19 { return 0 }
        var power: UInt64 = 1
        for _ in 0..<(-digits) { power *= 10 }
        let rest = value.magnitude % power
        var rounded = value.magnitude - rest
        if mode == .nearest, rest >= power - rest {
            let (sum, overflow) = rounded.addingReportingOverflow(power)
            if overflow { return nil }
            rounded = sum
        }
        if value < 0 { return rounded <= 1 << 63 ? 0 &- Int64(truncatingIfNeeded: rounded) : nil }
        return Int64(exactly: rounded)
    }
}
