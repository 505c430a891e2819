/// A place in a pipeline file, or the command line argument that stands for one.
package struct Place: Hashable, Sendable, Comparable {
    /// The path as given, or `--set a.b.c`.
    package let file: String
    /// From 1; 0 where there is no line to name.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int

    package init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The order of a report: by line and column; what has no line stands behind.
    package static func < (a: Place, b: Place) -> Bool {
        if (a.line == 0) != (b.line == 0) { return b.line == 0 }
        if a.file != b.file { return a.file < b.file }
        return (a.line, a.column) < (b.line, b.column)
    }
}

/// Something a user must know about a pipeline file, and where.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        /// The pipeline cannot run.
        case error
        /// It runs, and may surprise.
        case warning
        /// Something could not be checked.
        case note
    }

    package let place: Place
    package let severity: Severity
    package let message: String

    package var file: String { place.file }
    package var line: Int { place.line }
    package var column: Int { place.column }

    package init(_ severity: Severity, at place: Place, _ message: String) {
        self.place = place
        self.severity = severity
        self.message = message
    }

    /// `file:line:column: error: message`, always on one line.
    package var description: String {
        let message = Self.visible(message)
        return line > 0
            ? "\(file):\(line):\(column): \(severity.rawValue): \(message)"
            : "\(file): \(severity.rawValue): \(message)"
    }

    /// Text with line ends, and whatever else would act on a terminal, as escapes.
    private static func visible(_ text: String) -> String {
        var visible = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                visible += scalar.escaped(asASCII: true)
            default: visible.unicodeScalars.append(scalar)
            }
        }
        return visible
    }
}

/// Collects what is wrong with a file, so that all of it is reported at once.
final class Diagnostics {
    private var collected: Set<Diagnostic> = []
    /// What must not be shown in a message.
    var secrets = Redactor()

    func error(at place: Place, _ message: String) { add(.error, place, message) }
    func warning(at place: Place, _ message: String) { add(.warning, place, message) }
    func note(at place: Place, _ message: String) { add(.note, place, message) }

    /// Values that could not be put together: what follows from them is not reported.
    private var unusable: Set<Place> = []

    /// Says that the value at `place` is wrong and has been reported.
    func giveUp(at place: Place) { unusable.insert(place) }

    private func add(_ severity: Diagnostic.Severity, _ place: Place, _ message: String) {
        if unusable.contains(place) { return }
        collected.insert(Diagnostic(severity, at: place, secrets.redact(message)))
    }

    var hasErrors: Bool { collected.contains { $0.severity == .error } }

    /// Errors so far; a pass over something broken is left out when the count has grown.
    var errorCount: Int { collected.count { $0.severity == .error } }

    /// Everything, by place.
    var sorted: [Diagnostic] {
        collected.sorted { a, b in
            a.place == b.place ? a.message < b.message : a.place < b.place
        }
    }
}

/// Hides values that came from the environment or a file wherever something is shown.
package struct Redactor: Sendable {
    /// What stands in the place of a hidden value.
    package static let mask = "***"
    /// Shorter values, and numbers, are hidden only where they stand alone, lest every `1` become a
    /// mask.
    private static let anywhereCountMin = 3

    private var values: [String] = []

    package init() {}

    /// Hides `value` from here on.
    package mutating func add(_ value: String) {
        guard !value.isEmpty, !values.contains(value) else { return }
        values.append(value)
        // A long value that contains a short one must go first.
        values.sort { $0.utf8.count > $1.utf8.count }
    }

    package func redact(_ text: String) -> String {
        var bytes = Array(text.utf8)
        for value in values {
            bytes = Redactor.replace(Array(value.utf8), in: bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replace(_ value: [UInt8], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var place = 0
        let isNumber = value.allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
        let isHiddenAnywhere = value.count >= anywhereCountMin && !isNumber
        while place < text.count {
            let end = place + value.count
            if end <= text.count, text[place..<end].elementsEqual(value),
                isHiddenAnywhere || (!isWord(text, place - 1) && !isWord(text, end))
            {
                result += Array(mask.utf8)
                place = end
            } else {
                result.append(text[place])
                place += 1
            }
        }
        return result
    }

    private static func isWord(_ text: [UInt8], _ place: Int) -> Bool {
        guard text.indices.contains(place) else { return false }
        switch text[place] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            return true
        default: return false
        }
    }
}
