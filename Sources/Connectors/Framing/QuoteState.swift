import Storage

/// Where a scan of CSV stands between two pieces: inside quotes or out, and behind which byte.
///
/// A quote opens only where a field starts, so a stray one in the middle of a field does not turn
/// the rest of the file inside out. Eight bytes are looked at at once; the work grows with the
/// number of quotes.
struct QuoteState {
    private let delimiter: UInt8
    private let quote: UInt8
    private var isInside = false
    /// Behind a quote inside quotes, which closes unless another follows.
    private var isBehindQuote = false
    /// The byte before the next one; a newline stands for the start of the input.
    private var previous = UInt8(ascii: "\n")
    /// Bytes of a byte order mark seen at the start of the input; 3 means that it is over.
    private var markCount: Int

    /// The state before a record; only the first one of the input may have a byte order mark.
    init(delimiter: UInt8, quote: UInt8, isAtStart: Bool) {
        self.delimiter = delimiter
        self.quote = quote
        markCount = isAtStart ? 0 : 3
    }

    /// Goes over `range`; gives the place behind the last newline outside quotes in it, or behind
    /// the first one, where it then stands.
    mutating func advance(over bytes: RawSpan, _ range: Range<Int>, stopAtFirst: Bool) -> Int? {
        var end: Int?
        var place = range.lowerBound
        while markCount < 3 && place < range.upperBound {
            let byte = ByteScan.byte(in: bytes, at: place)
            guard byte == QuoteState.mark(markCount) else {
                markCount = 3
                break
            }
            markCount += 1
            previous = markCount == 3 ? UInt8(ascii: "\n") : byte
            place += 1
        }
        while place < range.upperBound {
            let count = min(range.upperBound &- place, 8)
            let word = count == 8 ? ByteScan.word(in: bytes, at: place) : tail(bytes, place, count)
            if let found = advance(over: word, count, stopAtFirst: stopAtFirst) {
                end = place &+ found
                if stopAtFirst { return end }
            }
            place &+= count
        }
        return end
    }

    /// The last bytes of a range, with zeros behind them.
    private func tail(_ bytes: RawSpan, _ place: Int, _ count: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<count {
            word |= UInt64(ByteScan.byte(in: bytes, at: place + index)) << UInt64(index * 8)
        }
        return word
    }

    /// Goes over the first `count` bytes of a word, lowest first.
    @inline(__always)
    private mutating func advance(over word: UInt64, _ count: Int, stopAtFirst: Bool) -> Int? {
        var quotes = ByteScan.matches(word, quote)
        if quotes == 0 && isInside && !isBehindQuote { return nil }
        var newlines = ByteScan.matches(word, UInt8(ascii: "\n"))
        if isBehindQuote {
            isBehindQuote = false
            isInside = quotes & 0x80 != 0
            if isInside { quotes &= ~0x80 }
            previous = quote
        }
        // Newlines inside quotes are taken out of the mask from where the quotes open.
        var opened = 0
        while quotes != 0 {
            let index = quotes.trailingZeroBitCount &>> 3
            quotes &= quotes &- 1
            if isInside {
                if index &+ 1 == count {
                    isBehindQuote = true
                } else if quotes & (0x80 &<< UInt64((index &+ 1) &* 8)) != 0 {
                    quotes &= quotes &- 1
                } else {
                    isInside = false
                    newlines &= ~QuoteState.mask(opened, index)
                }
            } else if isOpening(index == 0 ? previous : QuoteState.byte(word, index &- 1)) {
                isInside = true
                opened = index
            }
        }
        if isInside { newlines &= ~QuoteState.mask(opened, count) }
        if newlines != 0 && stopAtFirst {
            self = QuoteState(delimiter: delimiter, quote: quote, isAtStart: false)
            return newlines.trailingZeroBitCount &>> 3 &+ 1
        }
        previous = QuoteState.byte(word, count &- 1)
        return newlines == 0 ? nil : 8 &- newlines.leadingZeroBitCount &>> 3
    }

    private func isOpening(_ before: UInt8) -> Bool {
        before == delimiter || before == UInt8(ascii: "\n") || before == UInt8(ascii: "\r")
    }

    private static func byte(_ word: UInt64, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: word &>> UInt64(index &* 8))
    }

    /// All bits of the bytes from `low` up to `high`, which is at most 8.
    private static func mask(_ low: Int, _ high: Int) -> UInt64 {
        let below = high >= 8 ? ~0 : (1 as UInt64) &<< UInt64(high &* 8) &- 1
        return below & ~((1 as UInt64) &<< UInt64(low &* 8) &- 1)
    }

    /// A byte of the byte order mark.
    private static func mark(_ index: Int) -> UInt8 {
        index == 0 ? 0xef : index == 1 ? 0xbb : 0xbf
    }
}
