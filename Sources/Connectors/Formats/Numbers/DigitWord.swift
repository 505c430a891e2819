/// Eight bytes of text in a word, the first byte lowest: decimal digits without a loop.
///
/// The tricks are Daniel Lemire's ("Number parsing at a gigabyte per second", 2021): digits are
/// found and summed side by side within one register.
enum DigitWord {
    /// A mark (0x80) in every byte that is no decimal digit.
    @inline(__always)
    static func otherMarks(_ word: UInt64) -> UInt64 {
        let flipped = word ^ 0x3030_3030_3030_3030
        return (((flipped & 0x7f7f_7f7f_7f7f_7f7f) &+ 0x7676_7676_7676_7676) | flipped)
            & 0x8080_8080_8080_8080
    }

    /// How many of the first bytes are decimal digits (0 to 8).
    @inline(__always)
    static func leadingDigits(_ word: UInt64) -> Int {
        // A digit stays below 0x80 with 0x46 added and with 0x30 taken away. What a carry or borrow
        // spoils stands behind the first byte that is no digit.
        let marks =
            ((word &+ 0x4646_4646_4646_4646) | (word &- 0x3030_3030_3030_3030))
            & 0x8080_8080_8080_8080
        return marks.trailingZeroBitCount &>> 3
    }

    /// Whether all eight bytes are decimal digits.
    @inline(__always)
    static func isDigits(_ word: UInt64) -> Bool {
        ((word &+ 0x4646_4646_4646_4646) | (word &- 0x3030_3030_3030_3030))
            & 0x8080_8080_8080_8080 == 0
    }

    /// The number that the first `count` bytes (1 to 8, all of them digits) stand for.
    @inline(__always)
    static func value(_ word: UInt64, count: Int) -> UInt64 {
        // Shifted up, the digits stand behind leading zeros.
        let shift = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        return sum((word &- 0x3030_3030_3030_3030) &<< shift)
    }

    /// The number that eight digits, as values from 0 to 9, stand for.
    @inline(__always)
    static func sum(_ word: UInt64) -> UInt64 {
        let digits = word &* 10 &+ word &>> 8
        let even = (digits & 0x0000_00ff_0000_00ff) &* 0x000f_4240_0000_0064
        let odd = (digits &>> 16 & 0x0000_00ff_0000_00ff) &* 0x0000_2710_0000_0001
        return (even &+ odd) &>> 32
    }

    /// The eight decimal digits of `value` (below 10^8), one a byte, the first lowest.
    @inline(__always)
    static func digits(of value: UInt64) -> UInt64 {
        // Halves of four digits, then of two, then of one; the quotients by reciprocals.
        let high = value / 10_000
        let fours = high | (value &- high &* 10_000) &<< 32
        let hundreds = ((fours &* 10_486) &>> 20) & 0x0000_007f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) &<< 16
        let tens = ((twos &* 103) &>> 10) & 0x000f_000f_000f_000f
        return tens | (twos &- tens &* 10) &<< 8
    }
}
