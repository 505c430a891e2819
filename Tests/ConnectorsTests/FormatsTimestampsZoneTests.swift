import Dataflow
import TestSupport
import Testing

@testable import Connectors

@Suite struct TimeZoneTests {
    private static let pattern = "%Y-%m-%d %H:%M:%S"

    private static let newYork = TimeZoneDatabase { path in
        path == "/usr/share/zoneinfo/America/New_York"
            ? TimestampTwin.zoneFile(rule: "EST5EDT,M3.2.0,M11.1.0", offset: -18000) : nil
    }

    @Test(arguments: [
        ("2026-01-15 12:00:00", 1_768_496_400), ("2026-07-15 12:00:00", 1_784_131_200),
        // The gap: 02:30 is read as 03:30.
        ("2026-03-08 01:59:59", 1_772_953_199), ("2026-03-08 02:30:00", 1_772_955_000),
        ("2026-03-08 03:00:00", 1_772_953_200), ("2026-03-08 03:30:00", 1_772_955_000),
        // The hour that comes twice is read as the first.
        ("2026-11-01 00:59:59", 1_793_509_199), ("2026-11-01 01:30:00", 1_793_511_000),
        ("2026-11-01 02:00:00", 1_793_516_400),
        // A year far behind any table.
        ("2826-07-15 12:00:00", 27_029_692_800), ("9999-12-31 23:59:59", 253_402_318_799),
    ])
    func localTimesFollowTheStandingRule(_ text: String, _ seconds: Int64) throws {
        let format = TimestampFormat.pattern(Self.pattern, zone: "America/New_York")
        let time = try TimestampHarness.parse(text, format, zones: Self.newYork)
        #expect(time == seconds * 1_000_000)
    }

    @Test func timesAreWrittenInTheirZone() throws {
        let format = TimestampFormat.pattern("%F %T %z", zone: "America/New_York")
        var writer = try TimestampWriter(format, zones: Self.newYork)
        #expect(TimestampHarness.text(0, &writer) == "1969-12-31 19:00:00 -0500")
        #expect(
            TimestampHarness.text(1_793_511_000_000_000, &writer) == "2026-11-01 01:30:00 -0400")
        #expect(
            TimestampHarness.text(1_793_514_600_000_000, &writer) == "2026-11-01 01:30:00 -0500")
        var parser = try TimestampParser(format, zones: Self.newYork)
        #expect(
            TimestampHarness.parse("2026-11-01 01:30:00 -0500", &parser) == 1_793_514_600_000_000)
    }

    @Test(arguments: [
        "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50", "IST-1GMT0,M10.5.0,M3.5.0/1", "NST3:30NDT,J60/1:30:15,59",
    ])
    func standingRulesAreRead(_ text: String) {
        #expect(PosixZoneRule(Array(text.utf8)) != nil)
    }

    @Test(arguments: [
        "", "CET", "C1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "<+03-3", "CET-25",
        "CET-1CEST,J0,J5", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-99999999999999999999",
    ])
    func otherRulesAreRefused(_ text: String) {
        #expect(PosixZoneRule(Array(text.utf8)) == nil)
    }

    @Test func daysOfRulesAreFound() throws {
        let julian = try #require(PosixZoneRule(Array("AAA0BBB,J60/0,59/0".utf8)))
        let leap = julian.transitions(in: 2024).map(\.instant)
        let plain = julian.transitions(in: 2023).map(\.instant)
        // Day J60 is always the first of March; day 59, from zero, is the leap day if there is one.
        #expect(leap[1] == Int64(TimestampTwin.days(2024, 3, 1)) * 86400)
        #expect(leap[0] == Int64(TimestampTwin.days(2024, 2, 29)) * 86400 - 3600)
        #expect(plain[1] == Int64(TimestampTwin.days(2023, 3, 1)) * 86400)
        #expect(plain[0] == Int64(TimestampTwin.days(2023, 3, 1)) * 86400 - 3600)
    }

    @Test func missingAndDamagedZonesAreNamed() {
        func message(_ zone: String, _ zones: TimeZoneDatabase) -> String {
            do {
                _ = try TimestampParser(.pattern(Self.pattern, zone: zone), zones: zones)
                return "none"
            } catch {
                return error.description
            }
        }
        #expect(message("UTC", .none) == "none")
        #expect(
            message("Europe/Berlin", .none) == """
                time zone 'Europe/Berlin' needs the system's time zone data, which is not in \
                /usr/share/zoneinfo (Debian: install tzdata)
                """)
        #expect(
            message("../../etc/passwd", .none)
                == "'../../etc/passwd' is not the name of a time zone")
        let some = TimeZoneDatabase { $0 == "/usr/share/zoneinfo/Etc/UTC" ? [] : nil }
        #expect(
            message("Europe/Berlim", some) == """
                unknown time zone 'Europe/Berlim': there is no /usr/share/zoneinfo/Europe/Berlim
                """)
        let broken = TimeZoneDatabase { _ in Array("TZif".utf8) }
        #expect(
            message("X/Y", broken)
                == "time zone 'X/Y': /usr/share/zoneinfo/X/Y is not a time zone file")
    }

    @Test func damagedFilesNeverTrap() {
        let file = TimestampTwin.zoneFile(rule: "EST5EDT,M3.2.0,M11.1.0", offset: -18000)
        var random = SplitMix64(seed: 0x5eed_0012)
        for count in 0..<file.count {
            #expect(throws: TZifReader.Failure.self) {
                try TZifReader(Array(file[..<count])).rules()
            }
        }
        for _ in 0..<3000 {
            var damaged = file
            for _ in 0...random.next(below: 3) {
                damaged[random.next(below: file.count)] = UInt8(random.next(below: 256))
            }
            _ = try? TZifReader(damaged).rules()
        }
    }

    /// Zones with rules of many kinds, and local times around their transitions with the instants
    /// that Python's `zoneinfo` gives for them (with `fold=0`).
    @Test(.enabled(if: FormatsFiles.hasZones, "this machine has no time zone data"))
    func systemZonesGiveTheInstantsOfOthers() throws {
        for (zone, text, micros) in TimeZoneCases.all {
            let format = TimestampFormat.pattern(Self.pattern, zone: zone)
            let time = try TimestampHarness.parse(text, format, zones: FormatsFiles.zones)
            #expect(time == micros, "\(zone) \(text)")
        }
    }

    @Test(.enabled(if: FormatsFiles.hasZones, "this machine has no time zone data"))
    func writtenLocalTimesWithOffsetsReadBack() throws {
        var random = SplitMix64(seed: 0x5eed_0013)
        for zone in ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Europe/Dublin"] {
            let format = TimestampFormat.pattern("%F %T %z", zone: zone)
            var writer = try TimestampWriter(format, zones: FormatsFiles.zones)
            var parser = try TimestampParser(format, zones: FormatsFiles.zones)
            for _ in 0..<1000 {
                let time = Int64(random.next(below: 5_000_000_000)) * 1_000_000
                let text = TimestampHarness.text(time, &writer)
                #expect(
                    TimestampHarness.parse(text, &parser) == time,
                    "\(zone) \(text), seed 0x5eed_0013")
            }
        }
    }
}
