/// Takes the quotes out of a list of marks, and the marks that they make characters.
@unsafe
struct CSVQuotes {
    let base: UnsafeRawPointer
    /// Marks are known up to here.
    let scanEnd: Int
    /// The end of the chunk; a mark here stands for a line end.
    let limit: Int
    let dialect: CSVDialect

    /// Rewrites `count` marks from `marks[1]` on, and the numbers of the line ends; the records start
    /// at `start`.
    ///
    /// Gives the whole records, and which of them are quoted wrongly. A record whose end has not
    /// been seen is left out, unless it is the chunk's last.
    func resolve(
        from start: Int, marks: UnsafeMutablePointer<UInt32>, count: Int,
        lines: UnsafeMutablePointer<UInt32>
    ) -> (lineCount: Int, faults: [(line: Int, message: String)]) {
        var (next, kept, lineCount) = (1, 0, 0)
        var fieldStart = start
        var faults: [(line: Int, message: String)] = []
        var fault: String?
        while next <= count {
            let place = unsafe Int(marks[next])
            let byte = unsafe byte(place)
            if unsafe byte == dialect.quote {
                next += 1
                guard place == fieldStart else { continue }
                guard let closing = unsafe closingMark(marks, from: next, count: count) else {
                    if unsafe scanEnd < limit { break }
                    // The record, and with it everything behind its quote, ends with the chunk.
                    kept += 1
                    unsafe marks[kept] = UInt32(truncatingIfNeeded: limit)
                    unsafe lines[lineCount] = UInt32(truncatingIfNeeded: kept)
                    faults.append((lineCount, "a quoted field does not end"))
                    return (lineCount + 1, faults)
                }
                if unsafe !endsField(Int(marks[closing]) + 1) {
                    fault = fault ?? "text follows the closing quote of a field"
                }
                next = closing + 1
                continue
            }
            kept += 1
            unsafe marks[kept] = UInt32(truncatingIfNeeded: place)
            if byte == 0x0a {
                unsafe lines[lineCount] = UInt32(truncatingIfNeeded: kept)
                if let message = fault { faults.append((lineCount, message)) }
                fault = nil
                lineCount += 1
            }
            fieldStart = place + 1
            next += 1
        }
        return (lineCount, faults)
    }

    @inline(__always)
    private func byte(_ place: Int) -> UInt8 {
        unsafe place < limit ? base.load(fromByteOffset: place, as: UInt8.self) : 0x0a
    }

    /// The number of the quote that closes a field, two in a row being none; nil if it has not been
    /// seen.
    @inline(__always)
    private func closingMark(
        _ marks: UnsafeMutablePointer<UInt32>, from start: Int, count: Int
    ) -> Int? {
        var next = start
        while next <= count {
            let place = unsafe Int(marks[next])
            if unsafe byte(place) != dialect.quote {
                next += 1
                continue
            }
            if unsafe place + 1 == limit { return next }
            if unsafe place + 1 == scanEnd { return nil }
            if unsafe byte(place + 1) != dialect.quote { return next }
            next += 2
        }
        return nil
    }

    /// Whether a field may end at `place`.
    @inline(__always)
    private func endsField(_ place: Int) -> Bool {
        let next = unsafe byte(place)
        if unsafe next == dialect.delimiter || next == 0x0a { return true }
        return unsafe next == 0x0d && byte(place + 1) == 0x0a
    }
}
