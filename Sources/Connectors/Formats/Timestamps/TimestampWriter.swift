package import Dataflow

/// Writes times in one format: what `TimestampParser` reads.
///
/// RFC 3339 ends with `Z` and has a fraction only where there is one, of three digits if that is
/// exact, else of six; so have seconds and milliseconds as numbers. Years outside 0000 to 9999 have
/// a sign and as many digits as they need, which RFC 3339 does not provide for.
///
/// It remembers the last day and offset, so one writer serves one thread.
package struct TimestampWriter: Sendable {
    private enum Kind: Sendable {
        case seconds, milliseconds, microseconds, nanoseconds, rfc3339, pattern
    }

    private let kind: Kind
    private let pattern: TimestampPattern?
    private let zone: TimeZoneRules
    private var zoneCache = TimeZoneRules.Cache()
    /// The last day, and its text up to and with the `T`.
    private var day = Int64.min
    private var dayText: (low: UInt64, high: UInt64) = (0, 0)
    private var dayTextCount = 0

    /// A writer of `format`; fails for a bad pattern, and for a zone that `zones` does not have.
    package init(
        _ format: TimestampFormat, zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        var pattern: TimestampPattern?
        var zone = TimeZoneRules.utc
        switch format {
        case .seconds: kind = .seconds
        case .milliseconds: kind = .milliseconds
        case .microseconds: kind = .microseconds
        case .nanoseconds: kind = .nanoseconds
        case .rfc3339: kind = .rfc3339
        case .pattern(let text, let name):
            kind = .pattern
            pattern = try TimestampPattern(text, hasZone: name != nil)
            if let name { zone = try zones.zone(named: name) }
        }
        self.pattern = pattern
        self.zone = zone
    }

    /// Whether the format is a number, which JSON writes without quotes.
    package var isNumeric: Bool {
        switch kind {
        case .seconds, .milliseconds, .microseconds, .nanoseconds: true
        case .rfc3339, .pattern: false
        }
    }

    /// Room that a time takes, with what may be overwritten behind it.
    package var byteCountMax: Int { max(64, (pattern?.byteCountMax ?? 0) + 32) }

    /// Writes `time`; gives the first byte behind it.
    @inline(__always)
    mutating func write(
        _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if kind == .rfc3339 { return unsafe writeRFC3339(time, to: target) }
        return unsafe writeOther(time, to: target)
    }

    @inline(never)
    private mutating func writeOther(
        _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        switch kind {
        case .seconds: return unsafe writeNumber(time, perUnit: 1_000_000, to: target)
        case .milliseconds: return unsafe writeNumber(time, perUnit: 1000, to: target)
        case .microseconds: return unsafe NumberWriter.write(time, to: target)
        case .nanoseconds:
            var end = unsafe NumberWriter.write(time, to: target)
            if time != 0 {
                unsafe end.storeBytes(of: 0x3030_3030, as: UInt32.self)
                unsafe end += 3
            }
            return unsafe end
        case .pattern: return unsafe writePattern(time, to: target)
        case .rfc3339: return unsafe writeRFC3339(time, to: target)
        }
    }

    /// Writes a number of units, with decimals only where there are any.
    private func writeNumber(
        _ time: Int64, perUnit: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let (whole, rest) = (time.magnitude / perUnit, time.magnitude % perUnit)
        unsafe target.storeBytes(of: 0x2d, as: UInt8.self)
        let point = unsafe NumberWriter.write(whole, to: target + (time < 0 ? 1 : 0))
        if rest == 0 { return unsafe point }
        return unsafe Self.writeFraction(rest * (1_000_000 / perUnit), to: point)
    }

    /// Writes a point and three or six decimals.
    private static func writeFraction(
        _ micros: UInt64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: 0x2e, as: UInt8.self)
        let digits = micros % 1000 == 0 ? 3 : 6
        unsafe NumberWriter.writeDigits(
            digits == 3 ? micros / 1000 : micros, count: digits, to: target + 1)
        return unsafe target + 1 + digits
    }

    @inline(__always)
    private mutating func writeRFC3339(
        _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var day = time / CivilDate.microsecondsPerDay
        var timeOfDay = time &- day &* CivilDate.microsecondsPerDay
        if timeOfDay < 0 {
            day &-= 1
            timeOfDay &+= CivilDate.microsecondsPerDay
        }
        if day != self.day { setDay(day) }
        unsafe target.storeBytes(of: dayText.low, as: UInt64.self)
        unsafe target.storeBytes(of: dayText.high, toByteOffset: 8, as: UInt64.self)
        var place = unsafe target + dayTextCount
        let micros = UInt64(bitPattern: timeOfDay)
        let seconds = micros / 1_000_000
        // hh:mm:ss in one word.
        let (minutes, second) = (seconds / 60, seconds % 60)
        let (hour, minute) = (minutes / 60, minutes % 60)
        unsafe place.storeBytes(of: Self.clock(hour, minute, second), as: UInt64.self)
        unsafe place += 8
        let fraction = micros &- seconds &* 1_000_000
        if fraction > 0 { unsafe place = unsafe Self.writeFraction(fraction, to: place) }
        unsafe place.storeBytes(of: 0x5a, as: UInt8.self)
        return unsafe place + 1
    }

    /// `hh:mm:ss` as a word.
    @inline(__always)
    private static func clock(_ hour: UInt64, _ minute: UInt64, _ second: UInt64) -> UInt64 {
        twoDigits(hour) | twoDigits(minute) &<< 24 | twoDigits(second) &<< 48
            | 0x0000_3a00_003a_0000
    }

    @inline(__always)
    private static func twoDigits(_ value: UInt64) -> UInt64 {
        let tens = (value &* 103) &>> 10
        return (tens | (value &- tens &* 10) &<< 8) | 0x3030
    }

    @inline(never)
    private mutating func setDay(_ day: Int64) {
        self.day = day
        let date = CivilDate(daysSinceEpoch: day)
        var text: [UInt8] = []
        if !(0...9999).contains(date.year) { text.append(date.year < 0 ? 0x2d : 0x2b) }
        let year = String(date.year.magnitude)
        text += Array(repeating: 0x30, count: max(0, 4 - year.utf8.count)) + Array(year.utf8)
        for (mark, number) in [(0x2d, date.month), (0x2d, date.day)] as [(UInt8, Int)] {
            text += [mark, UInt8(0x30 + number / 10), UInt8(0x30 + number % 10)]
        }
        text.append(0x54)
        dayTextCount = text.count
        text += Array(repeating: 0, count: 16 - text.count)
        dayText = (0, 0)
        for index in 0..<8 {
            dayText.low |= UInt64(text[index]) << UInt64(index * 8)
            dayText.high |= UInt64(text[index + 8]) << UInt64(index * 8)
        }
    }

    private mutating func writePattern(
        _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard let pattern else { return unsafe target }
        var (seconds, micros) = time.quotientAndRemainder(
            dividingBy: EventTime.microsecondsPerSecond)
        if micros < 0 {
            seconds -= 1
            micros += EventTime.microsecondsPerSecond
        }
        let offset = zone.offset(at: seconds, &zoneCache)
        let moment = TimestampPattern.Moment(seconds: seconds, microsecond: micros, offset: offset)
        return unsafe pattern.write(moment, to: target)
    }
}
