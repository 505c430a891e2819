/// The exact sum of numbers and of their squares: what variance and standard deviation are made of.
///
/// The model: an `ExactSum`, and beside it a 256-bit fixed-point number in units of 2^−144 for the
/// squares. So n·Σx² − (Σx)², which for close values cancels almost wholly, loses nothing, and the
/// variance is rounded once. 60 flat bytes (64 with padding), all zero at the start.
struct ExactMoments: BitwiseCopyable, Equatable {
    /// Which variance: divided by n, or by n − 1.
    enum Kind { case population, sample }

    /// The exponent of the squares' last bit.
    static let exponent = 2 * ExactSum.exponent

    private(set) var sum = ExactSum()
    /// The squares' sum, least significant word first.
    private var word0: UInt64 = 0
    private var word1: UInt64 = 0
    private var word2: UInt64 = 0
    private var word3: UInt64 = 0
    /// The number of the squares' wide sum, 0 for none.
    private var wide: UInt32 = 0

    init() {}

    init(sum: ExactSum, squares: [UInt64], wide: UInt32) {
        self.sum = sum
        self.wide = wide
        setSquares(squares)
    }

    /// The words of the squares' sum.
    var squares: [UInt64] { [word0, word1, word2, word3] }

    private mutating func setSquares(_ words: [UInt64]) {
        precondition(words.count == 4, "256 bits are four words")
        (word0, word1, word2, word3) = (words[0], words[1], words[2], words[3])
    }

    /// Adds a value.
    @inline(__always)
    mutating func add(_ value: Double, _ wides: inout WideSums) {
        let bits = value.bitPattern
        let shift = Int(truncatingIfNeeded: bits &>> 52 & 0x7ff) &- ExactSum.fieldOfUnit
        guard UInt(bitPattern: shift) <= ExactSum.shiftMax,
            add(mantissa: bits & (1 &<< 52 &- 1) | 1 &<< 52, shift: shift, sign: bits)
        else { return addSlowly(FloatParts(value), &wides) }
    }

    /// Adds a whole number, however large.
    @inline(__always)
    mutating func add(_ value: Int64, _ wides: inout WideSums) {
        let magnitude = value.magnitude
        let sign = UInt64(bitPattern: value)
        guard magnitude < 1 &<< 53,
            add(mantissa: magnitude, shift: -ExactSum.exponent, sign: sign)
        else { return addSlowly(FloatParts(value), &wides) }
    }

    /// Adds ±`mantissa` · 2^`shift` units; false, and nothing is added, where a sum would overflow.
    @inline(__always)
    private mutating func add(mantissa: UInt64, shift: Int, sign: UInt64) -> Bool {
        let (high, low) = mantissa.multipliedFullWidth(by: mantissa)
        let bit = UInt64(truncatingIfNeeded: 2 &* shift) & 63
        // The square has at most 106 bits: shifted within a word it has three words.
        let a = low &<< bit
        let b = high &<< bit | (low &>> 1) &>> (63 &- bit)
        let c = (high &>> 1) &>> (63 &- bit)
        var words = (word0, word1, word2, word3)
        let isOver =
            switch shift &>> 5 {
            case 0: ExactMoments.add(a, b, c, 0, to: &words)
            case 1: ExactMoments.add(0, a, b, c, to: &words)
            default: ExactMoments.add(0, 0, a, b, to: &words)
            }
        if isOver || !sum.add(mantissa: mantissa, shift: shift, sign: sign) { return false }
        (word0, word1, word2, word3) = words
        return true
    }

    /// Adds 256 bits; true where the sum overflows.
    @inline(__always)
    private static func add(
        _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64,
        to words: inout (UInt64, UInt64, UInt64, UInt64)
    ) -> Bool {
        let lower =
            (UInt128(truncatingIfNeeded: words.1) &<< 64 | UInt128(truncatingIfNeeded: words.0))
            .addingReportingOverflow(
                UInt128(truncatingIfNeeded: b) &<< 64 | UInt128(truncatingIfNeeded: a))
        let upper =
            UInt128(truncatingIfNeeded: words.3) &<< 64
            | UInt128(truncatingIfNeeded: words.2)
        let added = upper.addingReportingOverflow(
            UInt128(truncatingIfNeeded: d) &<< 64 | UInt128(truncatingIfNeeded: c))
        let carried = added.partialValue.addingReportingOverflow(lower.overflow ? 1 : 0)
        words.0 = UInt64(truncatingIfNeeded: lower.partialValue)
        words.1 = UInt64(truncatingIfNeeded: lower.partialValue &>> 64)
        words.2 = UInt64(truncatingIfNeeded: carried.partialValue)
        words.3 = UInt64(truncatingIfNeeded: carried.partialValue &>> 64)
        return added.overflow || carried.overflow
    }

    @inline(never)
    private mutating func addSlowly(_ parts: FloatParts, _ wides: inout WideSums) {
        guard parts.isFinite else { return sum.setNonFinite() }
        sum.spill(&wides)
        spill(&wides)
        sum.addWide(
            parts.mantissa, exponent: parts.exponent, isNegative: parts.isNegative, &wides)
        let (high, low) = parts.mantissa.multipliedFullWidth(by: parts.mantissa)
        wides.add(
            UInt128(high) << 64 | UInt128(low), exponent: 2 * parts.exponent, isNegative: false,
            to: &wide)
    }

    /// Moves the squares' sum to its wide sum, if it is more than half way to overflow.
    private mutating func spill(_ wides: inout WideSums) {
        if word3 >> 63 == 1 { spillSquares(squares, &wides) }
    }

    private mutating func spillSquares(_ words: [UInt64], _ wides: inout WideSums) {
        for (index, word) in words.enumerated() {
            wides.add(
                UInt128(word), exponent: ExactMoments.exponent + 64 * index, isNegative: false,
                to: &wide)
        }
        setSquares([0, 0, 0, 0])
    }

    /// Adds what another state has summed, which goes on to exist.
    mutating func merge(_ other: ExactMoments, _ wides: inout WideSums) {
        sum.merge(other.sum, &wides)
        var words = (word0, word1, word2, word3)
        if ExactMoments.add(other.word0, other.word1, other.word2, other.word3, to: &words) {
            let mine = squares
            spillSquares(mine, &wides)
            spillSquares(other.squares, &wides)
        } else {
            (word0, word1, word2, word3) = words
        }
        wides.add(other.wide, to: &wide)
    }

    /// Notes that its wide sums, if it has any, have numbers so much greater.
    mutating func moveWide(by shift: UInt32) {
        sum.moveWide(by: shift)
        if wide != 0 { wide += shift }
    }

    /// Gives up the wide sums; the state starts anew.
    mutating func remove(_ wides: inout WideSums) {
        sum.remove(&wides)
        wides.remove(&wide)
        self = ExactMoments()
    }

    /// The wide part of the squares, if there is one.
    func wideSquares(_ wides: borrowing WideSums) -> WideSum? { wide == 0 ? nil : wides[wide] }
}

extension FloatParts {
    /// A whole number, exactly.
    init(_ value: Int64) {
        mantissa = value.magnitude
        exponent = 0
        isNegative = value < 0
        isFinite = true
    }
}
