import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

/// Parses and writes through slabs.
enum TimestampHarness {
    static func parse(_ text: String, _ parser: inout TimestampParser) -> Int64? {
        let input = FormatsInput(text)
        return unsafe parser.parse(input.start, input.end)
    }

    static func parse(
        _ text: String, _ format: TimestampFormat, zones: TimeZoneDatabase = .none
    ) throws -> Int64? {
        var parser = try TimestampParser(format, zones: zones)
        return parse(text, &parser)
    }

    static func text(_ time: Int64, _ writer: inout TimestampWriter) -> String {
        unsafe FormatsOutput.text { unsafe writer.write(time, to: $0) }
    }

    static func text(
        _ time: Int64, _ format: TimestampFormat, zones: TimeZoneDatabase = .none
    ) throws -> String {
        var writer = try TimestampWriter(format, zones: zones)
        return text(time, &writer)
    }
}

@Suite struct CivilDateTests {
    @Test func everyDayOfTenThousandYearsConvertsBothWays() {
        var days = Int64(TimestampTwin.days(1, 1, 1))
        for year in stride(from: 1, through: 9999, by: 1) {
            // All days of a cycle and of the ends, the edges of months elsewhere.
            let isWhole = year < 5 || (1996...2004).contains(year) || year > 9995
            for month in 1...12 {
                let length = TimestampTwin.daysInMonth(month, year)
                #expect(CivilDate.days(inMonth: month, ofYear: year) == length)
                for day in isWhole ? Array(1...length) : [1, length] {
                    let date = CivilDate(year: year, month: month, day: day)
                    let expected = days + Int64(day) - 1
                    guard date.daysSinceEpoch == expected,
                        CivilDate(daysSinceEpoch: expected) == date
                    else {
                        Issue.record("\(date) is day \(date.daysSinceEpoch), not \(expected)")
                        return
                    }
                }
                days += Int64(length)
            }
        }
    }

    @Test func weekdaysAndDaysOfTheYearAreKnown() {
        #expect(CivilDate.weekday(daysSinceEpoch: 0) == 4)
        #expect(CivilDate.weekday(daysSinceEpoch: -1) == 3)
        let day = CivilDate(year: 2026, month: 11, day: 20)
        #expect(CivilDate.weekday(daysSinceEpoch: day.daysSinceEpoch) == 5)
        #expect(CivilDate(year: 2024, month: 12, day: 31).dayOfYear == 366)
        #expect(!CivilDate(year: 2023, month: 2, day: 29).isValid)
        #expect(CivilDate(year: 2000, month: 2, day: 29).isValid)
        #expect(!CivilDate(year: 1900, month: 2, day: 29).isValid)
    }
}

