/// A day of the proleptic Gregorian calendar, and its arithmetic.
///
/// The conversions are Howard Hinnant's ("chrono-Compatible Low-Level Date Algorithms",
/// https://howardhinnant.github.io/date_algorithms.html): years begin in March, so that the leap
/// day is the last, and repeat every 400 years.
@frozen @usableFromInline
package struct CivilDate: Equatable, Sendable {
    @usableFromInline package var year: Int
    /// 1 to 12.
    @usableFromInline package var month: Int
    /// 1 to 31.
    @usableFromInline package var day: Int

    @inlinable package static var secondsPerDay: Int64 { 86400 }
    @inlinable package static var microsecondsPerDay: Int64 { 86_400_000_000 }
    /// Days of 400 years: a whole number of weeks, so that weekdays repeat as well.
    @inlinable package static var daysPerCycle: Int64 { 146_097 }

    @inlinable @inline(__always)
    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date `days` days behind 1970-01-01.
    @inlinable @inline(__always)
    package init(daysSinceEpoch days: Int64) {
        let shifted = days &+ 719_468
        let cycle = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfCycle = UInt64(bitPattern: shifted &- cycle &* 146_097)
        let yearOfCycle =
            (dayOfCycle &- dayOfCycle / 1460 &+ dayOfCycle / 36524 &- dayOfCycle / 146_096) / 365
        let dayOfYear =
            dayOfCycle &- (365 &* yearOfCycle &+ yearOfCycle / 4 &- yearOfCycle / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        day = Int(truncatingIfNeeded: dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1)
        month = Int(truncatingIfNeeded: monthFromMarch) &+ (monthFromMarch < 10 ? 3 : -9)
        year =
            Int(truncatingIfNeeded: Int64(bitPattern: yearOfCycle) &+ cycle &* 400)
            &+ (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    @inlinable @inline(__always)
    package var daysSinceEpoch: Int64 {
        let shiftedYear = Int64(truncatingIfNeeded: year) &- (month <= 2 ? 1 : 0)
        let cycle = (shiftedYear >= 0 ? shiftedYear : shiftedYear &- 399) / 400
        let yearOfCycle = UInt64(bitPattern: shiftedYear &- cycle &* 400)
        let monthFromMarch = UInt64(truncatingIfNeeded: month > 2 ? month &- 3 : month &+ 9)
        let dayOfYear =
            (153 &* monthFromMarch &+ 2) / 5 &+ UInt64(truncatingIfNeeded: day) &- 1
        let dayOfCycle = yearOfCycle &* 365 &+ yearOfCycle / 4 &- yearOfCycle / 100 &+ dayOfYear
        return cycle &* 146_097 &+ Int64(bitPattern: dayOfCycle) &- 719_468
    }

    @inlinable @inline(__always)
    package static func isLeap(_ year: Int) -> Bool {
        year & 3 == 0 && (year % 100 != 0 || year & 15 == 0)
    }

    /// Days of a month from 1 to 12.
    @inlinable @inline(__always)
    package static func days(inMonth month: Int, ofYear year: Int) -> Int {
        // 30 days, and one more in odd months up to July and in even ones from August.
        month == 2 ? (isLeap(year) ? 29 : 28) : 30 &+ ((month ^ (month &>> 3)) & 1)
    }

    /// Whether there is such a day.
    @inlinable @inline(__always)
    package var isValid: Bool {
        month >= 1 && month <= 12 && day >= 1 && day <= Self.days(inMonth: month, ofYear: year)
    }

    /// 0 for Sunday to 6 for Saturday.
    package static func weekday(daysSinceEpoch days: Int64) -> Int {
        let rest = Int((days + 4) % 7)
        return rest < 0 ? rest + 7 : rest
    }

    /// 1 for the first of January.
    package var dayOfYear: Int {
        Int(daysSinceEpoch - CivilDate(year: year, month: 1, day: 1).daysSinceEpoch) + 1
    }
}
