import Testing

@testable import Operators

struct RoundingTests {
    /// The quick way through binary arithmetic gives what rounding digit by digit gives.
    @Test(arguments: [21, 22] as [UInt64])
    func quickWayAgreesWithDigits(seed: UInt64) {
        var random = ExpressionRandom(seed: seed)
        for _ in 0..<20_000 {
            var value = Double(Int64(random.next() % 2_000_000) - 1_000_000)
            for _ in 0..<random.below(6) { value /= 10 }
            if random.chance(30) { value *= 1.1 }
            if random.chance(10) { value *= 1e12 }
            let digits = random.below(6)
            for mode in [Rounding.Mode.nearest, .down] {
                let quick = Rounding.round(value, digits: Int64(digits), mode)
                let exact = Rounding.decimal(value, digits: digits, mode)
                #expect(quick == exact, "seed \(seed): \(value) to \(digits) digits, \(mode)")
            }
        }
    }
}