@Suite struct TimestampParserTests {
    @Test(arguments: [
        ("2026-01-01T00:00:00Z", 1_767_225_600_000_000),
        ("2026-01-01 00:00:00z", 1_767_225_600_000_000),
        ("2026-01-01t01:00:00.5+01:00", 1_767_225_600_500_000),
        ("2026-01-01T00:00:00.123456789Z", 1_767_225_600_123_456),
        ("2025-12-31T23:29:59.000001-00:30", 1_767_225_599_000_001),
        ("1969-12-31T23:59:59.999999Z", -1), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000_000),
    ])
    func timesOfRFC3339AreRead(_ text: String, _ time: Int64) throws {
        #expect(try TimestampHarness.parse(text, .rfc3339) == time)
        #expect(TimestampTwin.rfc3339(text) == time)
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+01:0", "2026-1-01T00:00:00Z", "2026-01-01X00:00:00Z",
        "2026/01/01T00:00:00Z", "2026-01-01T00:00:00.5", "x026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+0a:00", "2026-01-01T00:00:00.12345678901234567890",
    ])
    func whatIsNoTimeIsRefused(_ text: String) throws {
        #expect(try TimestampHarness.parse(text, .rfc3339) == nil)
        #expect(TimestampTwin.rfc3339(text) == nil)
    }

    @Test func randomAndDamagedTimesAgreeWithTheTwin() throws {
        var random = SplitMix64(seed: 0x5eed_0010)
        var parser = try TimestampParser(.rfc3339, zones: .none)
        let damage = Array("0123456789-:.TtZz+ /\0\u{7f}".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            let pad = TimestampTwin.pad
            var text =
                "\(pad(1 + random.next(below: 9999), 4))-\(pad(1 + random.next(below: 12), 2))"
            text += "-\(pad(1 + random.next(below: 31), 2))T\(pad(random.next(below: 24), 2))"
            text += ":\(pad(random.next(below: 60), 2)):\(pad(random.next(below: 61), 2))"
            if random.next(below: 2) == 0 {
                let digits = 1 + random.next(below: 9)
                text += "."
                for _ in 0..<digits { text += "\(random.next(below: 10))" }
            }
            let sign = ["+", "-"][random.next(below: 2)]
            text +=
                random.next(below: 2) == 0
                ? "Z" : "\(sign)\(pad(random.next(below: 25), 2)):\(pad(random.next(below: 61), 2))"
            var bytes = Array(text.utf8)
            if random.next(below: 2) == 0 {
                bytes[random.next(below: bytes.count)] = damage[random.next(below: damage.count)]
            }
            text = String(decoding: bytes, as: UTF8.self)
            let expected = TimestampTwin.rfc3339(text)
            if expected != nil { accepted += 1 }
            #expect(
                TimestampHarness.parse(text, &parser) == expected, "\(text), seed 0x5eed_0010")
        }
        #expect(accepted > 5000 && accepted < 19_000)
    }

    @Test func numbersAreReadInTheirUnit() throws {
        let cases: [(String, TimestampFormat, Int64?)] = [
            ("1767225600", .seconds, 1_767_225_600_000_000), ("-1", .seconds, -1_000_000),
            ("1767225600.123", .seconds, 1_767_225_600_123_000),
            ("1767225600.1234567", .seconds, 1_767_225_600_123_456), ("-0.5", .seconds, -500_000),
            ("-0.0000001", .seconds, -1), ("-1.0000000", .seconds, -1_000_000),
            ("1.5e3", .seconds, 1_500_000_000), ("1e3", .seconds, 1_000_000_000),
            ("1767225600123", .milliseconds, 1_767_225_600_123_000),
            ("1.5", .milliseconds, 1500), ("-1.0005", .milliseconds, -1001),
            ("42", .microseconds, 42), ("42.9", .microseconds, 42), ("-42.9", .microseconds, -43),
            ("1999", .nanoseconds, 1), ("-1", .nanoseconds, -1), ("-1000", .nanoseconds, -1),
            ("-1000.5", .nanoseconds, -2), ("-1001.5", .nanoseconds, -2),
            ("-9223372036854775808", .nanoseconds, -9_223_372_036_854_776),
            ("-9223372036854775808.5", .nanoseconds, -9_223_372_036_854_776),
            ("9223372036854775807", .microseconds, .max), ("9223372036854775807", .seconds, nil),
            ("9223372036854.775807", .seconds, .max), ("9223372036854.775808", .seconds, nil),
            ("", .seconds, nil), ("x", .seconds, nil), ("1.", .seconds, nil),
            ("1e400", .seconds, nil),
            ("2026-01-01T00:00:00Z", .seconds, nil), ("1 ", .milliseconds, nil),
        ]
        for (text, format, expected) in cases {
            #expect(try TimestampHarness.parse(text, format) == expected, "\(text) \(format)")
        }
    }

    @Test func patternsAreRead() throws {
        let noon: Int64 = 1_772_366_400_000_000
        let cases: [(String, String, Int64?)] = [
            ("%Y-%m-%d %H:%M:%S", "2026-03-01 12:00:00", noon),
            ("%Y-%m-%d %H:%M:%S", "2026-3-1 12:0:0", noon),
            ("%Y-%m-%d %H:%M:%S", "2026-03-01 12:00:00 ", nil),
            ("%Y-%m-%d %H:%M:%S", "2026-02-29 12:00:00", nil),
            ("%Y-%m-%d %H:%M:%S", "26-03-01 12:00:00", nil),
            ("%Y%m%d%H%M%S", "20260301120000", noon),
            ("%FT%T.%fZ", "2026-03-01T12:00:00.5Z", noon + 500_000),
            ("%d/%b/%Y:%H:%M:%S %z", "01/Mar/2026:13:00:00 +0100", noon),
            ("%d/%b/%Y:%H:%M:%S %z", "01/MARCH/2026:06:30:00 -05:30", noon),
            ("%A, %e %B %Y %I:%M %p", "Sunday,  1 march 2026 12:00 PM", noon),
            ("%A, %e %B %Y %I:%M %p", "Sun, 1 March 2026 12:00 am", noon - 43_200_000_000),
            ("%D %R", "03/01/26 12:00", noon), ("%y-%j %H", "26-060 12", noon),
            ("%y-%j", "69-366", nil),
            ("%y%m%d", "690101", -31_536_000_000_000), ("%s", "1772366400", noon),
            ("%s.%f", "1.000001", 1_000_001),
            ("%Y-%m-%d%n%H%%", "2026-03-01\t\t12%", noon),
            ("%F %T %Z", "2026-03-01 12:00:00 gmt", noon),
            ("%F %T %Z", "2026-03-01 12:00:00 CET", nil), ("%F %f", "2026-03-01 1234567890", nil),
            ("%F %z", "2026-03-01 +1", nil), ("%F %z", "2026-03-01 +01:", nil),
        ]
        for (pattern, text, expected) in cases {
            let parsed = try TimestampHarness.parse(text, .pattern(pattern, zone: nil))
            #expect(parsed == expected, "\(pattern) on \(text)")
        }
    }

    @Test(arguments: [
        ("%Y-%m-%d %Q", "unknown %Q in the time pattern '%Y-%m-%d %Q'"),
        ("%Y-%m-%d %", "the time pattern '%Y-%m-%d %' ends with a lone %"),
        ("%m-%d", "the time pattern '%m-%d' has no year (%Y, %y or %s)"),
        ("%Y %d", "the time pattern '%Y %d' has no month (%m, %b or %j)"),
        ("%Y %m", "the time pattern '%Y %m' has no day (%d, %e or %j)"),
        ("%F %I", "the time pattern '%F %I' needs both %I and %p, or neither"),
        ("%F %I %p %H", "the time pattern '%F %I %p %H' has both %I and %H"),
    ])
    func badPatternsAreNamed(_ pattern: String, _ message: String) {
        #expect(throws: TimestampFormatError(message)) {
            try TimestampParser(.pattern(pattern, zone: nil), zones: .none)
        }
    }
}

