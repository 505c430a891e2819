import Storage

/// Finds delimiters, line ends and quotes, 64 bytes at a time.
///
/// Bytes are compared sixteen at once; the result becomes one bit a byte, and the places of the
/// bits are listed. What the bits mean is decided behind it, at one branch a record where there are
/// no quotes.
enum CSVScanner {
    /// What was found in a range.
    struct Found {
        /// Places listed.
        var marks: Int
        /// Line ends listed.
        var lines: Int
        var hasQuotes: Bool
        var isASCII: Bool
    }

    /// Room to be had behind the lists, which is written but means nothing.
    static let slackMarks = 72

    private static let weights = SIMD16<UInt8>(
        1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128)

    /// Lists all marks of `start..<end` at `marks` and, for each line end, its number in that list
    /// plus `firstMark` at `lines`. Bytes behind `end` may be read.
    static func scan(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ dialect: CSVDialect,
        marks: UnsafeMutablePointer<UInt32>, lines: UnsafeMutablePointer<UInt32>, firstMark: Int
    ) -> Found {
        let delimiter = SIMD16<UInt8>(repeating: dialect.delimiter)
        let quote = SIMD16<UInt8>(repeating: dialect.quote)
        let lineEnd = SIMD16<UInt8>(repeating: 0x0a)
        var (markCount, lineCount) = (0, 0)
        var quotes = SIMD16<UInt8>(repeating: 0)
        var bytes = SIMD16<UInt8>(repeating: 0)
        var place = start
        while place < end {
            var found: UInt64 = 0
            var foundLines: UInt64 = 0
            // What stands behind the end counts for nothing.
            let valid: UInt64 = end - place >= 64 ? ~0 : (1 &<< UInt64(end - place)) &- 1
            for part in 0..<4 {
                let text = unsafe base.loadUnaligned(
                    fromByteOffset: place &+ part &* 16, as: SIMD16<UInt8>.self)
                let isLine = bits(text .== lineEnd)
                let isQuote = bits(text .== quote)
                let all = isLine | isQuote | bits(text .== delimiter)
                quotes |= isQuote
                bytes |= text
                foundLines |= compress(isLine) &<< UInt64(truncatingIfNeeded: part &* 16)
                found |= compress(all) &<< UInt64(truncatingIfNeeded: part &* 16)
            }
            found &= valid
            foundLines &= valid
            while foundLines != 0 {
                let below = foundLines & (0 &- foundLines) &- 1
                let number = firstMark &+ markCount &+ (found & below).nonzeroBitCount
                unsafe lines[lineCount] = UInt32(truncatingIfNeeded: number)
                lineCount &+= 1
                foundLines &= foundLines &- 1
            }
            let target = unsafe marks + markCount
            markCount &+= found.nonzeroBitCount
            unsafe list(found, place, target)
            place &+= 64
        }
        return Found(
            marks: markCount, lines: lineCount, hasQuotes: quotes != SIMD16(repeating: 0),
            isASCII: bytes & 0x80 == SIMD16(repeating: 0))
    }

    /// One bit of its own in every byte that is set.
    @inline(__always)
    private static func bits(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD16<UInt8> {
        SIMD16<UInt8>(repeating: 0).replacing(with: weights, where: mask)
    }

    /// Adds up the bits of sixteen bytes.
    @inline(__always)
    private static func compress(_ bits: SIMD16<UInt8>) -> UInt64 {
        let halves = unsafe unsafeBitCast(bits, to: SIMD2<UInt64>.self)
        let low = (halves[0] &* 0x0101_0101_0101_0101) &>> 56
        let high = (halves[1] &* 0x0101_0101_0101_0101) &>> 56
        return low | high &<< 8
    }

    /// Writes the places of the bits; more are written than there are, to save branches.
    @inline(__always)
    private static func list(
        _ found: UInt64, _ place: Int, _ target: UnsafeMutablePointer<UInt32>
    ) {
        var rest = found
        var target = unsafe target
        let place = UInt32(truncatingIfNeeded: place)
        while rest != 0 {
            for index in 0..<8 {
                unsafe target[index] =
                    place &+ UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)
                rest &= rest &- 1
            }
            unsafe target += 8
        }
    }
}
