/// Where in a JSON record the value of a column stands.
package struct JSONFieldPath: Sendable {
    /// Member names from the outermost in.
    package let path: [String]
    /// The column of the decoder's schema.
    package let column: Int

    package init(path: [String], column: Int) {
        self.path = path
        self.column = column
    }
}

/// The members a pipeline needs, as a tree of names; everything else in a record is only checked.
struct JSONFieldTree {
    /// A node stands for one value of the record.
    struct Node {
        /// The column that takes the value as a whole.
        var column: Int?
        var children: [(name: [UInt8], node: Int)] = []
    }

    private(set) var nodes = [Node()]

    /// The node of the record itself.
    static let root = 0

    init(_ fields: [JSONFieldPath]) {
        for field in fields {
            var at = Self.root
            for name in field.path { at = child(of: at, named: Array(name.utf8)) }
            nodes[at].column = field.column
        }
    }

    private mutating func child(of node: Int, named name: [UInt8]) -> Int {
        if let known = nodes[node].children.first(where: { $0.name == name }) { return known.node }
        nodes.append(Node())
        nodes[node].children.append((name, nodes.count - 1))
        return nodes.count - 1
    }

    /// The node of a member, by its name as it stands in the record without escapes.
    func find(_ name: Range<Int>, of node: Int, in bytes: JSONBytes) -> Int? {
        for child in nodes[node].children where child.name.count == name.count {
            var isEqual = true
            for (index, byte) in child.name.enumerated() {
                let other = unsafe bytes[name.lowerBound + index]
                if other != byte { isEqual = false }
            }
            if isEqual { return child.node }
        }
        return nil
    }

    /// The columns at or below a node.
    func columns(below node: Int) -> [Int] {
        let own = nodes[node].column.map { [$0] } ?? []
        return own + nodes[node].children.flatMap { columns(below: $0.node) }
    }
}
