package import Dataflow

/// The `broadcast_join` step: rows meet the row of a table that every worker holds.
package struct BroadcastJoinStep: Sendable {
    /// What becomes of a row that finds nothing.
    package enum Kind: String, Sendable, CaseIterable {
        /// It leaves by `.unmatched`.
        case inner
        /// It passes, with nulls for the table's fields.
        case left
    }

    /// A field of the table, and its name in the result.
    package struct Selected: Sendable {
        package let column: Int
        package let name: String

        package init(column: Int, name: String) {
            self.column = column
            self.name = name
        }
    }

    package let input: Schema
    /// The table's place in `Chunk.tables`.
    package let table: Int
    /// Columns of the input, in the order of the table's key.
    package let on: [Int]
    package let kind: Kind
    package let selected: [Selected]
    package let output: Schema

    /// A join of rows of `input` with a table whose rows have `tableSchema`. A selected field that
    /// the input has too replaces it.
    package init(
        input: Schema, table: Int, tableSchema: Schema, on: [Int], kind: Kind,
        selected: [Selected]
    ) {
        self.input = input
        self.table = table
        self.on = on
        self.kind = kind
        self.selected = selected
        var output = input
        var leaving = input.output
        var hidden = input.hidden
        for choice in selected {
            let field = tableSchema.fields[choice.column]
            if let old = output.index(of: choice.name) {
                output.rename(old, to: Schema.engineMark + "replaced." + choice.name)
                leaving.removeAll { $0 == old }
            }
            // An open row may have a member of that name which no field was declared for.
            if input.record != nil && !hidden.contains(choice.name) { hidden.append(choice.name) }
            let index = output.add(
                Field(choice.name, field.type, timestampFormat: field.timestampFormat),
                leaves: false)
            leaving.append(index)
        }
        output.setOutput(leaving, hidden: hidden)
        self.output = output
    }

    /// The operator of one worker.
    package func makeOperator(_ context: StepContext) -> any Operator {
        BroadcastJoinOperator(self)
    }
}
