/// Reads the quantities of pipeline files; each says its unit, or is refused.
package enum Quantity {
    private static let durationUnits: [(name: String, microseconds: Int64)] = [
        ("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
        ("d", 86_400_000_000),
    ]
    private static let sizeUnits: [(name: String, bytes: Int64)] = [
        ("B", 1), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ]

    /// Microseconds of a hundred years: sums of such durations, and their nanoseconds, stay far
    /// from overflow.
    static let durationMax: Int64 = 36_525 * 86_400_000_000
    /// Bytes that shares and multiples are taken of without overflow.
    static let sizeMax = 1 << 50

    /// Microseconds of `500ms`, `10s` or `1h30m`: whole numbers with units, the greater first.
    package static func duration(_ text: String) -> Int64? {
        var rest = Substring(text)
        var sum: Int64 = 0
        var last = Int64.max
        repeat {
            guard let (number, unit) = takePart(&rest),
                let size = durationUnits.first(where: { $0.name == unit })?.microseconds,
                size < last
            else { return nil }
            let (part, overflow) = number.multipliedReportingOverflow(by: size)
            let (next, tooMuch) = sum.addingReportingOverflow(part)
            if overflow || tooMuch { return nil }
            sum = next
            last = size
        } while !rest.isEmpty
        return sum
    }

    /// Bytes of `64KiB`, `10MB`, `1GiB`.
    package static func size(_ text: String) -> Int? {
        var rest = Substring(text)
        guard let (number, unit) = takePart(&rest), rest.isEmpty,
            let bytes = sizeUnits.first(where: { $0.name == unit })?.bytes
        else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: bytes)
        return overflow ? nil : Int(result)
    }

    /// Events per time of `200000/s`, `10/m`.
    static func rate(_ text: String) -> Rate? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy(isDigit), let count = Int(parts[0]),
            count > 0,
            let unit = durationUnits.first(where: { $0.name == parts[1] })?.microseconds
        else { return nil }
        return Rate(count: count, microseconds: unit)
    }

    /// Microseconds since 1970 of `2026-01-01T00:00:00Z`.
    package static func time(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        let pattern = Array("0000-00-00T00:00:00Z".utf8)
        guard bytes.count == pattern.count,
            zip(bytes, pattern).allSatisfy({ isDigit($1) ? isDigit($0) : $0 == $1 })
        else { return nil }
        let numbers = text.split { "-T:Z".contains($0) }.compactMap { Int64($0) }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard year >= 1970, (1...12).contains(month), (1...lengths[Int(month) - 1]).contains(day),
            numbers[3] < 24, numbers[4] < 60, numbers[5] < 60
        else { return nil }
        let before = year - 1
        let leapDays =
            before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
        let days =
            (year - 1970) * 365 + leapDays + lengths[..<Int(month - 1)].reduce(0, +) + day - 1
        let seconds = days * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        return seconds * 1_000_000
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Takes a number and the unit behind it; one space may stand between.
    private static func takePart(_ text: inout Substring) -> (Int64, String)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        text = text.dropFirst(digits.count)
        if text.first == " " { text = text.dropFirst() }
        let unit = text.prefix { $0.isLetter }
        text = text.dropFirst(unit.count)
        return (number, String(unit))
    }

    /// A duration as a user writes it.
    static func text(microseconds: Int64) -> String {
        if microseconds == 0 { return "0s" }
        var rest = microseconds
        var result = ""
        for (name, size) in durationUnits.reversed() where rest >= size {
            result += "\(rest / size)\(name)"
            rest %= size
        }
        return result
    }

    /// A size as a user writes it.
    static func text(bytes: Int) -> String {
        for (name, size) in sizeUnits.reversed() where name.hasSuffix("iB") {
            if Int64(bytes) >= size, Int64(bytes) % size == 0 {
                return "\(Int64(bytes) / size)\(name)"
            }
        }
        return "\(bytes)B"
    }
}

/// So many in so much time.
package struct Rate: Hashable, Sendable, CustomStringConvertible {
    package let count: Int
    /// The time they take.
    package let microseconds: Int64

    package init(count: Int, microseconds: Int64) {
        self.count = count
        self.microseconds = microseconds
    }

    /// Per second.
    package var perSecond: Double { Double(count) * 1_000_000 / Double(microseconds) }

    package var description: String {
        let unit = Quantity.text(microseconds: microseconds)
        return "\(count)/\(unit.hasPrefix("1") ? String(unit.dropFirst()) : unit)"
    }
}
