/// A strptime-like pattern, compiled into steps.
///
///     %Y year, 4 digits   %y year, 2 digits (69 to 99: 1969 to 1999, 00 to 68: 2000 to 2068)
///     %m month   %b %h %B its English name, short or whole
///     %d day   %e day, padded with a blank   %j day of the year   %a %A weekday (not checked)
///     %H hour   %I hour of 12, with %p (AM, PM)   %M minute   %S second (no leap seconds)
///     %f fraction of a second: 1 to 9 digits, cut off behind microseconds; written with 6
///     %z offset: +hhmm, +hh:mm, +hh or Z; written +hhmm   %Z UTC, GMT or Z; written UTC
///     %s seconds since the epoch   %T %H:%M:%S   %R %H:%M   %D %m/%d/%y   %F %Y-%m-%d
///     %n %t and blanks: any white space, also none   %% a percent sign
///
/// Numbers may have fewer digits than their width, except the year of four. Names are read in any
/// case. What stands in the pattern otherwise must stand in the text, byte for byte.
struct TimestampPattern: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case literal(UInt8)
        case blank(UInt8)
        case year, shortYear
        case month, monthName(isShort: Bool)
        case day, paddedDay, dayOfYear
        case weekday(isShort: Bool)
        case hour, hourOf12, half, minute, second, fraction
        case offset, utcName
        case epochSeconds
    }

    let steps: [Step]

    /// Room that a time takes when it is written.
    var byteCountMax: Int { steps.count * 24 }

    /// Compiles `pattern`; with a `zone` it may not name one of its own.
    init(_ pattern: String, hasZone: Bool) throws(TimestampFormatError) {
        var steps: [Step] = []
        var bytes = Array(pattern.utf8)[...]
        while let byte = bytes.popFirst() {
            if byte != UInt8(ascii: "%") {
                steps.append(Self.isBlank(byte) ? .blank(byte) : .literal(byte))
                continue
            }
            guard let directive = bytes.popFirst() else {
                throw TimestampFormatError("the time pattern '\(pattern)' ends with a lone %")
            }
            guard let meant = Self.steps(for: directive) else {
                let name = String(decoding: [directive], as: UTF8.self)
                throw TimestampFormatError("unknown %\(name) in the time pattern '\(pattern)'")
            }
            steps += meant
        }
        self.steps = steps
        if let problem = problem(hasZone: hasZone) {
            throw TimestampFormatError("the time pattern '\(pattern)' \(problem)")
        }
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 9 && byte <= 13) }

    private static func steps(for directive: UInt8) -> [Step]? {
        let colon = Step.literal(UInt8(ascii: ":"))
        let slash = Step.literal(UInt8(ascii: "/"))
        let dash = Step.literal(UInt8(ascii: "-"))
        return switch Unicode.Scalar(directive) {
        case "Y": [.year]
        case "y": [.shortYear]
        case "m": [.month]
        case "b", "h": [.monthName(isShort: true)]
        case "B": [.monthName(isShort: false)]
        case "d": [.day]
        case "e": [.paddedDay]
        case "j": [.dayOfYear]
        case "a": [.weekday(isShort: true)]
        case "A": [.weekday(isShort: false)]
        case "H": [.hour]
        case "I": [.hourOf12]
        case "p": [.half]
        case "M": [.minute]
        case "S": [.second]
        case "f": [.fraction]
        case "z": [.offset]
        case "Z": [.utcName]
        case "s": [.epochSeconds]
        case "T": [.hour, colon, .minute, colon, .second]
        case "R": [.hour, colon, .minute]
        case "D": [.month, slash, .day, slash, .shortYear]
        case "F": [.year, dash, .month, dash, .day]
        case "n": [.blank(0x0a)]
        case "t": [.blank(0x09)]
        case "%": [.literal(UInt8(ascii: "%"))]
        default: nil
        }
    }

    /// Why the steps do not make an instant; continues a sentence.
    private func problem(hasZone: Bool) -> String? {
        func has(_ wanted: Step...) -> Bool { wanted.contains { steps.contains($0) } }
        if has(.utcName) && hasZone { return "has %Z (always UTC) and a time zone" }
        if has(.hourOf12) != has(.half) { return "needs both %I and %p, or neither" }
        if has(.hourOf12) && has(.hour) { return "has both %I and %H" }
        if has(.epochSeconds) { return nil }
        if !has(.year, .shortYear) { return "has no year (%Y, %y or %s)" }
        let hasMonth = has(.month, .monthName(isShort: true), .monthName(isShort: false))
        if !hasMonth && !has(.dayOfYear) { return "has no month (%m, %b or %j)" }
        if !has(.day, .paddedDay, .dayOfYear) { return "has no day (%d, %e or %j)" }
        return nil
    }

    static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ].map { Array($0.utf8) }

    static let weekdayNames = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ].map { Array($0.utf8) }
}
