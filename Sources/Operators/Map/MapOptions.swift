/// What a pipeline file says of a `map` step.
///
/// `set`, `rename` and `drop` act on the row as it came in, all at once; `select` then names what
/// leaves, and closes the row.
package struct MapOptions: Sendable {
    /// A field and the expression that gives its value.
    package struct Assignment: Sendable {
        package let name: String
        package let expression: String

        package init(_ name: String, _ expression: String) {
            self.name = name
            self.expression = expression
        }
    }

    /// A field that gets another name.
    package struct Renaming: Sendable {
        package let old: String
        package let new: String

        package init(_ old: String, to new: String) {
            self.old = old
            self.new = new
        }
    }

    /// A field that leaves a closed row.
    package enum Selected: Sendable {
        case field(String)
        case computed(Assignment)
    }

    package var set: [Assignment] = []
    package var rename: [Renaming] = []
    package var drop: [String] = []
    /// Nil leaves the row open.
    package var select: [Selected]?

    package init() {}

    /// One entry of the options, for errors.
    package enum Place: Hashable, Sendable {
        case set(Int)
        case rename(Int)
        case drop(Int)
        case select(Int)
    }

    /// The names of input fields whose values are needed, unless they are only passed on: what a
    /// source must decode. Expressions that cannot be read name nothing.
    package var neededFields: Set<String> {
        var names = Set(rename.map(\.old))
        var texts = set.map(\.expression)
        let added = Set(set.map(\.name) + rename.map(\.new))
        for selected in select ?? [] {
            switch selected {
            case .field(let name): if !added.contains(name) { names.insert(name) }
            case .computed(let assignment): texts.append(assignment.expression)
            }
        }
        for text in texts {
            guard case .success(let expression) = Expression.parse(text) else { continue }
            names.formUnion(expression.fieldNames.map(\.name))
        }
        return names
    }
}
