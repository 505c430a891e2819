import Dataflow

/// The standing rule of a time zone, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
///     std offset [ dst [ offset ] , start [ / time ] , end [ / time ] ]
///
/// Names are three letters or more, or anything in angle brackets. Offsets count west of Greenwich.
/// A day is `Mm.w.d` (weekday `d` of week `w` of month `m`), `Jn` (day 1 to 365, never a leap day)
/// or `n` (day 0 to 365). Times go from -167 to 167 hours (RFC 8536, section 3.3.1).
struct PosixZoneRule: Equatable {
    /// The day of a year on which the offset changes, and the local time.
    struct Change: Equatable {
        enum Day: Equatable {
            case monthWeekDay(month: Int, week: Int, weekday: Int)
            case dayWithoutLeapDay(Int)
            case dayFromZero(Int)
        }
        var day: Day
        var seconds: Int64

        /// Local seconds since 1970-01-01T00:00:00 at which the change comes in `year`.
        func localSeconds(in year: Int) -> Int64 {
            let newYear = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
            let days: Int64
            switch day {
            case .monthWeekDay(let month, let week, let weekday):
                let first = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
                let ahead = (weekday - CivilDate.weekday(daysSinceEpoch: first) + 7) % 7
                var date = ahead + (week - 1) * 7
                if date >= CivilDate.days(inMonth: month, ofYear: year) { date -= 7 }
                days = first + Int64(date)
            case .dayWithoutLeapDay(let number):
                let leapDay = CivilDate.isLeap(year) && number >= 60 ? 1 : 0
                days = newYear + Int64(number - 1 + leapDay)
            case .dayFromZero(let number):
                days = newYear + Int64(number)
            }
            return days * CivilDate.secondsPerDay + seconds
        }
    }

    /// Seconds ahead of UTC, in standard time.
    var standard: Int64
    /// Seconds ahead of UTC in summer, and when that begins and ends.
    var daylight: (offset: Int64, start: Change, end: Change)?

    static func == (a: PosixZoneRule, b: PosixZoneRule) -> Bool {
        a.standard == b.standard && a.daylight?.offset == b.daylight?.offset
            && a.daylight?.start == b.daylight?.start && a.daylight?.end == b.daylight?.end
    }

    /// The changes of `year`, in order.
    func transitions(in year: Int) -> [TimeZoneRules.Transition] {
        guard let daylight else { return [] }
        let start = TimeZoneRules.Transition(
            instant: daylight.start.localSeconds(in: year) - standard, offset: daylight.offset)
        let end = TimeZoneRules.Transition(
            instant: daylight.end.localSeconds(in: year) - daylight.offset, offset: standard)
        return start.instant <= end.instant ? [start, end] : [end, start]
    }

    /// Reads a rule; nil if it is none.
    init?(_ text: [UInt8]) {
        var reader = Reader(text: text)
        guard reader.name(), let west = reader.time(hoursMax: 24) else { return nil }
        standard = -west
        daylight = nil
        if reader.isAtEnd { return }
        guard reader.name() else { return nil }
        var offset = standard + 3600
        if reader.peek != UInt8(ascii: ",") {
            guard let west = reader.time(hoursMax: 24) else { return nil }
            offset = -west
        }
        guard let start = reader.change(), let end = reader.change(), reader.isAtEnd else {
            return nil
        }
        daylight = (offset, start, end)
    }
}

extension PosixZoneRule {
    /// Takes the parts of a rule from its text.
    private struct Reader {
        let text: [UInt8]
        var place = 0

        init(text: [UInt8]) { self.text = text }

        var isAtEnd: Bool { place == text.count }
        var peek: UInt8? { place < text.count ? text[place] : nil }

        mutating func take(_ byte: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: byte) else { return false }
            place += 1
            return true
        }

        mutating func name() -> Bool {
            let start = place
            if take("<") {
                while place < text.count && text[place] != UInt8(ascii: ">") { place += 1 }
                return take(">") && place - start > 2
            }
            while let byte = peek, (0x41...0x5a).contains(byte & 0xdf) { place += 1 }
            return place - start >= 3
        }

        mutating func number(max: Int) -> Int? {
            var value: Int?
            while let byte = peek, (0x30...0x39).contains(byte) {
                let next = (value ?? 0) * 10 + Int(byte - 0x30)
                if next > max { return nil }
                value = next
                place += 1
            }
            return value
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time(hoursMax: Int) -> Int64? {
            let sign: Int64 = take("-") ? -1 : 1
            if sign == 1 { _ = take("+") }
            guard let hours = number(max: hoursMax) else { return nil }
            var seconds = Int64(hours) * 3600
            if take(":") {
                guard let minutes = number(max: 59) else { return nil }
                seconds += Int64(minutes) * 60
                if take(":") {
                    guard let rest = number(max: 59) else { return nil }
                    seconds += Int64(rest)
                }
            }
            return sign * seconds
        }

        /// `,day[/time]`.
        mutating func change() -> Change? {
            guard take(",") else { return nil }
            let day: Change.Day
            if take("M") {
                guard let month = number(max: 12), month >= 1, take("."),
                    let week = number(max: 5), week >= 1, take("."),
                    let weekday = number(max: 6)
                else { return nil }
                day = .monthWeekDay(month: month, week: week, weekday: weekday)
            } else if take("J") {
                guard let number = number(max: 365), number >= 1 else { return nil }
                day = .dayWithoutLeapDay(number)
            } else {
                guard let number = number(max: 365) else { return nil }
                day = .dayFromZero(number)
            }
            var seconds: Int64 = 7200
            if take("/") {
                guard let time = time(hoursMax: 167) else { return nil }
                seconds = time
            }
            return Change(day: day, seconds: seconds)
        }
    }
}
