/// A mistake in the text of an expression, and where it stands.
package struct ExpressionError: Error, Equatable, Sendable {
    /// UTF-8 bytes of the expression's text before the mistake.
    package let offset: Int
    /// What is wrong and, where it is known, what to write instead.
    package let message: String

    package init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }
}

/// All mistakes found in an expression, in the order of its text; never empty.
package struct ExpressionErrors: Error, Equatable, Sendable {
    package let list: [ExpressionError]

    package init(_ list: [ExpressionError]) {
        precondition(!list.isEmpty, "errors without an error")
        self.list = list.sorted { $0.offset < $1.offset }
    }
}
