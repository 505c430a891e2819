import Dataflow

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
        let date = CivilDate(daysSinceEpoch: days)
        (year, month, day) = (Int64(date.year), Int64(date.month), Int64(date.day))
    }

    /// Whole days since the epoch, rounded down.
    static func days(of time: Int64) -> Int64 {
        let days = time / microsecondsPerDay
        return time % microsecondsPerDay < 0 ? days - 1 : days
    }

    private var date: CivilDate { CivilDate(year: Int(year), month: Int(month), day: Int(day)) }

    /// Days since the epoch of this date.
    var days: Int64 { date.daysSinceEpoch }

    /// Microseconds since the epoch; none beyond the range of an Int64.
    var time: Int64? {
        guard year.magnitude < 300_000 else { return nil }
        let (midnight, tooLarge) = days.multipliedReportingOverflow(by: Self.microsecondsPerDay)
        let (time, overflow) = midnight.addingReportingOverflow(microsecond)
        return tooLarge || overflow ? nil : time
    }

    static func daysOfMonth(_ month: Int64, year: Int64) -> Int64 {
        Int64(CivilDate.days(inMonth: Int(month), ofYear: Int(year)))
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
        Int64(CivilDate.weekday(daysSinceEpoch: days)) + 1
    }

    var dayOfYear: Int64 { Int64(date.dayOfYear) }

    /// The week of ISO 8601: weeks start on Monday, and the first holds the year's first Thursday.
    var isoWeek: Int64 {
        let days = days
        let isoDay = (CivilTime.dayOfWeek(days: days) + 5) % 7
        let thursday = CivilTime((days - isoDay + 3) * CivilTime.microsecondsPerDay)
        return (thursday.dayOfYear - 1) / 7 + 1
    }
}
