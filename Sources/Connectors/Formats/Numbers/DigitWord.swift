/// Eight bytes of text in a word, the first byte lowest: decimal digits without a loop.
///
/// The tricks are Daniel Lemire's ("Number parsing at a gigabyte per second", 2021): digits are
/// found and summed side by side within one register.
enum DigitWord {
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
        var digits = (word &- 0x3030_3030_3030_3030) &<< shift
        digits = digits &* 10 &+ digits &>> 8
        let even = (digits & 0x0000_00ff_0000_00ff) &* 0x000f_4240_0000_0064
        let odd = (digits &>> 16 & 0x0000_00ff_0000_00ff) &* 0x0000_2710_0000_0001
        return (even &+ odd) &>> 32
    }
}
