import Connectors
import Storage
import TestSupport

/// The obvious way to cut records: byte by byte, over the whole input.
enum NaiveFraming {
    /// A record, or one that was refused, and where it starts.
    enum Item: Equatable {
        case record(offset: Int, [UInt8])
        case refused(offset: Int)
    }

    /// What a file or connection with these bytes must give. An input that was cut off refuses
    /// what stands behind the last record end.
    static func items(
        _ bytes: [UInt8], _ framing: Framing, recordBytesMax: Int, isCutOff: Bool,
        isAtStart: Bool = true
    ) -> [Item] {
        var items: [Item] = []
        var start = 0
        while start < bytes.count {
            let (end, length, isWhole) = recordEnd(
                bytes, from: start, framing, mayHaveMark: isAtStart && start == 0)
            let mustBeWhole = isCutOff || framing == .lengthPrefixed
            if length > recordBytesMax || !isWhole && mustBeWhole {
                items.append(.refused(offset: start))
            } else {
                items.append(.record(offset: start, Array(bytes[start..<end])))
            }
            start = end
        }
        return items
    }

    private static func recordEnd(
        _ bytes: [UInt8], from start: Int, _ framing: Framing, mayHaveMark: Bool
    ) -> (end: Int, length: Int, isWhole: Bool) {
        switch framing {
        case .newline:
            let end = bytes[start...].firstIndex(of: 10)
            return ((end ?? bytes.count - 1) + 1, (end ?? bytes.count) - start, end != nil)
        case .lengthPrefixed:
            guard start + 4 <= bytes.count else { return (bytes.count, 0, false) }
            let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            let end = start + 4 + length
            return (min(end, bytes.count), length, end <= bytes.count)
        case .csv(let delimiter, let quote):
            var isQuoted = false
            var isFieldStart = true
            var place = start
            if mayHaveMark && bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                if isQuoted {
                    guard byte == quote else { continue }
                    if place < bytes.count && bytes[place] == quote {
                        place += 1
                    } else {
                        isQuoted = false
                    }
                } else if byte == quote && isFieldStart {
                    isQuoted = true
                    isFieldStart = false
                } else if byte == 10 {
                    return (place, place - 1 - start, true)
                } else {
                    isFieldStart = byte == delimiter || byte == 13
                }
            }
            return (bytes.count, bytes.count - start, false)
        }
    }
}
