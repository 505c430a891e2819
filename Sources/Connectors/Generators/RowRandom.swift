/// The chance of one row: numbers that depend on the seed, the purpose and the row alone.
///
/// SplitMix64 from a start that is itself a mix of those, so that any row can be made without the
/// ones before it.
struct RowRandom {
    static let step: UInt64 = 0x9e37_79b9_7f4a_7c15
    private var state: UInt64

    /// The numbers of `row` for the purpose of `key`.
    @inline(__always)
    init(key: UInt64, row: Int) {
        state = RowRandom.word(key: key, row: row)
    }

    /// What tells the purposes of one seed apart.
    static func key(seed: UInt64, purpose: UInt64) -> UInt64 {
        mix(mix(seed &+ step) &+ purpose &* 0xd1b5_4a32_d192_ed03)
    }

    /// One number for a row.
    @inline(__always)
    static func word(key: UInt64, row: Int) -> UInt64 {
        mix(key &+ UInt64(truncatingIfNeeded: row) &* step)
    }

    /// What SplitMix64 makes of its state.
    @inline(__always)
    static func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ (word &>> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word &>> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word &>> 31)
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= RowRandom.step
        return RowRandom.mix(state)
    }

    /// A number from 0 up to, not including, `bound`; 0 for a bound of 0.
    @inline(__always)
    mutating func below(_ bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }

    /// The limit below which a share of all words lies.
    static func threshold(percent: Double) -> UInt64 {
        percent >= 100 ? .max : UInt64(percent / 100 * 0x1p64)
    }
}