@Suite struct TimestampWriterTests {
    @Test func fractionsAreWrittenWhereThereAreAny() throws {
        let cases: [(Int64, TimestampFormat, String)] = [
            (1_767_225_600_000_000, .rfc3339, "2026-01-01T00:00:00Z"),
            (1_767_225_600_500_000, .rfc3339, "2026-01-01T00:00:00.500Z"),
            (1_767_225_600_000_001, .rfc3339, "2026-01-01T00:00:00.000001Z"),
            (-1, .rfc3339, "1969-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, .rfc3339, "0001-01-01T00:00:00Z"),
            (253_402_300_800_000_000, .rfc3339, "+10000-01-01T00:00:00Z"),
            (.min, .rfc3339, "-290308-12-21T19:59:05.224192Z"),
            (.max, .rfc3339, "+294247-01-10T04:00:54.775807Z"), (1_500_000, .seconds, "1.500"),
            (-1_500_001, .seconds, "-1.500001"), (2_000_000, .seconds, "2"),
            (1500, .milliseconds, "1.500"),
            (-2000, .milliseconds, "-2"), (7, .microseconds, "7"), (7, .nanoseconds, "7000"),
            (0, .nanoseconds, "0"), (.max, .nanoseconds, "9223372036854775807000"),
            (
                1_772_366_400_000_000, .pattern("%a %A %e %b %B %y %j %I%p %M", zone: nil),
                "Sun Sunday  1 Mar March 26 060 12PM 00"
            ),
            (
                -1, .pattern("%FT%T.%f%z %Z%%%n%s", zone: nil),
                "1969-12-31T23:59:59.999999+0000 UTC%\n-1"
            ),
        ]
        for (time, format, expected) in cases {
            #expect(try TimestampHarness.text(time, format) == expected)
        }
    }

    @Test func randomTimesSurviveTheRoundTripInEveryFormat() throws {
        var random = SplitMix64(seed: 0x5eed_0011)
        let formats: [TimestampFormat] = [
            .seconds, .milliseconds, .microseconds, .rfc3339, .pattern("%F %T.%f", zone: nil),
            .pattern("%d %B %Y %I:%M:%S.%f %p %z", zone: nil), .pattern("%Y %j %T.%f", zone: nil),
            .pattern("%s %f", zone: nil),
        ]
        for format in formats {
            var parser = try TimestampParser(format, zones: .none)
            var writer = try TimestampWriter(format, zones: .none)
            for _ in 0..<2000 {
                // Years 1 to 9999, whole seconds and milliseconds among them.
                let unit = [1, 1000, 1_000_000][random.next(below: 3)]
                let range = 315_537_897_600_000_000 / unit
                let time = Int64(random.next(below: range) * unit) - 62_135_596_800_000_000
                let text = TimestampHarness.text(time, &writer)
                #expect(
                    TimestampHarness.parse(text, &parser) == time, "\(text), seed 0x5eed_0011")
                if format == .rfc3339 { #expect(TimestampTwin.rfc3339(text) == time) }
            }
        }
    }
}
