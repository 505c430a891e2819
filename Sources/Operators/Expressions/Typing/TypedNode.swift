import Dataflow

/// A part of an expression whose names are columns and whose type is known.
struct TypedNode: Sendable {
    let type: FieldType
    let kind: Kind

    indirect enum Kind: Sendable {
        /// A value of the node's type, or NULL.
        case constant(Constant)
        case field(Int)
        case arithmetic(Arithmetic, TypedNode, TypedNode)
        case negate(TypedNode)
        case compare(Comparison, TypedNode, TypedNode)
        case logic(LogicOperator, [TypedNode])
        case not(TypedNode)
        case test(TypedNode, TruthTest, negated: Bool)
        /// Whether the value is one of the constants, which are not NULL.
        case among(TypedNode, [Constant])
        case like(TypedNode, LikePattern)
        case conditional([Branch], otherwise: TypedNode)
        case coalesce([TypedNode])
        /// The value in the node's type; NULL where it has none, if `tries`.
        case cast(TypedNode, tries: Bool)
        case call(ScalarFunction, [TypedNode])
        /// Computes a value once, for the slots of that number in the second node.
        case shared(Int, TypedNode, in: TypedNode)
        case slot(Int)
    }

    struct Branch: Sendable {
        let condition: TypedNode
        let value: TypedNode
    }

    /// The value, if it is the same for all rows.
    var constant: Constant? {
        if case .constant(let value) = kind { value } else { nil }
    }

    /// Whether it costs nothing to compute it twice.
    var isTrivial: Bool {
        switch kind {
        case .constant, .field, .slot: true
        default: false
        }
    }
}

extension TypedNode.Kind {
    /// The nodes right below.
    var children: [TypedNode] {
        switch self {
        case .constant, .field, .slot: []
        case .negate(let operand), .not(let operand), .test(let operand, _, _),
            .among(let operand, _), .like(let operand, _), .cast(let operand, _):
            [operand]
        case .arithmetic(_, let left, let right), .compare(_, let left, let right),
            .shared(_, let left, let right):
            [left, right]
        case .logic(_, let operands), .coalesce(let operands), .call(_, let operands): operands
        case .conditional(let branches, let otherwise):
            branches.flatMap { [$0.condition, $0.value] } + [otherwise]
        }
    }
}
