/// A small seeded generator: the same numbers for the same seed, on every machine.
///
/// Sebastiano Vigna's SplitMix64. Good enough to drive tests; neighbouring seeds give unrelated
/// sequences.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word &>> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word &>> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word &>> 31)
    }

    /// A number from `range`.
    package mutating func int(_ range: Range<Int>) -> Int {
        Int.random(in: range, using: &self)
    }

    /// A number from `range`.
    package mutating func int(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &self)
    }

    /// True with the given probability.
    package mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }

    /// One of `choices`, which must not be empty.
    package mutating func pick<T>(_ choices: [T]) -> T {
        precondition(!choices.isEmpty, "there is something to pick from")
        return choices[int(0..<choices.count)]
    }

    /// All of `values` if there are no more than `countMax`, else so many of them; in their order.
    package mutating func sample(_ values: [Int], countMax: Int) -> [Int] {
        if values.count <= countMax { return values }
        return values.shuffled(using: &self).prefix(countMax).sorted()
    }

    /// A finite float of any magnitude: every bit pattern that is not NaN or infinite.
    package mutating func anyFinite() -> Double {
        while true {
            let value = Double(bitPattern: next())
            if value.isFinite { return value }
        }
    }
}
