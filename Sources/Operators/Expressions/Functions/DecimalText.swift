/// Numbers and truth values as text, and back.
enum DecimalText {
    /// Writes a whole number with at least `digits` digits.
    static func append(_ value: Int64, digits: Int = 1, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = text.count
        repeat {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        while text.count - start < digits { text.append(UInt8(ascii: "0")) }
        var low = start
        var high = text.count - 1
        while low < high {
            text.swapAt(low, high)
            low += 1
            high -= 1
        }
    }

    /// Writes the shortest decimal that reads back as the same float.
    static func append(_ value: Double, to text: inout [UInt8]) {
        text.append(contentsOf: value.description.utf8)
    }

    /// The text without the spaces around it.
    private static func trimmed(_ text: Span<UInt8>) -> Range<Int> {
        var range = 0..<text.count
        while !range.isEmpty, isSpace(text[range.lowerBound]) {
            range = range.lowerBound + 1..<range.upperBound
        }
        while !range.isEmpty, isSpace(text[range.upperBound - 1]) {
            range = range.lowerBound..<range.upperBound - 1
        }
        return range
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (byte >= 0x09 && byte <= 0x0d)
    }

    /// Reads a whole number; a fraction of digits behind it is cut off, as Flink SQL does.
    static func parseInt(_ text: Span<UInt8>) -> Int64? {
        let range = trimmed(text)
        var position = range.lowerBound
        let isNegative = position < range.upperBound && text[position] == UInt8(ascii: "-")
        if isNegative || (position < range.upperBound && text[position] == UInt8(ascii: "+")) {
            position += 1
        }
        var value: Int64 = 0
        var digitCount = 0
        while position < range.upperBound, text[position] &- UInt8(ascii: "0") < 10 {
            let digit = Int64(text[position] &- UInt8(ascii: "0"))
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.subtractingReportingOverflow(digit)
            if tooLarge || overflow { return nil }
            // Negative inside, because there is one more negative number than positive ones.
            value = sum
            position += 1
            digitCount += 1
        }
        if position < range.upperBound, text[position] == UInt8(ascii: ".") {
            position += 1
            while position < range.upperBound, text[position] &- UInt8(ascii: "0") < 10 {
                position += 1
                digitCount += 1
            }
        }
        guard digitCount > 0, position == range.upperBound else { return nil }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// Reads a finite decimal number with or without exponent.
    static func parseFloat(_ text: Span<UInt8>) -> Double? {
        let range = trimmed(text)
        var spelled = ""
        for index in range {
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
                spelled.unicodeScalars.append(Unicode.Scalar(text[index]))
            default: return nil
            }
        }
        guard let value = Double(spelled), value.isFinite else { return nil }
        return value
    }

    /// Reads what Flink SQL takes for a truth value.
    static func parseBool(_ text: Span<UInt8>) -> Bool? {
        let range = trimmed(text)
        guard range.count <= 5 else { return nil }
        var word: UInt64 = 0
        for index in range {
            let byte = text[index]
            let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            word = word << 8 | UInt64(isCapital ? byte | 0x20 : byte)
        }
        switch word {
        case 0x74_7275_65, 0x74, 0x31, 0x79_6573, 0x79: return true
        case 0x66_616c_7365, 0x66, 0x30, 0x6e6f, 0x6e: return false
        default: return nil
        }
    }
}
