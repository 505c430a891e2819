import Dataflow

/// Reads a compiled time zone file (TZif version 2 or later, RFC 8536).
///
///     header  "TZif" version 15 unused bytes; six counts of 4 bytes: UT indicators, standard
///             indicators, leap seconds, transitions, types, name bytes
///     data    32-bit transitions, for readers of version 1; skipped
///     header  again
///     data    transitions (8 bytes each), their types (1 byte each), types (offset 4, summer 1,
///             name 1), names, leap seconds (12 each), indicators
///     footer  newline, the standing rule as POSIX writes it, newline
///
/// Numbers are big-endian.
struct TZifReader {
    /// Why a file is of no use; continues a sentence that names the file.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    private struct Counts {
        var utIndicators, standardIndicators, leapSeconds, transitions, types, nameBytes: Int

        func dataBytes(timeBytes: Int) -> Int {
            transitions * (timeBytes + 1) + types * 6 + nameBytes + leapSeconds * (timeBytes + 4)
                + standardIndicators + utIndicators
        }
    }

    private static let headerBytes = 44
    /// Real files stay below a few thousand; a damaged count must not take memory.
    private static let countMax = 100_000

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func rules() throws(Failure) -> TimeZoneRules {
        let first = try counts(at: 0)
        guard bytes[4] >= UInt8(ascii: "2") else {
            throw Failure("is of version 1, which has no rule for later years")
        }
        let start = Self.headerBytes + first.dataBytes(timeBytes: 4)
        let counts = try counts(at: start)
        guard counts.leapSeconds == 0 else { throw Failure("counts leap seconds") }
        let data = start + Self.headerBytes
        let footer = data + counts.dataBytes(timeBytes: 8)
        guard footer < bytes.count, bytes[footer] == 0x0a,
            let footerEnd = bytes[(footer + 1)...].firstIndex(of: 0x0a)
        else { throw Failure("is cut short") }
        let types = data + counts.transitions * 9
        guard counts.types > 0 else { throw Failure("has no local time") }
        func offset(ofType type: Int) -> Int64 {
            Int64(Int32(truncatingIfNeeded: integer(types + type * 6, 4)))
        }
        var transitions: [TimeZoneRules.Transition] = []
        for index in 0..<counts.transitions {
            let type = Int(bytes[data + counts.transitions * 8 + index])
            guard type < counts.types else { throw Failure("is damaged") }
            let instant = integer(data + index * 8, 8)
            guard transitions.last.map({ $0.instant < instant }) ?? true else {
                throw Failure("is damaged: its transitions do not ascend")
            }
            transitions.append(.init(instant: instant, offset: offset(ofType: type)))
        }
        // The first type holds before the first transition.
        return try rules(
            first: offset(ofType: 0), transitions, footer: Array(bytes[(footer + 1)..<footerEnd]))
    }

    /// Adds one calendar cycle of the standing rule.
    private func rules(
        first: Int64, _ table: [TimeZoneRules.Transition], footer: [UInt8]
    ) throws(Failure) -> TimeZoneRules {
        if footer.isEmpty {
            return TimeZoneRules(first: first, transitions: table, repeatsFrom: nil)
        }
        guard let rule = PosixZoneRule(footer) else {
            let text = String(decoding: footer, as: UTF8.self)
            throw Failure("has a rule that cannot be read: \(text)")
        }
        var transitions = table
        let last = table.last?.instant ?? 0
        let lastDay = last / CivilDate.secondsPerDay
        let year = CivilDate(daysSinceEpoch: lastDay).year
        if rule.daylight == nil {
            // It agrees with the last transition, or with the only local time.
            return TimeZoneRules(first: first, transitions: table, repeatsFrom: nil)
        }
        for later in year...(year + 402) {
            for transition in rule.transitions(in: later) where transition.instant > last {
                transitions.append(transition)
            }
        }
        let repeatsFrom =
            CivilDate(year: year + 402, month: 1, day: 15).daysSinceEpoch * CivilDate.secondsPerDay
        transitions.removeAll { $0.instant >= repeatsFrom }
        return TimeZoneRules(first: first, transitions: transitions, repeatsFrom: repeatsFrom)
    }

    private func counts(at start: Int) throws(Failure) -> Counts {
        guard bytes.count >= start + Self.headerBytes,
            bytes[start..<start + 4].elementsEqual("TZif".utf8)
        else { throw Failure(start == 0 ? "is not a time zone file" : "is cut short") }
        var counts: [Int] = []
        for index in 0..<6 {
            let count = integer(start + 20 + index * 4, 4)
            guard count >= 0, count <= Self.countMax else { throw Failure("is damaged") }
            counts.append(Int(count))
        }
        return Counts(
            utIndicators: counts[0], standardIndicators: counts[1], leapSeconds: counts[2],
            transitions: counts[3], types: counts[4], nameBytes: counts[5])
    }

    private func integer(_ place: Int, _ count: Int) -> Int64 {
        var value: UInt64 = 0
        for byte in bytes[place..<place + count] { value = value << 8 | UInt64(byte) }
        return Int64(bitPattern: value)
    }
}
