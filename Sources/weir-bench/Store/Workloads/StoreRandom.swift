import Glibc

/// The random words of the store's workloads: those of `scripts/peers/rocksdb_store.cc`, which
/// says how every operation is made of them.
enum StoreRandom {
    /// The output number `index` of SplitMix64 with a seed.
    @inline(__always)
    static func word(_ seed: UInt64, _ index: UInt64) -> UInt64 { SplitMix64.word(seed, index) }

    /// The 16 hexadecimal digits of a word, as two words of text.
    @inline(__always)
    static func hexadecimal(_ word: UInt64) -> (UInt64, UInt64) {
        (digits(UInt32(truncatingIfNeeded: word &>> 32)), digits(UInt32(truncatingIfNeeded: word)))
    }

    /// Eight digits, the greatest in the lowest byte.
    @inline(__always)
    private static func digits(_ half: UInt32) -> UInt64 {
        var word = UInt64(half.byteSwapped)
        word = (word | word &<< 16) & 0x0000_ffff_0000_ffff
        word = (word | word &<< 8) & 0x00ff_00ff_00ff_00ff
        let low = word & 0x000f_000f_000f_000f
        word = (word &>> 4) & 0x000f_000f_000f_000f | low &<< 8
        // 39 from the digit 9 to the letter a, where a digit is 10 or more.
        let isLetter = ((word &+ 0x0606_0606_0606_0606) &>> 4) & 0x0101_0101_0101_0101
        return word &+ 0x3030_3030_3030_3030 &+ isLetter &* 39
    }

    /// A digest of a sequence of words, to compare it with a peer's.
    @inline(__always)
    static func digest(_ digest: UInt64, _ word: UInt64) -> UInt64 {
        (digest ^ word) &* 0x100_0000_01b3
    }
}

/// Ranks from 0 by Zipf's law: rank `r` has a weight of 1 / (r + 1)^0.99.
///
/// After Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994: a
/// closed form that is near enough, and takes no table.
struct ZipfRanks {
    private let count: Double
    private let alpha: Double
    private let zeta: Double
    private let second: Double
    private let eta: Double

    init(keys: Int) {
        let theta = 0.99
        count = Double(keys)
        var sum = 0.0
        for rank in 1...max(keys, 1) { sum += 1.0 / pow(Double(rank), theta) }
        zeta = sum
        second = 1.0 + pow(0.5, theta)
        alpha = 1.0 / (1.0 - theta)
        eta = (1.0 - pow(2.0 / count, 1.0 - theta)) / (1.0 - second / zeta)
    }

    /// The rank that a random word stands for.
    func rank(_ word: UInt64) -> UInt64 {
        let u = Double(word &>> 11) * 0x1p-53
        let scaled = u * zeta
        if scaled < 1.0 { return 0 }
        if scaled < second { return 1 }
        let rank = count * pow(eta * u - eta + 1.0, alpha)
        return rank >= count ? UInt64(count) - 1 : UInt64(rank)
    }
}
