package import Dataflow

/// Reads timestamps of one format as microseconds since 1970-01-01T00:00:00Z.
///
/// Numbers may have a sign and decimals (`1767225600.123` seconds); what is finer than a
/// microsecond rounds down. RFC 3339 takes a blank for the `T`, lower-case letters and any number
/// of decimals, of which six count; there is no second 60. Patterns are described at
/// `TimestampPattern`, local times that a zone skips or repeats at `TimeZoneRules`.
///
/// It remembers the last day and offset, so one parser serves one thread.
package struct TimestampParser: Sendable {
    private enum Kind: Sendable { case number, rfc3339, pattern }

    private let kind: Kind
    /// Nanoseconds of a unit of the numeric forms.
    private let unit: Int64
    private let pattern: TimestampPattern?
    private let zone: TimeZoneRules
    private var zoneCache = TimeZoneRules.Cache()
    /// The last date read: its ten characters, and the day they mean.
    private var dateStart: UInt64 = 0
    private var dateEnd: UInt64 = 0
    private var dateSeconds: Int64 = 0

    /// A parser of `format`; fails for a bad pattern, and for a zone that `zones` does not have.
    package init(
        _ format: TimestampFormat, zones: TimeZoneDatabase
    ) throws(TimestampFormatError) {
        switch format {
        case .seconds, .milliseconds, .microseconds, .nanoseconds:
            kind = .number
            pattern = nil
            zone = .utc
        case .rfc3339:
            kind = .rfc3339
            pattern = nil
            zone = .utc
        case .pattern(let text, let name):
            kind = .pattern
            pattern = try TimestampPattern(text, hasZone: name != nil)
            if let name { zone = try zones.zone(named: name) } else { zone = .utc }
        }
        unit = format.unitNanoseconds ?? 0
    }

    /// Whether the format is a number, which JSON writes without quotes.
    package var isNumeric: Bool { kind == .number }

    /// The time that the whole text from `start` to `end` stands for; nil if it is none.
    @inline(__always)
    mutating func parse(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int64? {
        switch kind {
        case .rfc3339: return unsafe parseRFC3339(start, end)
        case .number: return unsafe parseNumber(start, end)
        case .pattern: return unsafe parsePattern(start, end)
        }
    }

    /// The time that `value` units of a numeric format stand for; nil beyond the range.
    @inline(__always)
    func microseconds(_ value: Int64) -> Int64? {
        if unit >= 1000 {
            let (product, overflow) = value.multipliedReportingOverflow(by: unit / 1000)
            return overflow ? nil : product
        }
        return value / 1000 &- (value % 1000 < 0 ? 1 : 0)
    }

    @inline(__always)
    private func parseNumber(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int64? {
        if let parsed = unsafe NumberParser.parseInt(start, end), unsafe parsed.next == end {
            return unsafe microseconds(parsed.value)
        }
        return unsafe parseDecimal(start, end)
    }

    /// A number with decimals, exactly; one with an exponent by way of a float.
    @inline(never)
    private func parseDecimal(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int64? {
        guard let whole = unsafe NumberParser.parseDouble(start, end), unsafe whole.next == end
        else { return nil }
        guard let parsed = unsafe NumberParser.parseInt(start, end) else { return nil }
        var place = unsafe parsed.next
        guard unsafe place.load(as: UInt8.self) == 0x2e else {
            return unsafe fromDouble(whole.value)
        }
        unsafe place += 1
        // Nanoseconds of the decimals; `scale` is what the next digit counts.
        var (rest, scale) = (Int64(0), unit)
        var isFiner = false
        while unsafe place < end {
            let digit = unsafe place.load(as: UInt8.self) &- 0x30
            if digit > 9 { return unsafe fromDouble(whole.value) }
            if scale % 10 == 0 {
                scale /= 10
                rest += Int64(digit) * scale
            } else if digit > 0 {
                isFiner = true
            }
            unsafe place += 1
        }
        let isNegative = unsafe start.load(as: UInt8.self) == 0x2d
        guard let base = unsafe microseconds(parsed.value) else { return nil }
        // A negative number of nanoseconds has been rounded down already, unless it was even.
        let isBase = unsafe unit == 1 && parsed.value % 1000 != 0
        let isRounded = !isBase && (isFiner || rest % 1000 > 0)
        let change = isNegative ? -(rest / 1000) - (isRounded ? 1 : 0) : rest / 1000
        let (sum, overflow) = base.addingReportingOverflow(change)
        return overflow ? nil : sum
    }

    private func fromDouble(_ value: Double) -> Int64? {
        Int64(exactly: (value * (Double(unit) / 1000)).rounded(.down))
    }

    /// `2026-01-01T00:00:00Z` in three words; what follows the seconds is looked at one by one.
    @inline(__always)
    private mutating func parseRFC3339(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> Int64? {
        guard unsafe end - start >= 20 else { return nil }
        let first = unsafe start.loadUnaligned(as: UInt64.self)
        let second = unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let third = unsafe UInt64(start.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        // hh:mm and :ss, digits and colons in their places.
        guard DigitWord.otherMarks(second) == 0x0000_8000_0080_0000,
            second & 0x0000_ff00_0000_0000 == 0x0000_3a00_0000_0000,
            DigitWord.otherMarks(third) & 0xffffff == 0x80, third & 0xff == 0x3a
        else { return nil }
        let separator = second &>> 16 & 0xff
        guard separator | 0x20 == 0x74 || separator == 0x20 else { return nil }
        if first != dateStart || second & 0xffff != dateEnd {
            guard setDate(first, second & 0xffff) else { return nil }
        }
        let pairs = Self.pairs(second)
        let hour = pairs &>> 24 & 0xff
        let minute = pairs &>> 48 & 0xff
        let seconds = Self.pairs(third) &>> 8 & 0xff
        guard hour < 24 && minute < 60 && seconds < 60 else { return nil }
        let time = dateSeconds &+ Int64(bitPattern: hour &* 3600 &+ minute &* 60 &+ seconds)
        let last = third &>> 24
        if unsafe last | 0x20 == 0x7a && end - start == 20 {
            return time &* EventTime.microsecondsPerSecond
        }
        return unsafe parseTail(start + 19, end, time)
    }

    /// In every byte the value of the two digits that start there.
    @inline(__always)
    private static func pairs(_ word: UInt64) -> UInt64 {
        let digits = word & 0x0f0f_0f0f_0f0f_0f0f
        return digits &* 10 &+ digits &>> 8
    }

    /// Takes over `yyyy-mm-` and `dd`, if they are a date.
    @inline(never)
    private mutating func setDate(_ first: UInt64, _ second: UInt64) -> Bool {
        guard DigitWord.otherMarks(first) == 0x8000_0080_0000_0000,
            first & 0xff00_00ff_0000_0000 == 0x2d00_002d_0000_0000
        else { return false }
        let pairs = Self.pairs(first)
        let date = CivilDate(
            year: Int((pairs & 0xff) * 100 + pairs >> 16 & 0xff), month: Int(pairs >> 40 & 0xff),
            day: Int(Self.pairs(second) & 0xff))
        guard date.isValid else { return false }
        dateStart = first
        dateEnd = second
        dateSeconds = date.daysSinceEpoch * CivilDate.secondsPerDay
        return true
    }

    /// Decimals and offset, behind the second `time`.
    private func parseTail(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ time: Int64
    ) -> Int64? {
        var place = unsafe start
        var micros: Int64 = 0
        if unsafe place.load(as: UInt8.self) == 0x2e {
            unsafe place += 1
            let digits = unsafe place
            var scale: Int64 = 100_000
            while unsafe place < end {
                let digit = unsafe place.load(as: UInt8.self) &- 0x30
                if digit > 9 { break }
                micros += Int64(digit) * scale
                scale /= 10
                unsafe place += 1
            }
            if unsafe place == digits { return nil }
        }
        let sign = unsafe place.load(as: UInt8.self)
        if unsafe end - place == 1 && sign | 0x20 == 0x7a {
            return time * EventTime.microsecondsPerSecond + micros
        }
        guard unsafe end - place == 6 && (sign == 0x2b || sign == 0x2d) else { return nil }
        let offset = unsafe (place + 1).loadUnaligned(as: UInt64.self) & 0xff_ffff_ffff
        let pairs = Self.pairs(offset)
        let (hours, minutes) = (pairs & 0xff, pairs >> 24 & 0xff)
        guard DigitWord.otherMarks(offset) & 0xff_ffff_ffff == 0x80_0000,
            offset >> 16 & 0xff == 0x3a, hours < 24, minutes < 60
        else { return nil }
        let ahead = Int64(hours * 3600 + minutes * 60)
        let instant = sign == 0x2d ? time + ahead : time - ahead
        return instant * EventTime.microsecondsPerSecond + micros
    }

    private mutating func parsePattern(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> Int64? {
        guard let parts = unsafe pattern?.parse(start, end) else { return nil }
        let micros = Int64(parts.microsecond)
        if let epoch = parts.epochSeconds {
            let (product, overflow) = epoch.multipliedReportingOverflow(
                by: EventTime.microsecondsPerSecond)
            let (sum, overflowAgain) = product.addingReportingOverflow(micros)
            return overflow || overflowAgain ? nil : sum
        }
        var date = CivilDate(year: parts.year, month: parts.month, day: parts.day)
        if let dayOfYear = parts.dayOfYear {
            guard dayOfYear <= (CivilDate.isLeap(parts.year) ? 366 : 365) else { return nil }
            (date.month, date.day) = (1, 1)
        }
        guard date.isValid else { return nil }
        var hour = parts.hour
        if let isAfternoon = parts.isAfternoon { hour = hour % 12 + (isAfternoon ? 12 : 0) }
        let days = date.daysSinceEpoch + Int64((parts.dayOfYear ?? 1) - 1)
        let local =
            days * CivilDate.secondsPerDay
            + Int64(hour * 3600 + parts.minute * 60 + parts.second)
        let offset = parts.offset ?? zone.offset(atLocal: local, &zoneCache)
        return (local - offset) * EventTime.microsecondsPerSecond + micros
    }
}
