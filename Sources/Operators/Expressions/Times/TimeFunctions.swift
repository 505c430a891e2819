/// What functions of time compute; nil where the result is beyond the range of a timestamp.
enum TimeFunctions {
    /// EXTRACT(unit FROM time).
    @inline(__always)
    static func extract(_ unit: TimeUnit, _ time: Int64) -> Int64 {
        let second: Int64 = 1_000_000
        switch unit {
        case .epoch: return time.flooredQuotient(second)
        case .microsecond: return time.flooredRemainder(second)
        case .millisecond: return time.flooredRemainder(second) / 1000
        case .second: return time.flooredRemainder(60 * second) / second
        case .minute: return time.flooredRemainder(3600 * second) / (60 * second)
        case .hour: return time.flooredRemainder(CivilTime.microsecondsPerDay) / (3600 * second)
        case .day: return CivilTime(time).day
        case .week: return CivilTime(time).isoWeek
        case .month: return CivilTime(time).month
        case .quarter: return (CivilTime(time).month - 1) / 3 + 1
        case .year: return CivilTime(time).year
        case .dayOfYear: return CivilTime(time).dayOfYear
        case .dayOfWeek: return CivilTime.dayOfWeek(days: CivilTime.days(of: time))
        case .isoDayOfWeek:
            return (CivilTime.dayOfWeek(days: CivilTime.days(of: time)) + 5) % 7 + 1
        }
    }

    /// FLOOR(time TO unit). Weeks start on Sunday, as in Flink SQL.
    static func floor(_ time: Int64, to unit: TimeUnit) -> Int64? {
        if let months = unit.months {
            let civil = CivilTime(time)
            let month = (civil.month - 1) / months * months + 1
            return CivilTime(year: civil.year, month: month, day: 1).time
        }
        guard let size = unit.microseconds else { return nil }
        // The epoch was a Thursday, four days after a Sunday.
        let shift = unit == .week ? 4 * CivilTime.microsecondsPerDay : 0
        let (shifted, overflow) = time.addingReportingOverflow(shift)
        let rest = (overflow ? time % size + shift : shifted).flooredRemainder(size)
        let (start, underflow) = time.subtractingReportingOverflow(rest)
        return underflow ? nil : start
    }

    /// CEIL(time TO unit).
    static func ceiling(_ time: Int64, to unit: TimeUnit) -> Int64? {
        guard let start = floor(time, to: unit), start != time else { return floor(time, to: unit) }
        return add(1, unit, to: start)
    }

    /// TIMESTAMPADD(unit, count, time).
    static func add(_ count: Int64, _ unit: TimeUnit, to time: Int64) -> Int64? {
        if let months = unit.months {
            let (total, overflow) = count.multipliedReportingOverflow(by: months)
            return overflow ? nil : add(months: total, to: time)
        }
        guard let size = unit.microseconds else { return nil }
        let (span, tooLarge) = count.multipliedReportingOverflow(by: size)
        let (sum, overflow) = time.addingReportingOverflow(span)
        return tooLarge || overflow ? nil : sum
    }

    static func add(months: Int64, to time: Int64) -> Int64? {
        CivilTime(time).adding(months: months)?.time
    }

    /// TIMESTAMPDIFF(unit, start, end): whole units, rounded toward zero.
    static func difference(_ unit: TimeUnit, from start: Int64, to end: Int64) -> Int64? {
        if let months = unit.months {
            let whole =
                end >= start
                ? wholeMonths(from: start, to: end) : -wholeMonths(from: end, to: start)
            return whole / months
        }
        guard let size = unit.microseconds else { return nil }
        let (difference, overflow) = end.subtractingReportingOverflow(start)
        return overflow ? nil : difference / size
    }

    private static func wholeMonths(from start: Int64, to end: Int64) -> Int64 {
        let first = CivilTime(start)
        let last = CivilTime(end)
        let months = (last.year - first.year) * 12 + last.month - first.month
        guard let reached = first.adding(months: months)?.time else { return months - 1 }
        return reached > end ? months - 1 : months
    }

    /// TO_TIMESTAMP_LTZ(count, precision): `digits` decimal digits of a second are in `count`.
    static func time(_ count: Int64, digits: Int) -> Int64? {
        switch digits {
        case 0...6:
            var factor: Int64 = 1
            for _ in digits..<6 { factor *= 10 }
            let (time, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : time
        default: return count.flooredQuotient(1000)
        }
    }
}

extension Int64 {
    /// The quotient rounded down; `divisor` is positive.
    @inline(__always)
    func flooredQuotient(_ divisor: Int64) -> Int64 {
        self / divisor - (self % divisor < 0 ? 1 : 0)
    }

    /// What the rounded down quotient leaves: never negative.
    @inline(__always)
    func flooredRemainder(_ divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }
}
