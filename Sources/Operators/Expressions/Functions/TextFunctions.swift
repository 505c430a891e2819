/// What string functions compute, on UTF-8. A character is a Unicode scalar.
///
/// Parts of a string are ranges of its bytes, so that they need not be copied.
enum TextFunctions {
    /// Bytes that a string result may have.
    static let byteCountMax = 16 << 20
    /// Characters up to which LPAD and RPAD fill, and copies that REPEAT makes.
    static let paddingMax: Int64 = 1 << 16

    @inline(__always)
    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

    /// The offset behind the character at `start`.
    @inline(__always)
    static func characterEnd(_ text: Span<UInt8>, at start: Int) -> Int {
        var end = start + 1
        while end < text.count, isContinuation(text[end]) { end += 1 }
        return end
    }

    /// The offset of the character that ends at `end`.
    @inline(__always)
    static func characterStart(_ text: Span<UInt8>, before end: Int) -> Int {
        var start = end - 1
        while start > 0, isContinuation(text[start]) { start -= 1 }
        return start
    }

    /// Characters in the first `byteCount` bytes.
    static func characterCount(_ text: Span<UInt8>, byteCount: Int) -> Int {
        var count = 0
        for index in 0..<byteCount { count += isContinuation(text[index]) ? 0 : 1 }
        return count
    }

    /// The offset behind `count` characters from `start`, or the end.
    static func offset(_ text: Span<UInt8>, from start: Int, characters count: Int) -> Int {
        var position = start
        var left = count
        while left > 0, position < text.count {
            position = characterEnd(text, at: position)
            left -= 1
        }
        return position
    }

    /// SUBSTRING: from a place counted from 1, or from the end if negative; nil for a negative
    /// length.
    static func substring(_ text: Span<UInt8>, start: Int64, length: Int64) -> Range<Int>? {
        guard length >= 0 else { return nil }
        var first = start > 0 ? Int(start - 1) : 0
        if start < 0 {
            let count = characterCount(text, byteCount: text.count)
            guard start >= -Int64(count) else { return 0..<0 }
            first = count + Int(start)
        }
        let from = offset(text, from: 0, characters: first)
        let to = offset(text, from: from, characters: Int(length))
        return from..<to
    }

    static func left(_ text: Span<UInt8>, count: Int64) -> Range<Int> {
        0..<offset(text, from: 0, characters: Int(max(count, 0)))
    }

    static func right(_ text: Span<UInt8>, count: Int64) -> Range<Int> {
        var start = text.count
        var left = count
        while left > 0, start > 0 {
            start = characterStart(text, before: start)
            left -= 1
        }
        return start..<text.count
    }

    /// TRIM of all characters that occur in `characters`.
    static func trim(
        _ text: Span<UInt8>, _ characters: Span<UInt8>, leading: Bool, trailing: Bool
    ) -> Range<Int> {
        var start = 0
        var end = text.count
        while leading, start < end {
            let next = characterEnd(text, at: start)
            guard contains(characters, text, start..<next) else { break }
            start = next
        }
        while trailing, start < end {
            let last = characterStart(text, before: end)
            guard contains(characters, text, last..<end) else { break }
            end = last
        }
        return start..<end
    }

    private static func contains(
        _ characters: Span<UInt8>, _ text: Span<UInt8>, _ character: Range<Int>
    ) -> Bool {
        var position = 0
        while position < characters.count {
            let end = characterEnd(characters, at: position)
            if end - position == character.count,
                matches(characters.extracting(position..<end), text, at: character.lowerBound)
            {
                return true
            }
            position = end
        }
        return false
    }

    /// Whether `part` stands at `start`.
    static func matches(_ part: Span<UInt8>, _ text: Span<UInt8>, at start: Int) -> Bool {
        guard start >= 0, start + part.count <= text.count else { return false }
        for index in part.indices where text[start + index] != part[index] { return false }
        return true
    }

    /// The offset of the first `part` from `start` on.
    static func find(_ part: Span<UInt8>, _ text: Span<UInt8>, from start: Int) -> Int? {
        var position = start
        while position + part.count <= text.count {
            if matches(part, text, at: position) { return position }
            position += 1
        }
        return nil
    }

    /// LOCATE: the place of `part`, counted in characters from 1; 0 if it is not there.
    static func locate(_ part: Span<UInt8>, _ text: Span<UInt8>, start: Int64) -> Int64 {
        guard start > 0 else { return 0 }
        let from = offset(text, from: 0, characters: Int(start - 1))
        guard let found = find(part, text, from: from) else { return 0 }
        return Int64(characterCount(text, byteCount: found)) + 1
    }

    /// SPLIT_INDEX: the part at an index counted from 0, if there are as many.
    static func part(
        _ text: Span<UInt8>, _ separator: Span<UInt8>, index: Int64
    ) -> Range<Int>? {
        guard index >= 0, text.count > 0 else { return nil }
        guard separator.count > 0 else { return index == 0 ? 0..<text.count : nil }
        var start = 0
        var left = index
        while let end = find(separator, text, from: start) {
            if left == 0 { return start..<end }
            left -= 1
            start = end + separator.count
        }
        return left == 0 ? start..<text.count : nil
    }
}
