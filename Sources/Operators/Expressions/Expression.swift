package import Dataflow

/// A SQL scalar expression as it was written; its meaning needs a schema.
///
/// Names, functions and types mean what they mean in Flink SQL. The deviations:
///
/// | here | Flink SQL |
/// | --- | --- |
/// | `int` is 64 bits, also for literals and INT in CAST | INT has 32 bits, BIGINT 64 |
/// | a literal such as `1.5` is a float | DECIMAL |
/// | integer overflow makes an error record | wraps around |
/// | division by zero makes an error record | fails the job, or gives infinity for DOUBLE |
/// | a result that is NaN or infinite makes an error record | is passed on |
/// | a CAST that fails makes an error record | fails the job |
/// | `a AND b`: `b` is not computed where `a` decides | may be computed |
/// | timestamps are UTC microseconds, with or without a zone in their text | two types |
/// | the pattern of LIKE and the format of DATE_FORMAT are constants | any string |
/// | REPLACE of an empty string changes nothing | inserts between all characters |
/// | a string result of more than 16 MiB makes an error record | no limit |
package struct Expression: Sendable {
    /// The text; offsets in errors refer to it.
    package let text: String
    let root: SyntaxNode

    init(text: String, root: SyntaxNode) {
        self.text = text
        self.root = root
    }

    /// Reads an expression.
    package static func parse(_ text: String) -> Result<Expression, ExpressionErrors> {
        do throws(ExpressionError) {
            var parser = try Parser(text)
            let root = try parser.expression()
            try parser.expectEnd()
            return .success(Expression(text: text, root: root))
        } catch {
            return .failure(ExpressionErrors([error]))
        }
    }

    /// A field's name where an expression mentions it.
    package struct FieldReference: Hashable, Sendable {
        package let name: String
        /// The byte offset in the text.
        package let offset: Int
    }

    /// The fields it mentions, in the order of the text; some perhaps more than once.
    package var fieldNames: [FieldReference] {
        var references: [FieldReference] = []
        var pending = [root]
        while let node = pending.popLast() {
            if case .field(let name) = node.kind {
                references.append(FieldReference(name: name, offset: node.offset))
            }
            pending += node.kind.children
        }
        return references.sorted { $0.offset < $1.offset }
    }

    /// Gives every name a column and every part a type, and computes what is constant; or says what
    /// is wrong, all of it at once.
    package func checked(against schema: Schema) -> Result<TypedExpression, ExpressionErrors> {
        var checker = Checker(schema: schema)
        guard let node = checker.check(root, expecting: nil), checker.errors.isEmpty else {
            return .failure(ExpressionErrors(checker.errors))
        }
        return .success(TypedExpression(node: node, schema: schema))
    }
}
