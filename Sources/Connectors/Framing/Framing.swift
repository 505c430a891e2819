import Storage

/// How records stand in a run of bytes.
///
///     newline         | record | \n | record | \n | …  (a CR is the format's business)
///     csv             the same, but a newline inside quotes does not end a record
///     lengthPrefixed  | byte count: 4, big endian | record | …
///
/// The last record of a file or of standard input may lack its newline.
package enum Framing: Sendable, Equatable {
    case newline
    /// A quote opens a quoted part only where a field starts; inside, two quotes stand for one.
    case csv(delimiter: UInt8 = UInt8(ascii: ","), quote: UInt8 = UInt8(ascii: "\""))
    case lengthPrefixed

    /// Bytes before each record.
    package static let lengthPrefixByteCount = 4

    /// Records in a run of whole ones; the last may lack its newline. Blank lines count.
    package func recordCount(in bytes: RawSpan) -> Int {
        if self == .newline, bytes.byteCount > 0 {
            let newline = UInt8(ascii: "\n")
            let lines = ByteScan.count(newline, in: bytes, 0..<bytes.byteCount)
            let last = bytes.byteCount - 1..<bytes.byteCount
            return ByteScan.count(newline, in: bytes, last) == 1 ? lines : lines + 1
        }
        var cutter = RecordCutter(framing: self, recordBytesMax: .max, isAtStart: false)
        var place = 0
        var count = 0
        while place < bytes.byteCount {
            let rest = bytes.extracting(place..<bytes.byteCount)
            count += 1
            guard let end = cutter.firstRecordEnd(in: rest) else { break }
            place += end
        }
        return count
    }
}
