/// String functions whose result is new text, written to `result`; false if it would be too long.
extension TextFunctions {
    /// UPPER or LOWER, by the full mappings of Unicode.
    static func mapCase(_ text: Span<UInt8>, upper: Bool, to result: inout [UInt8]) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte < 0x80 {
                let isLetter = (byte | 0x20) &- UInt8(ascii: "a") < 26
                result.append(isLetter ? (upper ? byte & 0xdf : byte | 0x20) : byte)
                position += 1
                continue
            }
            let end = characterEnd(text, at: position)
            if let scalar = scalar(text, position..<end) {
                let mapped =
                    upper ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
                result.append(contentsOf: mapped.utf8)
            } else {
                append(text, position..<end, to: &result)
            }
            position = end
        }
    }

    /// The scalar in a range of bytes, if they are valid.
    private static func scalar(_ text: Span<UInt8>, _ range: Range<Int>) -> Unicode.Scalar? {
        let first = UInt32(text[range.lowerBound])
        var value: UInt32
        switch range.count {
        case 2: value = first & 0x1f
        case 3: value = first & 0x0f
        case 4: value = first & 0x07
        default: return nil
        }
        for index in range.dropFirst() { value = value << 6 | UInt32(text[index] & 0x3f) }
        return Unicode.Scalar(value)
    }

    static func append(_ text: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
        for index in range { result.append(text[index]) }
    }

    static func reverse(_ text: Span<UInt8>, to result: inout [UInt8]) {
        var end = text.count
        while end > 0 {
            let start = characterStart(text, before: end)
            append(text, start..<end, to: &result)
            end = start
        }
    }

    static func repeated(_ text: Span<UInt8>, count: Int64, to result: inout [UInt8]) -> Bool {
        guard count > 0, text.count > 0 else { return true }
        guard count <= paddingMax, Int(count) * text.count <= byteCountMax else { return false }
        for _ in 0..<count { append(text, 0..<text.count, to: &result) }
        return true
    }

    static func replace(
        _ text: Span<UInt8>, _ searched: Span<UInt8>, _ replacement: Span<UInt8>,
        to result: inout [UInt8]
    ) -> Bool {
        var position = 0
        if searched.count > 0 {
            while let found = find(searched, text, from: position) {
                append(text, position..<found, to: &result)
                append(replacement, 0..<replacement.count, to: &result)
                if result.count > byteCountMax { return false }
                position = found + searched.count
            }
        }
        append(text, position..<text.count, to: &result)
        return result.count <= byteCountMax
    }

    /// LPAD or RPAD; NULL for a negative length and for no padding.
    static func pad(
        _ text: Span<UInt8>, length: Int64, _ padding: Span<UInt8>, left: Bool,
        to result: inout [UInt8]
    ) -> BuiltText {
        guard length >= 0, padding.count > 0 else { return .null }
        guard length <= paddingMax else { return .tooLong }
        let count = characterCount(text, byteCount: text.count)
        let kept = offset(text, from: 0, characters: Int(length))
        if !left { append(text, 0..<kept, to: &result) }
        var missing = Int(length) - count
        var position = 0
        while missing > 0 {
            let end = characterEnd(padding, at: position)
            append(padding, position..<end, to: &result)
            position = end == padding.count ? 0 : end
            missing -= 1
        }
        if left { append(text, 0..<kept, to: &result) }
        return .done
    }
}
