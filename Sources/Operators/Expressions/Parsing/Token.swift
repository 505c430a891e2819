/// A word, literal or sign of an expression.
struct Token: Equatable {
    enum Kind: Equatable {
        /// A bare word: a keyword, a function or (a part of) a field's name.
        case word(String)
        /// A name in double quotes or backticks.
        case quoted(String)
        case integer(UInt64)
        case float(Double)
        case string(String)
        /// An operator or a bracket.
        case sign(String)
        case end
    }

    let kind: Kind
    /// The byte offset of the token's first byte.
    let offset: Int
    /// The byte offset behind it.
    let end: Int

    /// The word in capitals, for comparison with keywords.
    var keyword: String? {
        if case .word(let word) = kind { word.uppercased() } else { nil }
    }

    /// How a message shows it.
    var description: String {
        switch kind {
        case .word(let word): "'\(word)'"
        case .quoted(let name): "\"\(name)\""
        case .integer(let value): "'\(value)'"
        case .float(let value): "'\(value)'"
        case .string(let text): text.count > 20 ? "a string" : "the string '\(text)'"
        case .sign(let sign): "'\(sign)'"
        case .end: "the end of the expression"
        }
    }

    /// Words that name a field only in quotes.
    static let reservedWords: Set<String> = [
        "AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "BETWEEN", "IN", "LIKE", "ESCAPE",
        "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "TRY_CAST", "DISTINCT", "WHERE",
    ]
}
