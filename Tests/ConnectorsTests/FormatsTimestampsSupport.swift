import Dataflow
import Glibc
import Storage

@testable import Connectors

/// Files of the machine that tests run on, where it has them.
enum FormatsFiles {
    /// The content of a file, or nil.
    static func read(_ path: String) -> [UInt8]? {
        guard let file = unsafe fopen(path, "rb") else { return nil }
        defer { unsafe _ = fclose(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, file)
            if count == 0 { return content }
            content += buffer[..<count]
        }
    }

    /// The time zones of this machine.
    static let zones = TimeZoneDatabase { read($0) }

    /// Whether there are any.
    static let hasZones = read("/usr/share/zoneinfo/Europe/Berlin") != nil

    /// Recorded data: the folder that `WEIR_DATA` names, else `../shared/data`.
    static let data = unsafe getenv("WEIR_DATA").map { unsafe String(cString: $0) } ?? "../shared/data"
}

/// Calendar, timestamps and time zones in the obvious way, slowly.
enum TimestampTwin {
    static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    static func daysInMonth(_ month: Int, _ year: Int) -> Int {
        [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Days from 1970-01-01, by counting years and months.
    static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        var days = day - 1
        for earlier in 1..<month { days += daysInMonth(earlier, year) }
        let before = year - 1
        // Years 1 to `before`, and 719162 days up to 1970.
        return days + before * 365 + before / 4 - before / 100 + before / 400 - 719_162
    }

    /// An RFC 3339 time, by cutting it into characters.
    static func rfc3339(_ text: String) -> Int64? {
        let c = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= c.count else { return nil }
            guard c[range].allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
            return Int(String(decoding: c[range], as: UTF8.self))
        }
        guard c.count >= 20, c[4] == 45, c[7] == 45, [84, 116, 32].contains(c[10]), c[13] == 58,
            c[16] == 58, let year = number(0..<4), let month = number(5..<7),
            let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19), (1...12).contains(month), day >= 1,
            day <= daysInMonth(month, year), hour < 24, minute < 60, second < 60
        else { return nil }
        var place = 19
        var micros = 0
        if c[place] == 46 {
            let start = place + 1
            place = start
            while place < c.count, number(place..<place + 1) != nil { place += 1 }
            if place == start { return nil }
            let digits = String(decoding: c[start..<place], as: UTF8.self) + "000000"
            micros = Int(digits.prefix(6)) ?? 0
        }
        var offset = 0
        let rest = Array(c[place...])
        if rest == [90] || rest == [122] {
        } else if rest.count == 6, rest[0] == 43 || rest[0] == 45, rest[3] == 58,
            let hours = number(place + 1..<place + 3), hours < 24,
            let minutes = number(place + 4..<place + 6), minutes < 60
        {
            offset = (hours * 60 + minutes) * (rest[0] == 43 ? 60 : -60)
        } else {
            return nil
        }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return Int64(seconds * 1_000_000 + micros)
    }

    /// Two digits, or `count` of them.
    static func pad(_ number: Int, _ count: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// A time zone file of version 2 with a standing rule and no transitions.
    static func zoneFile(rule: String, offset: Int32) -> [UInt8] {
        func header(_ counts: [UInt32]) -> [UInt8] {
            Array("TZif2".utf8) + Array(repeating: 0, count: 15)
                + counts.flatMap { count in
                    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
                }
        }
        let type = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: offset >> Int32($0)) } + [0, 0]
        let data = type + Array("LMT\0".utf8)
        let counts: [UInt32] = [0, 0, 0, 0, 1, 4]
        return header(counts) + data + header(counts) + data + Array("\n\(rule)\n".utf8)
    }
}
