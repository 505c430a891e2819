package import Dataflow
package import Operators

/// A pipeline file in which everything is known: names, types, columns, and what is decoded.
///
/// Indices are places in the arrays, as in `Plan`.
package struct CheckedPipeline: Sendable {
    package let name: String
    package let settings: SettingsSpec
    /// Threads that run it.
    package let workers: Int
    /// As in the file; tables among them.
    package let sources: [CheckedSource]
    /// In an order in which each step stands behind its input.
    package let steps: [CheckedStep]
    package let sinks: [CheckedSink]
    /// What must not be shown.
    package let secrets: Redactor
}

/// A source and the columns its decoder makes.
package struct CheckedSource: Sendable {
    package let spec: SourceSpec
    /// The columns: decoded fields first, then those that the engine adds.
    package let schema: Schema
    /// The fields that are decoded; each at its place in the schema.
    package let fields: [FieldSpec]
    /// The broadcast table that it fills, if any.
    package let table: Table?
    /// All fields that were guessed, encoded as a `GuessedSchema`; none where they are declared.
    package let guess: [UInt8]

    package struct Table: Sendable {
        /// Its number among the tables.
        package let index: Int
        /// Columns of the key, in the order of the declaration.
        package let key: [Int]
        package let memoryBytesMax: Int
    }
}

/// A step whose names are columns.
package struct CheckedStep: Sendable {
    package let spec: StepSpec
    package let input: Plan.Edge
    package let inputSchema: Schema
    package let outputs: [Port: Schema]
    package let kind: Kind

    package enum Kind: Sendable {
        case filter(TypedExpression)
        case map(MapStep)
        case dedup(DedupStep)
        case broadcastJoin(BroadcastJoinStep)
        case window(WindowStep)
    }

    /// Columns that decide which worker a row goes to; nil without keyed state.
    package var key: [Int]? {
        switch kind {
        case .filter, .map, .broadcastJoin: nil
        case .dedup(let dedup): dedup.key
        case .window(let window): window.by
        }
    }
}

/// A sink and what it takes.
package struct CheckedSink: Sendable {
    package let spec: SinkSpec
    package let inputs: [Input]

    package struct Input: Sendable {
        package let edge: Plan.Edge
        /// What the encoder is made for: it has a `record` only where rows leave as they came.
        package let schema: Schema
        /// Columns that leave, in order; for JSON with a record, those that a step added.
        package let columns: [Int]
    }
}
