/// Finds where records end, for sources that cut their input into chunks of whole records.
///
/// Fed with the bytes read so far, from the start of a record; it goes on where it stopped, so that
/// a long record is looked at once. Only quotes need to be followed: one opens a field where the
/// field starts, and the line ends behind its closing one count again.
package struct CSVFraming {
    private let delimiter: UInt8
    private let quote: UInt8
    /// Bytes looked at.
    private var place = 0
    private var isQuoted = false
    /// Behind the last line end outside quotes.
    private var recordsEnd = 0

    package init(_ dialect: CSVDialect) {
        delimiter = dialect.delimiter
        quote = dialect.quote
    }

    /// How many of the `bytes` are whole records; 0 if not even one is. The bytes start at the same
    /// record in every call, until `restart`.
    package mutating func wholeRecords(in bytes: RawSpan) -> Int {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe wholeRecords(base, count: buffer.count)
        }
    }

    /// The first `count` bytes, whole records, were taken away; the rest moved to the front.
    package mutating func restart(droppingFirst count: Int) {
        precondition(count <= recordsEnd, "only whole records are taken away")
        place -= count
        recordsEnd -= count
    }

    /// What was there is given up; the next bytes start a record.
    package mutating func reset() {
        (place, recordsEnd, isQuoted) = (0, 0, false)
    }

    private mutating func wholeRecords(_ base: UnsafeRawPointer, count: Int) -> Int {
        while place < count {
            let next = unsafe Self.find(quote, base, place, count)
            if isQuoted {
                guard next + 1 < count || next == count else {
                    // Whether this quote closes or is the first of two is not known yet.
                    place = next
                    break
                }
                if next == count {
                    place = count
                } else if unsafe base.load(fromByteOffset: next + 1, as: UInt8.self) == quote {
                    place = next + 2
                } else {
                    isQuoted = false
                    place = next + 1
                }
                continue
            }
            if let end = unsafe Self.lastLineEnd(base, place, next) { recordsEnd = end }
            place = next
            if next == count { break }
            isQuoted = unsafe startsField(base, next)
            place = next + 1
        }
        return recordsEnd
    }

    /// Whether a field starts at `place`.
    private func startsField(_ base: UnsafeRawPointer, _ place: Int) -> Bool {
        if place == recordsEnd { return true }
        let before = unsafe base.load(fromByteOffset: place - 1, as: UInt8.self)
        return before == delimiter || before == 0x0a
    }

    /// The first `byte` in a range, or its end.
    private static func find(
        _ byte: UInt8, _ base: UnsafeRawPointer, _ start: Int, _ end: Int
    ) -> Int {
        let wanted = UInt64(byte) &* 0x0101_0101_0101_0101
        var place = start
        while place + 8 <= end {
            let word = unsafe base.loadUnaligned(fromByteOffset: place, as: UInt64.self) ^ wanted
            let marks = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if marks != 0 { return place + marks.trailingZeroBitCount >> 3 }
            place += 8
        }
        while place < end {
            if unsafe base.load(fromByteOffset: place, as: UInt8.self) == byte { return place }
            place += 1
        }
        return end
    }

    /// Behind the last line end of a range.
    private static func lastLineEnd(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
        var place = end
        while place > start {
            place -= 1
            if unsafe base.load(fromByteOffset: place, as: UInt8.self) == 0x0a { return place + 1 }
        }
        return nil
    }
}
