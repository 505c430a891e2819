package import Dataflow

/// A checked `map` step: the schema of what leaves it, and what is computed.
package struct MapStep: Sendable {
    /// The schema of the output: the columns of the input at their places, then the assignments.
    package let schema: Schema
    /// The columns that are appended, in order; checked against the input's schema.
    package let assignments: [TypedExpression]

    /// The mistakes in one entry of the options.
    package struct Mistake: Error, Equatable, Sendable {
        package let place: MapOptions.Place
        /// Offsets are within the entry's expression, or 0 for its name.
        package let errors: ExpressionErrors
    }

    /// All mistakes of a step; never empty.
    package struct Mistakes: Error, Equatable, Sendable {
        package let list: [Mistake]
    }

    /// Checks the options against the input's schema.
    ///
    /// `known` names fields that may be dropped although the schema has no column for them, because
    /// nobody needs their value.
    package static func plan(
        input: Schema, options: MapOptions, known: Set<String> = []
    ) -> Result<MapStep, Mistakes> {
        var planner = MapPlanner(input: input, known: known)
        planner.drop(options.drop, renamed: Set(options.rename.map(\.old)))
        planner.rename(options.rename)
        planner.set(options.set)
        planner.select(options.select)
        if !planner.mistakes.isEmpty { return .failure(Mistakes(list: planner.mistakes)) }
        return .success(MapStep(schema: planner.finished, assignments: planner.assignments))
    }
}

/// Builds the output schema of a `map` step, option by option.
private struct MapPlanner {
    private let input: Schema
    private let known: Set<String>
    private var schema: Schema
    private var output: [Int]
    private var hidden: [String]
    private var taken: Set<String> = []
    private(set) var assignments: [TypedExpression] = []
    private(set) var mistakes: [MapStep.Mistake] = []

    init(input: Schema, known: Set<String>) {
        self.input = input
        self.known = known
        schema = input
        output = input.output
        hidden = input.hidden
    }

    /// Whether the original members leave by themselves, so that only changes are listed.
    private var hasRecord: Bool { input.record != nil }

    /// The schema, once all options were taken.
    var finished: Schema {
        var schema = schema
        schema.setOutput(output, hidden: hidden)
        return schema
    }

    private mutating func note(_ place: MapOptions.Place, _ message: String) {
        note(place, ExpressionErrors([ExpressionError(offset: 0, message: message)]))
    }

    private mutating func note(_ place: MapOptions.Place, _ errors: ExpressionErrors) {
        mistakes.append(MapStep.Mistake(place: place, errors: errors))
    }

    /// Takes a name for a new field; two new fields cannot share one.
    private mutating func take(_ name: String, _ place: MapOptions.Place) -> Bool {
        if name.isEmpty || name.hasPrefix(Schema.engineMark) {
            note(place, "a field needs a name")
            return false
        }
        guard taken.insert(name).inserted else {
            note(place, "the field '\(name)' is given twice")
            return false
        }
        return true
    }

    /// The member of that name of an open record does not leave.
    private mutating func hide(_ name: String) {
        if hasRecord, !hidden.contains(name) { hidden.append(name) }
    }

    /// Takes the name away from the column that has it.
    private mutating func forget(_ name: String) {
        if let index = schema.index(of: name) {
            schema.rename(index, to: Schema.engineMark + "was." + name)
        }
    }

