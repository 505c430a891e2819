/// The pattern of LIKE: `%` stands for any characters, `_` for one.
///
/// The text between two `%` is matched at the first place where it fits, which needs no way back:
/// the time is at most the product of both lengths.
struct LikePattern: Hashable, Sendable {
    /// A byte that must be there, or one character of any kind.
    private enum Element: Hashable, Sendable {
        case byte(UInt8)
        case anyCharacter
    }

    /// What stands between the `%`; the first begins the string and the last ends it.
    private let parts: [[Element]]

    /// Reads a pattern; fails where the escape character stands before an ordinary one.
    init?(_ pattern: String, escape: Unicode.Scalar?) {
        var parts: [[Element]] = [[]]
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            if isEscaped {
                guard scalar == "%" || scalar == "_" || scalar == escape else { return nil }
                isEscaped = false
            } else if scalar == escape {
                isEscaped = true
                continue
            } else if scalar == "%" {
                parts.append([])
                continue
            } else if scalar == "_" {
                parts[parts.count - 1].append(.anyCharacter)
                continue
            }
            for byte in String(scalar).utf8 { parts[parts.count - 1].append(.byte(byte)) }
        }
        if isEscaped { return nil }
        self.parts = parts
    }

    /// Whether all of `text` fits the pattern.
    func matches(_ text: Span<UInt8>) -> Bool {
        guard var position = LikePattern.match(parts[0], text, at: 0) else { return false }
        if parts.count == 1 { return position == text.count }
        for part in parts[1..<parts.count - 1] {
            guard let end = LikePattern.find(part, text, from: position) else { return false }
            position = end
        }
        let last = parts[parts.count - 1]
        guard let start = LikePattern.matchBackwards(last, text) else { return false }
        return start >= position
    }

    /// Where `part` ends if it stands at `start`.
    private static func match(_ part: [Element], _ text: Span<UInt8>, at start: Int) -> Int? {
        var position = start
        for element in part {
            guard position < text.count else { return nil }
            switch element {
            case .byte(let byte):
                if text[position] != byte { return nil }
                position += 1
            case .anyCharacter: position = TextFunctions.characterEnd(text, at: position)
            }
        }
        return position
    }

    private static func find(_ part: [Element], _ text: Span<UInt8>, from start: Int) -> Int? {
        var position = start
        while true {
            if let end = match(part, text, at: position) { return end }
            guard position < text.count else { return nil }
            position = TextFunctions.characterEnd(text, at: position)
        }
    }

    /// Where `part` starts if it stands at the end.
    private static func matchBackwards(_ part: [Element], _ text: Span<UInt8>) -> Int? {
        var position = text.count
        for element in part.reversed() {
            guard position > 0 else { return nil }
            switch element {
            case .byte(let byte):
                if text[position - 1] != byte { return nil }
                position -= 1
            case .anyCharacter: position = TextFunctions.characterStart(text, before: position)
            }
        }
        return position
    }
}
