import Storage

/// Decides where the records in a growing run of bytes end: pure, and without the bytes.
///
/// The owner shows the bytes that are not yet used up, `cut` says what to do with the front of
/// them, and the owner takes that many away before it asks again. Bytes are looked at once, however
/// small the pieces in which they come. A record longer than `recordBytesMax`, without its line
/// end or length prefix, is rejected and then skipped up to its end.
struct RecordCutter {
    /// What stands at the front.
    enum Cut: Equatable {
        /// So many bytes are whole records.
        case records(Int)
        /// A record longer than the limit starts here; nothing is taken away yet.
        case overlong
        /// So many bytes belong to the rejected record.
        case skip(Int)
        /// A part of a record, or nothing.
        case incomplete
    }

    let framing: Framing
    let recordBytesMax: Int

    /// Bytes from the front that were looked at.
    private var scanned = 0
    private var quotes: QuoteState
    /// Whether the front is inside a rejected record.
    private(set) var isSkipping = false
    /// What is left of a rejected record with a length prefix.
    private var skipCount = 0

    /// A cutter that stands before a record, which may be the first of the input.
    init(framing: Framing, recordBytesMax: Int, isAtStart: Bool) {
        self.framing = framing
        quotes = QuoteState(isAtStart: isAtStart)
        self.recordBytesMax = min(max(recordBytesMax, 1), Int.max >> 1)
    }

    /// Looks at `bytes`, which start where the last cut ended.
    mutating func cut(_ bytes: RawSpan) -> Cut {
        if isSkipping { return skip(bytes) }
        if framing == .lengthPrefixed { return cutPrefixed(bytes) }
        let count = bytes.byteCount
        var end = 0
        repeat {
            let limit = min(count, end + recordBytesMax + 1)
            if let found = lastEnd(in: bytes, upTo: limit) {
                end = found
            } else {
                if count - end > recordBytesMax && end == 0 {
                    isSkipping = true
                    return .overlong
                }
                break
            }
        } while scanned < count
        scanned -= end
        return end > 0 ? .records(end) : .incomplete
    }

    /// The end of the first record, or nil where it is not there; for a cutter that was not used
    /// otherwise.
    mutating func firstRecordEnd(in bytes: RawSpan) -> Int? {
        if framing == .lengthPrefixed {
            guard let length = RecordCutter.length(in: bytes, at: 0) else { return nil }
            let end = Framing.lengthPrefixByteCount + length
            return end <= bytes.byteCount ? end : nil
        }
        let end = firstEnd(in: bytes)
        scanned = 0
        return end
    }

    private mutating func skip(_ bytes: RawSpan) -> Cut {
        if framing == .lengthPrefixed {
            let count = min(skipCount, bytes.byteCount)
            skipCount -= count
            isSkipping = skipCount > 0
            return .skip(count)
        }
        let end = firstEnd(in: bytes)
        isSkipping = end == nil
        scanned = 0
        return .skip(end ?? bytes.byteCount)
    }

    private mutating func cutPrefixed(_ bytes: RawSpan) -> Cut {
        var end = 0
        while let length = RecordCutter.length(in: bytes, at: end) {
            if length > recordBytesMax {
                if end > 0 { break }
                isSkipping = true
                skipCount = Framing.lengthPrefixByteCount + length
                return .overlong
            }
            let next = end + Framing.lengthPrefixByteCount + length
            if next > bytes.byteCount { break }
            end = next
        }
        return end > 0 ? .records(end) : .incomplete
    }

    /// The length that stands at `place`, or nil where it is not there as a whole.
    static func length(in bytes: RawSpan, at place: Int) -> Int? {
        guard place + Framing.lengthPrefixByteCount <= bytes.byteCount else { return nil }
        return ByteScan.bigEndianLength(in: bytes, at: place)
    }

    /// Looks on up to `limit`; gives the last record end among the bytes it looks at.
    private mutating func lastEnd(in bytes: RawSpan, upTo limit: Int) -> Int? {
        guard scanned < limit else { return nil }
        let range = scanned..<limit
        scanned = limit
        if case .csv(let delimiter, let quote) = framing {
            let end = quotes.advance(
                over: bytes, range, delimiter: delimiter, quote: quote, stopAtFirst: false)
            return end
        }
        return ByteScan.last(UInt8(ascii: "\n"), in: bytes, range).map { $0 + 1 }
    }

    /// Looks on up to the first record end.
    private mutating func firstEnd(in bytes: RawSpan) -> Int? {
        guard scanned < bytes.byteCount else { return nil }
        let range = scanned..<bytes.byteCount
        if case .csv(let delimiter, let quote) = framing {
            return quotes.advance(
                over: bytes, range, delimiter: delimiter, quote: quote, stopAtFirst: true)
        }
        return ByteScan.first(UInt8(ascii: "\n"), in: bytes, range).map { $0 + 1 }
    }
}
