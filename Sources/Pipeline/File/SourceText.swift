/// The text of a pipeline file in lines, to find the place of a byte of a value.
struct SourceText: Sendable {
    private let file: String
    private let lines: [[Unicode.Scalar]]

    init(_ text: String, file: String) {
        self.file = file
        let scalars = Array(text.unicodeScalars)
        var lines: [[Unicode.Scalar]] = []
        var line: [Unicode.Scalar] = []
        for index in scalars.indices {
            if SourceText.isBreak(scalars, index) {
                if line.last == "\r" { line.removeLast() }
                lines.append(line)
                line = []
            } else {
                line.append(scalars[index])
            }
        }
        lines.append(line)
        self.lines = lines
    }

    /// Whether a line ends with this scalar; of `\r\n` it is the second.
    static func isBreak(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
        switch scalars[index] {
        case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
        case "\r": index + 1 == scalars.count || scalars[index + 1] != "\n"
        default: false
        }
    }

    /// The place of a character by its number in the text.
    func place(ofCharacter number: Int) -> Place {
        var rest = number
        for (index, line) in lines.enumerated() {
            if rest <= line.count {
                return Place(file: file, line: index + 1, column: rest + 1)
            }
            rest -= line.count + 1
        }
        return Place(file: file, line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }

    /// The place of a byte of a scalar's text, given where the scalar starts in the file.
    func place(ofByte offset: Int, in scalar: YAMLScalar, at start: Place) -> Place {
        guard start.file == file, start.line > 0, !scalar.isSubstituted else { return start }
        var cursor = Cursor(lines: lines, line: start.line - 1, column: start.column - 1)
        cursor.skipProperties()
        cursor.enter(scalar.style)
        var passed = 0
        for value in scalar.text.unicodeScalars {
            if scalar.style == .doubleQuoted { cursor.skipContinuations() }
            if passed >= offset { break }
            passed += UTF8.width(value)
            cursor.step(over: value, style: scalar.style)
        }
        return Place(file: file, line: cursor.line + 1, column: cursor.column + 1)
    }
}

/// Walks through a scalar as written, one scalar of its value after the other.
private struct Cursor {
    let lines: [[Unicode.Scalar]]
    var line: Int
    var column: Int
    /// Columns that do not belong to the text of a block scalar.
    private var indent = 0

    init(lines: [[Unicode.Scalar]], line: Int, column: Int) {
        self.lines = lines
        self.line = line
        self.column = column
    }

    private func scalar(_ ahead: Int = 0) -> Unicode.Scalar? {
        guard line < lines.count, column + ahead < lines[line].count else { return nil }
        return lines[line][column + ahead]
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t"
    }

    /// Passes an anchor and a tag in front of the value.
    mutating func skipProperties() {
        while let first = scalar(), first == "&" || first == "!" {
            while let next = scalar(), !Cursor.isBlank(next) { column += 1 }
            skipBlanksAndBreaks()
        }
    }

    /// Moves to the first scalar of the text.
    mutating func enter(_ style: YAMLScalar.Style) {
        switch style {
        case .plain: break
        case .singleQuoted, .doubleQuoted: column += 1
        case .literal, .folded:
            var first = line + 1
            while first < lines.count, lines[first].allSatisfy(Cursor.isBlank) { first += 1 }
            if first < lines.count { indent = lines[first].prefix { $0 == " " }.count }
            line += 1
            column = indent
        }
    }

    mutating func step(over value: Unicode.Scalar, style: YAMLScalar.Style) {
        switch style {
        case .literal:
            if value == "\n" {
                line += 1
                column = indent
            } else {
                column += 1
            }
        case .plain, .singleQuoted, .doubleQuoted, .folded:
            if style == .doubleQuoted, scalar() == "\\" {
                column += escapeCount
            } else if (value == " " || value == "\n") && isAtLineEnd {
                skipBlanksAndBreaks()
            } else if value == "\n" {
                // One of several line breaks that were passed at once.
            } else if style == .singleQuoted, scalar() == "'" {
                column += 2
            } else {
                column += 1
            }
        }
    }

    /// Passes line ends that a backslash hides.
    mutating func skipContinuations() {
        while scalar() == "\\", column + 1 == lines[line].count {
            column += 1
            skipBlanksAndBreaks()
        }
    }

    private var escapeCount: Int {
        switch scalar(1) {
        case "x": 4
        case "u": 6
        case "U": 10
        default: 2
        }
    }

    private var isAtLineEnd: Bool {
        line < lines.count && line + 1 < lines.count
            && lines[line].dropFirst(column).allSatisfy(Cursor.isBlank)
    }

    private mutating func skipBlanksAndBreaks() {
        while line < lines.count {
            while let next = scalar(), Cursor.isBlank(next) { column += 1 }
            if scalar() != nil || line + 1 == lines.count { return }
            line += 1
            column = 0
        }
    }
}
