import Storage

/// Where a scan of CSV stands between two pieces: inside quotes or out, and behind which byte.
///
/// A quote opens only where a field starts, so a stray one in the middle of a field does not turn
/// the rest of the file inside out.
struct QuoteState {
    private enum Place {
        case outside
        case inside
        /// Inside, behind a quote that closes unless another follows.
        case behindQuote
    }

    private var place = Place.outside
    /// The byte before the next one; a newline stands for the start of the input.
    private var previous = UInt8(ascii: "\n")
    /// Bytes of a byte order mark seen at the start of the input; 3 means that it is over.
    private var markCount: Int

    /// The state before a record; only the first one of the input may have a byte order mark.
    init(isAtStart: Bool) { markCount = isAtStart ? 0 : 3 }

    /// Goes over `range`; gives the place behind the last newline outside quotes in it, or behind
    /// the first one, where it then stands.
    mutating func advance(
        over bytes: RawSpan, _ range: Range<Int>, delimiter: UInt8, quote: UInt8, stopAtFirst: Bool
    ) -> Int? {
        var end: Int?
        var start = range.lowerBound
        while start < range.upperBound {
            switch place {
            case .behindQuote:
                place = ByteScan.byte(in: bytes, at: start) == quote ? .inside : .outside
                if place == .inside {
                    previous = quote
                    start += 1
                }
            case .inside:
                guard let found = ByteScan.first(quote, in: bytes, start..<range.upperBound) else {
                    previous = 0
                    return end
                }
                place = .behindQuote
                previous = quote
                start = found + 1
            case .outside:
                let found = ByteScan.first(quote, in: bytes, start..<range.upperBound)
                let stop = found ?? range.upperBound
                if let newline = newline(in: bytes, start..<stop, isFirst: stopAtFirst) {
                    end = newline + 1
                    if stopAtFirst {
                        previous = UInt8(ascii: "\n")
                        markCount = 3
                        return end
                    }
                }
                meet(bytes, start..<stop)
                guard let found else { return end }
                if previous == delimiter || previous == 0x0a || previous == 0x0d {
                    place = .inside
                }
                previous = quote
                markCount = 3
                start = found + 1
            }
        }
        return end
    }

    private func newline(in bytes: RawSpan, _ range: Range<Int>, isFirst: Bool) -> Int? {
        let newline = UInt8(ascii: "\n")
        return isFirst
            ? ByteScan.first(newline, in: bytes, range) : ByteScan.last(newline, in: bytes, range)
    }

    /// Remembers the last byte before a quote or the end; a byte order mark counts as nothing.
    private mutating func meet(_ bytes: RawSpan, _ range: Range<Int>) {
        var range = range
        while markCount < 3, let first = range.first {
            let byte = ByteScan.byte(in: bytes, at: first)
            let isMark = byte == QuoteState.mark(markCount)
            markCount = isMark ? markCount + 1 : 3
            previous = isMark && markCount == 3 ? UInt8(ascii: "\n") : byte
            range = first + 1..<range.upperBound
        }
        if let last = range.last { previous = ByteScan.byte(in: bytes, at: last) }
    }

    /// A byte of the byte order mark.
    private static func mark(_ index: Int) -> UInt8 {
        index == 0 ? 0xef : index == 1 ? 0xbb : 0xbf
    }
}
