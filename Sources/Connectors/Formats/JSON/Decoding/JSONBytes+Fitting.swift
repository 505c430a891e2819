/// Scans of the fast path. Each gives the offset behind what it read, or -1 for "not here".
extension JSONBytes {
    /// Whether the bytes at `at` are the `count` bytes of `words` from `first` on, before the end.
    @inline(__always)
    func matches(
        _ words: UnsafeBufferPointer<UInt64>, from first: Int, count: Int, lastMask: UInt64, at: Int
    ) -> Bool {
        guard unsafe at &+ count <= end else { return false }
        var index = first
        var offset = at
        var rest = count
        while rest > 8 {
            guard unsafe word(offset) == words[index] else { return false }
            index &+= 1
            offset &+= 8
            rest &-= 8
        }
        return unsafe count == 0 || word(offset) & lastMask == words[index]
    }

    /// The end of a string without escapes, from behind its opening quote; text that is not ASCII
    /// must be UTF-8.
    ///
    /// The lengths of strings cannot be predicted, and a branch that is guessed wrongly costs more
    /// than looking at 16 bytes: the first mark of two words is found without one.
    @inline(__always)
    func plainStringEnd(_ start: Int) -> Int {
        var at = start
        while true {
            let low = unsafe ByteMarks.stringSpecials(word(at))
            let high = unsafe ByteMarks.stringSpecials(word(at &+ 8))
            if low | high != 0 {
                let isLow = low != 0
                at &+= ByteMarks.first(isLow ? low : high) &+ (isLow ? 0 : 8)
                if unsafe self[at] == UInt8(ascii: "\"") { return at &+ 1 }
                return unsafe longStringEnd(at)
            }
            at &+= 16
            if unsafe at >= end { return -1 }
        }
    }

    /// The end of a string that is plain up to `first`.
    @inline(never)
    private func longStringEnd(_ first: Int) -> Int {
        var at = first
        while unsafe at < end {
            let marks = unsafe ByteMarks.stringSpecials(word(at))
            if marks == 0 {
                at &+= 8
                continue
            }
            at &+= ByteMarks.first(marks)
            let byte = unsafe self[at]
            if byte == UInt8(ascii: "\"") { return at &+ 1 }
            guard byte >= 0x80 else { return -1 }
            let count = unsafe scalarLength(at)
            guard count > 0 else { return -1 }
            at &+= count
        }
        return -1
    }

    /// A whole number of up to 15 digits.
    @inline(__always)
    func int(at start: Int) -> (value: Int64, end: Int) {
        let isNegative = unsafe self[start] == UInt8(ascii: "-")
        let first = start &+ (isNegative ? 1 : 0)
        var (value, count) = unsafe digits(at: first)
        let hasLeadingZero = unsafe self[first] == UInt8(ascii: "0")
        guard count == 1 || (count > 1 && !hasLeadingZero) else { return (0, -1) }
        if count == 8 {
            let (low, lowCount) = unsafe digits(at: first &+ 8)
            guard lowCount < 8 else { return (0, -1) }
            value = value &* ByteMarks.powerOfTen(lowCount) &+ low
            count &+= lowCount
        }
        let signed = Int64(truncatingIfNeeded: value)
        return (isNegative ? 0 &- signed : signed, first &+ count)
    }

    /// Whether no part of a number (a fraction, an exponent, a digit) stands at `at`.
    @inline(__always)
    func endsNumber(_ at: Int) -> Bool {
        let byte = unsafe self[at]
        return byte != UInt8(ascii: ".") && byte | 0x20 != UInt8(ascii: "e")
    }

    /// A number of up to 15 digits in all, less than 8 of them behind the point, and no exponent:
    /// then the quotient of two exact floats is the nearest one (Clinger, 1990).
    @inline(__always)
    func double(at start: Int) -> (value: Double, end: Int) {
        let isNegative = unsafe self[start] == UInt8(ascii: "-")
        let first = start &+ (isNegative ? 1 : 0)
        let (whole, wholeCount) = unsafe digits(at: first)
        let point = first &+ wholeCount
        let (fraction, count) = unsafe digits(at: point &+ 1)
        let hasLeadingZero = unsafe self[first] == UInt8(ascii: "0")
        let isPlain =
            unsafe self[point] == UInt8(ascii: ".")
            && wholeCount < 8 && (wholeCount == 1 || (wholeCount > 1 && !hasLeadingZero))
            && count > 0 && count < 8 && endsNumber(point &+ 1 &+ count)
        guard isPlain else { return unsafe otherDouble(at: start) }
        let scale = ByteMarks.powerOfTen(count)
        let digits = Int64(truncatingIfNeeded: whole &* scale &+ fraction)
        let value = Double(digits) / Double(Int64(truncatingIfNeeded: scale))
        return (isNegative ? -value : value, point &+ 1 &+ count)
    }

    /// A number without point; others are left to the general reader.
    @inline(never)
    private func otherDouble(at start: Int) -> (value: Double, end: Int) {
        let (whole, end) = unsafe int(at: start)
        guard end >= 0, unsafe self[end] != UInt8(ascii: "."), unsafe endsNumber(end)
        else { return (0, -1) }
        let isNegativeZero = unsafe whole == 0 && self[start] == UInt8(ascii: "-")
        return (isNegativeZero ? -0.0 : Double(whole), end)
    }

    /// The value of up to eight digits at `at`, and how many there are.
    @inline(__always)
    private func digits(at: Int) -> (value: UInt64, count: Int) {
        let word = unsafe self.word(at) ^ 0x3030_3030_3030_3030
        let marks = ByteMarks.nonDigits(word)
        if marks == 0 { return (ByteMarks.number(word), 8) }
        let count = ByteMarks.first(marks)
        if count == 0 { return (0, 0) }
        let shift = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        return (ByteMarks.number(word &<< shift), count)
    }
}
