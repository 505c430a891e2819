/// Cuts the text of an expression into tokens.
///
///     word     letter, '_' or any byte from 0x80; then also digits and '$'
///     quoted   "…" with "" for a quote inside, or `…` with `` likewise
///     number   digits [. digits] [e [+-] digits], or . digits …
///     string   '…' with '' for a quote inside
///     sign     <= >= <> != || and single characters
struct Lexer {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// All tokens, the last of kind `end`.
    static func tokens(of text: String) throws(ExpressionError) -> [Token] {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
        return tokens
    }

    private func byte(at index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    private mutating func next() throws(ExpressionError) -> Token {
        while position < bytes.count, Lexer.isSpace(bytes[position]) { position += 1 }
        let start = position
        guard start < bytes.count else { return Token(kind: .end, offset: start, end: start) }
        let first = bytes[start]
        let kind: Token.Kind
        switch first {
        case UInt8(ascii: "'"):
            kind = .string(try quotation("string"))
        case UInt8(ascii: "\""), UInt8(ascii: "`"):
            let name = try quotation("quoted name")
            guard !name.isEmpty, !name.utf8.contains(where: { $0 < 0x20 }) else {
                throw ExpressionError(
                    offset: start,
                    message: "a quoted name is not empty and has no control characters")
            }
            kind = .quoted(name)
        case _ where Lexer.isDigit(first),
            UInt8(ascii: ".") where Lexer.isDigit(byte(at: start + 1)):
            kind = try number()
        case _ where Lexer.startsWord(first):
            while position < bytes.count, Lexer.continuesWord(bytes[position]) { position += 1 }
            kind = .word(text(start..<position))
        default:
            kind = .sign(try sign())
        }
        return Token(kind: kind, offset: start, end: position)
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private mutating func quotation(_ what: String) throws(ExpressionError) -> String {
        let start = position
        let quote = bytes[start]
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == quote else {
                content.append(byte)
                continue
            }
            guard self.byte(at: position) == quote else {
                return String(decoding: content, as: UTF8.self)
            }
            content.append(quote)
            position += 1
        }
        throw ExpressionError(offset: start, message: "the \(what) that starts here has no end")
    }

    private mutating func number() throws(ExpressionError) -> Token.Kind {
        let start = position
        var isWhole = true
        skipDigits()
        if byte(at: position) == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            skipDigits()
        }
        if byte(at: position) | 0x20 == UInt8(ascii: "e") {
            let sign = byte(at: position + 1)
            let isSigned = sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
            if Lexer.isDigit(byte(at: position + (isSigned ? 2 : 1))) {
                isWhole = false
                position += isSigned ? 2 : 1
                skipDigits()
            }
        }
        let digits = text(start..<position)
        if position < bytes.count, Lexer.continuesWord(bytes[position]) {
            throw ExpressionError(
                offset: start,
                message: "a number ends before a letter; write a space behind '\(digits)'")
        }
        if isWhole {
            guard let value = UInt64(digits), value <= 1 << 63 else {
                throw ExpressionError(
                    offset: start, message: "\(digits) is beyond the 64 bits of an int")
            }
            return .integer(value)
        }
        let spelled = digits.hasSuffix(".") ? digits + "0" : digits
        guard let value = Double(spelled), value.isFinite else {
            throw ExpressionError(
                offset: start, message: "\(digits) is beyond the range of a float")
        }
        return .float(value)
    }

    private mutating func skipDigits() {
        while Lexer.isDigit(byte(at: position)) { position += 1 }
    }

    private mutating func sign() throws(ExpressionError) -> String {
        let start = position
        let pair = text(start..<min(start + 2, bytes.count))
        switch pair {
        case "<=", ">=", "<>", "!=", "||":
            position += 2
            return pair
        case "--", "/*":
            throw ExpressionError(
                offset: start,
                message: "comments are not allowed in an expression"
                    + (pair == "--" ? "; for a double minus write '- -'" : ""))
        case "==":
            throw ExpressionError(offset: start, message: "write '=' for equality")
        case "&&":
            throw ExpressionError(offset: start, message: "write AND instead of '&&'")
        default:
            position += 1
        }
        let single = text(start..<position)
        guard "+-*/%=<>(),.".contains(single) else {
            throw ExpressionError(offset: start, message: "unexpected character '\(single)'")
        }
        return single
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (byte >= 0x09 && byte <= 0x0d)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func startsWord(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        let isLetter = lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
        return isLetter || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private static func continuesWord(_ byte: UInt8) -> Bool {
        startsWord(byte) || isDigit(byte) || byte == UInt8(ascii: "$")
    }
}
