/// The format of DATE_FORMAT, as in Java: `yyyy-MM-dd HH:mm:ss.SSS`.
///
/// y, M, d, H, h (of twelve), m, s, S (digits of a second) and a (AM or PM) are replaced; the
/// number of letters is the least number of digits. Text in single quotes and what is no letter
/// stays.
struct DatePattern: Hashable, Sendable {
    private enum Element: Hashable, Sendable {
        case text(UInt8)
        case year(digits: Int)
        case month(digits: Int)
        case day(digits: Int)
        case hour(digits: Int)
        case hourOfTwelve(digits: Int)
        case minute(digits: Int)
        case second(digits: Int)
        case fraction(digits: Int)
        case halfOfDay
    }

    private let elements: [Element]

    /// Reads a pattern; an error's offset is within it.
    static func compile(_ text: String) -> Result<DatePattern, ExpressionError> {
        let bytes = Array(text.utf8)
        let quote = UInt8(ascii: "'")
        var elements: [Element] = []
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            var end = position + 1
            if byte == quote {
                // Two quotes are one, inside and outside of quoted text.
                if end < bytes.count, bytes[end] == quote {
                    elements.append(.text(quote))
                    end += 1
                } else {
                    guard let closed = quoted(bytes, from: end, into: &elements) else {
                        return failure(position, "a quote in the format has no end")
                    }
                    end = closed
                }
            } else if isLetter(byte) {
                while end < bytes.count, bytes[end] == byte { end += 1 }
                guard let element = element(byte, end - position) else {
                    let letters = String(decoding: bytes[position..<end], as: UTF8.self)
                    return failure(
                        position,
                        "'\(letters)' in the format is not known; the letters are y M d H h m s S a"
                    )
                }
                elements.append(element)
            } else {
                elements.append(.text(byte))
            }
            position = end
        }
        return .success(DatePattern(elements: elements))
    }

    private static func failure(
        _ offset: Int, _ message: String
    ) -> Result<DatePattern, ExpressionError> {
        .failure(ExpressionError(offset: offset, message: message))
    }

    private static func quoted(
        _ bytes: [UInt8], from start: Int, into elements: inout [Element]
    ) -> Int? {
        let quote = UInt8(ascii: "'")
        var position = start
        while position < bytes.count {
            if bytes[position] == quote {
                guard position + 1 < bytes.count, bytes[position + 1] == quote else {
                    return position + 1
                }
                position += 1
            }
            elements.append(.text(bytes[position]))
            position += 1
        }
        return nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }

    private static func element(_ letter: UInt8, _ count: Int) -> Element? {
        switch (letter, count) {
        case (UInt8(ascii: "y"), 1...4): .year(digits: count)
        case (UInt8(ascii: "M"), 1...2): .month(digits: count)
        case (UInt8(ascii: "d"), 1...2): .day(digits: count)
        case (UInt8(ascii: "H"), 1...2): .hour(digits: count)
        case (UInt8(ascii: "h"), 1...2): .hourOfTwelve(digits: count)
        case (UInt8(ascii: "m"), 1...2): .minute(digits: count)
        case (UInt8(ascii: "s"), 1...2): .second(digits: count)
        case (UInt8(ascii: "S"), 1...9): .fraction(digits: count)
        case (UInt8(ascii: "a"), 1): .halfOfDay
        default: nil
        }
    }

    /// Writes a time.
    func append(_ time: Int64, to text: inout [UInt8]) {
        let civil = CivilTime(time)
        let seconds = civil.microsecond / 1_000_000
        let hour = seconds / 3600
        for element in elements {
            switch element {
            case .text(let byte): text.append(byte)
            case .year(2):
                DecimalText.append(civil.year.flooredRemainder(100), digits: 2, to: &text)
            case .year(let digits): DecimalText.append(civil.year, digits: digits, to: &text)
            case .month(let digits): DecimalText.append(civil.month, digits: digits, to: &text)
            case .day(let digits): DecimalText.append(civil.day, digits: digits, to: &text)
            case .hour(let digits): DecimalText.append(hour, digits: digits, to: &text)
            case .hourOfTwelve(let digits):
                DecimalText.append((hour + 11) % 12 + 1, digits: digits, to: &text)
            case .minute(let digits):
                DecimalText.append(seconds / 60 % 60, digits: digits, to: &text)
            case .second(let digits): DecimalText.append(seconds % 60, digits: digits, to: &text)
            case .fraction(let digits):
                var scaled = civil.microsecond % 1_000_000 * 1000
                for _ in digits..<9 { scaled /= 10 }
                DecimalText.append(scaled, digits: digits, to: &text)
            case .halfOfDay:
                text.append(hour < 12 ? UInt8(ascii: "A") : UInt8(ascii: "P"))
                text.append(UInt8(ascii: "M"))
            }
        }
    }
}