    mutating func rename(_ renamings: [MapOptions.Renaming]) {
        let old = Set(renamings.map(\.old))
        if old.count < renamings.count {
            for (number, renaming) in renamings.enumerated()
            where renamings[..<number].contains(where: { $0.old == renaming.old }) {
                note(.rename(number), "the field '\(renaming.old)' is renamed twice")
            }
            return
        }
        var columns: [(index: Int, name: String)] = []
        for (number, renaming) in renamings.enumerated() {
            guard let index = input.index(of: renaming.old) else {
                note(.rename(number), Checker.unknownField(renaming.old, in: input))
                continue
            }
            guard take(renaming.new, .rename(number)) else { continue }
            if schema.index(of: renaming.new) != nil, !old.contains(renaming.new) {
                note(.rename(number), "there is a field '\(renaming.new)' already; drop it as well")
                continue
            }
            columns.append((index, renaming.new))
        }
        for (index, _) in columns {
            hide(input.fields[index].name)
            forget(input.fields[index].name)
        }
        for (index, name) in columns {
            schema.rename(index, to: name)
            if hasRecord {
                hide(name)
                if !output.contains(index) { output.append(index) }
            }
        }
    }

    mutating func drop(_ names: [String], renamed: Set<String>) {
        for (number, name) in names.enumerated() {
            if renamed.contains(name) {
                note(.drop(number), "the field '\(name)' is both renamed and dropped")
            } else if names[..<number].contains(name) {
                note(.drop(number), "the field '\(name)' is dropped twice")
            } else if let index = input.index(of: name) {
                output.removeAll { $0 == index }
                forget(name)
                hide(name)
            } else if known.contains(name) {
                hide(name)
            } else {
                note(.drop(number), Checker.unknownField(name, in: input))
            }
        }
    }

    mutating func set(_ list: [MapOptions.Assignment]) {
        for (number, assignment) in list.enumerated() {
            let isNew = take(assignment.name, .set(number))
            guard let expression = checked(assignment.expression, .set(number)), isNew else {
                continue
            }
            let before = schema.index(of: assignment.name)
            forget(assignment.name)
            let index = append(expression, named: assignment.name)
            hide(assignment.name)
            // In a closed row or one without record, an overwritten field keeps its place.
            if let before, let place = output.firstIndex(of: before) {
                output[place] = index
            } else {
                output.append(index)
            }
        }
    }

    mutating func select(_ list: [MapOptions.Selected]?) {
        guard let list else { return }
        if list.isEmpty { note(.select(0), "'select' names at least one field") }
        var chosen: [(index: Int, name: String)] = []
        var names: Set<String> = []
        for (number, selected) in list.enumerated() {
            let name: String
            switch selected {
            case .field(let field):
                name = field
                guard !field.hasPrefix(Schema.engineMark), let index = schema.index(of: field)
                else {
                    note(.select(number), Checker.unknownField(field, in: schema))
                    continue
                }
                chosen.append((index, name))
            case .computed(let assignment):
                name = assignment.name
                guard let expression = checked(assignment.expression, .select(number)) else {
                    continue
                }
                chosen.append((append(expression, named: ""), name))
            }
            if !names.insert(name).inserted || name.isEmpty || name.hasPrefix(Schema.engineMark) {
                note(
                    .select(number),
                    names.contains(name) && !name.isEmpty
                        ? "the field '\(name)' is selected twice" : "a field needs a name")
            }
        }
        close(chosen)
    }

    /// Leaves only these fields: no other keeps its name.
    private mutating func close(_ chosen: [(index: Int, name: String)]) {
        for index in schema.fields.indices {
            let name = schema.fields[index].name
            if !name.hasPrefix(Schema.engineMark) {
                schema.rename(index, to: Schema.engineMark + "was." + name)
            }
        }
        for (index, name) in chosen { schema.rename(index, to: name) }
        output = chosen.map(\.index)
        hidden = []
        schema.set(.record, to: nil)
    }

    private mutating func checked(
        _ text: String, _ place: MapOptions.Place
    ) -> TypedExpression? {
        switch Expression.parse(text).flatMap({ $0.checked(against: input) }) {
        case .success(let expression): return expression
        case .failure(let errors):
            note(place, errors)
            return nil
        }
    }

    private mutating func append(_ expression: TypedExpression, named name: String) -> Int {
        assignments.append(expression)
        let format = expression.timestampFormat
        return schema.add(Field(name, expression.type, timestampFormat: format), leaves: false)
    }
}
