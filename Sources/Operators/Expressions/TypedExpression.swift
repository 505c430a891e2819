package import Dataflow

/// An expression that was checked against a schema and can be computed for its batches.
package struct TypedExpression: Sendable {
    let node: TypedNode
    /// How a timestamp leaves: as its field says, RFC 3339 if it is computed.
    package let timestampFormat: TimestampFormat
    /// The columns it reads.
    package let fieldIndices: Set<Int>

    init(node: TypedNode, schema: Schema) {
        self.node = node
        var indices: Set<Int> = []
        var pending = [node]
        while let next = pending.popLast() {
            if case .field(let index) = next.kind { indices.insert(index) }
            pending += next.kind.children
        }
        fieldIndices = indices
        if case .field(let index) = node.kind {
            timestampFormat = schema.fields[index].timestampFormat
        } else {
            timestampFormat = .rfc3339
        }
    }

    package var type: FieldType { node.type }

    /// The value, if it is the same for all rows.
    package var constant: Constant? { node.constant }

    /// The column, if it is nothing but a field.
    package var fieldIndex: Int? {
        if case .field(let index) = node.kind { index } else { nil }
    }

    /// Makes what computes it; one for each worker.
    package func makeEvaluator() -> Evaluator { Evaluator(node) }
}
