import Dataflow

/// A part of an expression as it was written, before anything is known of types.
struct SyntaxNode: Sendable {
    /// The byte offset of its first byte; for errors about it.
    let offset: Int
    /// Levels of nodes, itself included.
    let depth: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case constant(Constant)
        case interval(Interval)
        case field(String)
        case negate(SyntaxNode)
        case not(SyntaxNode)
        /// A binary operator and where it stands.
        case binary(BinaryOperator, at: Int, SyntaxNode, SyntaxNode)
        /// AND or OR of two or more.
        case logic(LogicOperator, [SyntaxNode])
        /// IS [NOT] NULL, TRUE or FALSE.
        case test(SyntaxNode, TruthTest, negated: Bool)
        case between(SyntaxNode, low: SyntaxNode, high: SyntaxNode, negated: Bool)
        case among(SyntaxNode, [SyntaxNode], negated: Bool)
        case like(SyntaxNode, pattern: SyntaxNode, escape: SyntaxNode?, negated: Bool)
        case conditional(subject: SyntaxNode?, [Branch], otherwise: SyntaxNode?)
        case cast(SyntaxNode, to: FieldType, tries: Bool)
        /// A function by its name in capitals; `unit` where its syntax has a unit of time.
        case call(String, [SyntaxNode], unit: TimeUnit?)
    }

    /// WHEN … THEN …
    struct Branch: Sendable {
        let condition: SyntaxNode
        let value: SyntaxNode
    }

    init(_ kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
        depth = 1 + kind.children.reduce(0) { max($0, $1.depth) }
    }
}

extension SyntaxNode.Kind {
    /// The nodes right below.
    var children: [SyntaxNode] {
        switch self {
        case .constant, .interval, .field: []
        case .negate(let operand), .not(let operand), .test(let operand, _, _),
            .cast(let operand, _, _):
            [operand]
        case .binary(_, _, let left, let right): [left, right]
        case .logic(_, let operands), .call(_, let operands, _): operands
        case .between(let operand, let low, let high, _): [operand, low, high]
        case .among(let operand, let list, _): [operand] + list
        case .like(let operand, let pattern, let escape, _):
            [operand, pattern] + (escape.map { [$0] } ?? [])
        case .conditional(let subject, let branches, let otherwise):
            (subject.map { [$0] } ?? []) + branches.flatMap { [$0.condition, $0.value] }
                + (otherwise.map { [$0] } ?? [])
        }
    }
}

/// An operator between two values.
enum BinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
    case concatenate = "||"
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The operator's comparison, if it is one.
    var comparison: Comparison? { Comparison(rawValue: rawValue) }
    /// The operator's arithmetic, if it is such.
    var arithmetic: Arithmetic? { Arithmetic(rawValue: rawValue) }
}

/// AND or OR.
enum LogicOperator: String, Sendable { case and = "AND", or = "OR" }

/// What IS asks.
enum TruthTest: Sendable { case null, `true`, `false` }

/// A comparison of two values of one type.
enum Comparison: String, Sendable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The comparison with its sides exchanged.
    var mirrored: Comparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    /// The comparison that holds where this one does not.
    var inverted: Comparison {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }
}

/// A calculation with two numbers of one type.
enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
}
