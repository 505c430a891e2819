/// The calendar by counting days one year and one month at a time.
struct TimeTwin {
    var year = 1970
    var month = 1
    var day = 1
    var microsecond: Int64 = 0
    var dayOfYear = 1
    var days: Int64 = 0

    static let dayLength: Int64 = 86_400_000_000

    static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 400) || (year.isMultiple(of: 4) && !year.isMultiple(of: 100))
    }

    static func length(_ month: Int, _ year: Int) -> Int {
        [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    init(_ time: Int64) {
        var rest = time
        while rest < 0 {
            rest += Self.dayLength
            days -= 1
        }
        days += rest / Self.dayLength
        microsecond = rest % Self.dayLength
        var left = days
        while left < 0 {
            year -= 1
            left += Self.isLeap(year) ? 366 : 365
        }
        while left >= (Self.isLeap(year) ? 366 : 365) {
            left -= Self.isLeap(year) ? 366 : 365
            year += 1
        }
        dayOfYear = Int(left) + 1
        while left >= Self.length(month, year) {
            left -= Int64(Self.length(month, year))
            month += 1
        }
        day = Int(left) + 1
    }

    static func time(_ year: Int, _ month: Int, _ day: Int, _ microsecond: Int64 = 0) -> Int64 {
        var days = 0
        for passed in stride(from: 1970, to: year, by: 1) { days += isLeap(passed) ? 366 : 365 }
        for coming in stride(from: year, to: 1970, by: 1) { days -= isLeap(coming) ? 366 : 365 }
        for passed in 1..<month { days += length(passed, year) }
        return Int64(days + day - 1) * dayLength + microsecond
    }

    /// 0 for Monday.
    var weekday: Int { Int(((days + 3) % 7 + 7) % 7) }

    var isoWeek: Int {
        let thursday = TimeTwin((days - Int64(weekday) + 3) * Self.dayLength)
        return (thursday.dayOfYear - 1) / 7 + 1
    }

    func part(_ unit: String) -> Int64 {
        let second = microsecond / 1_000_000
        switch unit {
        case "YEAR": return Int64(year)
        case "QUARTER": return Int64((month + 2) / 3)
        case "MONTH": return Int64(month)
        case "WEEK": return Int64(isoWeek)
        case "DAY": return Int64(day)
        case "DOY": return Int64(dayOfYear)
        case "DOW": return Int64((weekday + 1) % 7 + 1)
        case "HOUR": return second / 3600
        case "MINUTE": return second / 60 % 60
        case "SECOND": return second % 60
        case "MILLISECOND": return microsecond / 1000 % 1000
        default: return days * 86_400 + second
        }
    }

    func floored(_ unit: String) -> Int64 {
        let midnight = days * Self.dayLength
        switch unit {
        case "YEAR": return Self.time(year, 1, 1)
        case "QUARTER": return Self.time(year, (month - 1) / 3 * 3 + 1, 1)
        case "MONTH": return Self.time(year, month, 1)
        case "WEEK": return midnight - Int64((weekday + 1) % 7) * Self.dayLength
        case "DAY": return midnight
        case "HOUR": return midnight + microsecond / 3_600_000_000 * 3_600_000_000
        case "MINUTE": return midnight + microsecond / 60_000_000 * 60_000_000
        default: return midnight + microsecond / 1_000_000 * 1_000_000
        }
    }

    func adding(_ count: Int64, _ unit: String) -> Int64 {
        let months: [String: Int64] = ["MONTH": 1, "QUARTER": 3, "YEAR": 12]
        let lengths: [String: Int64] = [
            "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
            "DAY": Self.dayLength, "WEEK": 7 * Self.dayLength,
        ]
        if let length = lengths[unit] {
            return days * Self.dayLength + microsecond + count * length
        }
        var (year, month) = (year, month)
        for _ in 0..<abs(count * (months[unit] ?? 0)) {
            month += count < 0 ? -1 : 1
            if month == 0 { (year, month) = (year - 1, 12) }
            if month == 13 { (year, month) = (year + 1, 1) }
        }
        return Self.time(year, month, min(day, Self.length(month, year)), microsecond)
    }

    /// Whole units from one time to another, by counting up.
    static func difference(_ unit: String, _ start: Int64, _ end: Int64) -> Int64 {
        if end < start { return -difference(unit, end, start) }
        let lengths: [String: Int64] = [
            "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
            "DAY": Self.dayLength, "WEEK": 7 * Self.dayLength,
        ]
        if let length = lengths[unit] { return (end - start) / length }
        let first = TimeTwin(start)
        var count: Int64 = 0
        while first.adding(count + 1, unit) <= end { count += 1 }
        return count
    }

    static func text(_ time: Int64) -> String {
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = "\(value)"
            return String(repeating: "0", count: max(count - text.count, 0)) + text
        }
        let parts = TimeTwin(time)
        let second = parts.microsecond / 1_000_000
        let fraction = parts.microsecond % 1_000_000
        var text = "\(digits(Int64(parts.year), 4))-\(digits(Int64(parts.month), 2))-"
        text += "\(digits(Int64(parts.day), 2)) \(digits(second / 3600, 2)):"
        text += "\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))"
        if fraction == 0 { return text }
        return text
            + (fraction % 1000 == 0 ? ".\(digits(fraction / 1000, 3))" : ".\(digits(fraction, 6))")
    }
}
