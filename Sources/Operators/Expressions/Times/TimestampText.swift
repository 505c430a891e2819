/// Timestamps as SQL writes them: `2026-01-31 23:59:59.5`, in UTC.
enum TimestampText {
    /// Reads `yyyy-MM-dd`, then perhaps a space or T and `HH:mm[:ss[.fraction]]`, then perhaps Z or
    /// an offset such as +01:00. Digits beyond microseconds are cut off.
    static func parse(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        return parse(bytes.span)
    }

    static func parse(_ text: Span<UInt8>) -> Int64? {
        var reader = Reader(end: text.count)
        reader.skipSpaces(text)
        guard let year = reader.digits(4, text), reader.take(UInt8(ascii: "-"), text),
            let month = reader.digits(2, text), reader.take(UInt8(ascii: "-"), text),
            let day = reader.digits(2, text), (1...12).contains(month), day >= 1,
            day <= CivilTime.daysOfMonth(month, year: year)
        else { return nil }
        var microsecond: Int64 = 0
        var offset: Int64 = 0
        if reader.takesTimeMark(text) {
            guard let time = reader.timeOfDay(text), let zone = reader.zone(text) else {
                return nil
            }
            microsecond = time
            offset = zone
        }
        reader.skipSpaces(text)
        guard reader.isAtEnd else { return nil }
        let civil = CivilTime(year: year, month: month, day: day, microsecond: microsecond)
        return civil.time.map { $0 - offset }
    }

    /// A place in the text; the text is passed along because a span cannot be kept.
    private struct Reader {
        let end: Int
        var position = 0

        init(end: Int) { self.end = end }

        var isAtEnd: Bool { position == end }

        func peek(_ text: Span<UInt8>, _ distance: Int = 0) -> UInt8 {
            position + distance < end ? text[position + distance] : 0
        }

        mutating func skipSpaces(_ text: Span<UInt8>) {
            while peek(text) == UInt8(ascii: " ") { position += 1 }
        }

        mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
            guard peek(text) == byte else { return false }
            position += 1
            return true
        }

        mutating func digits(_ count: Int, _ text: Span<UInt8>) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                let digit = peek(text) &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
                position += 1
            }
            return value
        }

        mutating func takesTimeMark(_ text: Span<UInt8>) -> Bool {
            let mark = peek(text)
            guard mark == UInt8(ascii: " ") || mark | 0x20 == UInt8(ascii: "t"),
                peek(text, 1) &- UInt8(ascii: "0") < 10
            else { return false }
            position += 1
            return true
        }

        mutating func timeOfDay(_ text: Span<UInt8>) -> Int64? {
            guard let hour = digits(2, text), hour < 24, take(UInt8(ascii: ":"), text),
                let minute = digits(2, text), minute < 60
            else { return nil }
            var time = (hour * 60 + minute) * 60_000_000
            guard take(UInt8(ascii: ":"), text) else { return time }
            guard let second = digits(2, text), second < 60 else { return nil }
            time += second * 1_000_000
            guard take(UInt8(ascii: "."), text) else { return time }
            guard peek(text) &- UInt8(ascii: "0") < 10 else { return nil }
            var unit: Int64 = 100_000
            while let digit = digits(1, text) {
                time += digit * unit
                unit /= 10
            }
            return time
        }

        mutating func zone(_ text: Span<UInt8>) -> Int64? {
            let sign: Int64
            switch peek(text) {
            case UInt8(ascii: "Z"), UInt8(ascii: "z"):
                position += 1
                return 0
            case UInt8(ascii: "+"): sign = 1
            case UInt8(ascii: "-"): sign = -1
            default: return 0
            }
            position += 1
            guard let hour = digits(2, text), hour < 24, take(UInt8(ascii: ":"), text),
                let minute = digits(2, text), minute < 60
            else { return nil }
            return sign * (hour * 60 + minute) * 60_000_000
        }
    }

    /// Writes `yyyy-MM-dd HH:mm:ss`, then three or six digits of a second if they are needed.
    static func append(_ time: Int64, to text: inout [UInt8]) {
        let civil = CivilTime(time)
        DecimalText.append(civil.year, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        DecimalText.append(civil.month, digits: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        DecimalText.append(civil.day, digits: 2, to: &text)
        text.append(UInt8(ascii: " "))
        let seconds = civil.microsecond / 1_000_000
        DecimalText.append(seconds / 3600, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        DecimalText.append(seconds / 60 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        DecimalText.append(seconds % 60, digits: 2, to: &text)
        let rest = civil.microsecond % 1_000_000
        guard rest != 0 else { return }
        text.append(UInt8(ascii: "."))
        if rest % 1000 == 0 {
            DecimalText.append(rest / 1000, digits: 3, to: &text)
        } else {
            DecimalText.append(rest, digits: 6, to: &text)
        }
    }
}
