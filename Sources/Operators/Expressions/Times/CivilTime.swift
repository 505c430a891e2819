/// A point in time by the UTC calendar (proleptic Gregorian).
struct CivilTime: Equatable {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    var year: Int64
    var month: Int64
    var day: Int64
    /// Within the day.
    var microsecond: Int64

    init(year: Int64, month: Int64, day: Int64, microsecond: Int64 = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.microsecond = microsecond
    }

    /// The calendar's view of a time in microseconds since the epoch.
    init(_ time: Int64) {
        let days = CivilTime.days(of: time)
        microsecond = time &- days &* CivilTime.microsecondsPerDay
        // Days are counted in eras of 400 years that begin in March, so that the leap day is last
        // (Howard Hinnant, "chrono-compatible low-level date algorithms").
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Whole days since the epoch, rounded down.
    static func days(of time: Int64) -> Int64 {
        let days = time / microsecondsPerDay
        return time % microsecondsPerDay < 0 ? days - 1 : days
    }

    /// Days since the epoch of this date.
    var days: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Microseconds since the epoch; none beyond the range of an Int64.
    var time: Int64? {
        guard year.magnitude < 300_000 else { return nil }
        let (midnight, tooLarge) = days.multipliedReportingOverflow(by: Self.microsecondsPerDay)
        let (time, overflow) = midnight.addingReportingOverflow(microsecond)
        return tooLarge || overflow ? nil : time
    }

    static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    static func daysOfMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The same day and time `months` later, or the last day of that month if it is shorter.
    func adding(months: Int64) -> CivilTime? {
        let (total, overflow) = (year * 12 + month - 1).addingReportingOverflow(months)
        guard !overflow, total.magnitude < 12 * 300_000 else { return nil }
        let year = total >= 0 ? total / 12 : (total - 11) / 12
        let month = total - year * 12 + 1
        return CivilTime(
            year: year, month: month, day: min(day, CivilTime.daysOfMonth(month, year: year)),
            microsecond: microsecond)
    }

    /// 1 for Sunday up to 7 for Saturday.
    static func dayOfWeek(days: Int64) -> Int64 {
        let rest = (days + 4) % 7
        return (rest < 0 ? rest + 7 : rest) + 1
    }

    var dayOfYear: Int64 { days - CivilTime(year: year, month: 1, day: 1).days + 1 }

    /// The week of ISO 8601: weeks start on Monday, and the first holds the year's first Thursday.
    var isoWeek: Int64 {
        let days = days
        let isoDay = (CivilTime.dayOfWeek(days: days) + 5) % 7
        let thursday = CivilTime((days - isoDay + 3) * CivilTime.microsecondsPerDay)
        return (thursday.dayOfYear - 1) / 7 + 1
    }
}
