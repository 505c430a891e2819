package import Operators

/// A step as the file declares it.
package struct StepSpec: Sendable {
    package let name: Located<String>
    /// What it takes; the entry above where nil.
    package let inputs: [Located<String>]?
    package let kind: Kind

    package enum Kind: Sendable {
        case filter(FilterSpec)
        case map(MapSpec)
        case dedup(DedupSpec)
        case broadcastJoin(BroadcastJoinSpec)
        case window(WindowSpec)
    }

    /// The type in the file.
    package var type: String {
        switch kind {
        case .filter: "filter"
        case .map: "map"
        case .dedup: "dedup"
        case .broadcastJoin: "broadcast_join"
        case .window: "window"
        }
    }
}

package struct FilterSpec: Sendable {
    package let condition: Located<String>
}

package struct MapSpec: Sendable {
    /// Fields and their expressions, in order.
    package let set: [(name: Located<String>, expression: Located<String>)]
    package let rename: [(old: Located<String>, new: Located<String>)]
    package let drop: [Located<String>]
    /// Fields that leave, some with an expression of their own; all that there are where nil.
    package let select: [(name: Located<String>, expression: Located<String>?)]?
}

package struct DedupSpec: Sendable {
    package let key: [Located<String>]
    package let scope: DedupStep.Scope
    package let keep: DedupStep.Keep
    package let version: Located<String>?
}

package struct BroadcastJoinSpec: Sendable {
    package let table: Located<String>
    /// Fields of the row and the fields of the table they equal.
    package let on: [(left: Located<String>, right: Located<String>)]
    package let kind: BroadcastJoinStep.Kind
    /// Table fields that rows get, and what they are called there; all but the key where nil.
    package let select: [(name: Located<String>, field: Located<String>)]?
}

package struct WindowSpec: Sendable {
    package let by: [Located<String>]
    /// Microseconds.
    package let size: Int64
    package let offset: Int64
    package let aggregates: [(name: Located<String>, call: Located<String>)]
}
