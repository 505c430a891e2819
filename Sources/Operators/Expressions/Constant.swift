package import Dataflow

/// One value: a literal, or a part of an expression that was computed when it was checked.
package enum Constant: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case string(String)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)

    /// The type of the value; none for NULL, which takes the type of what it stands with.
    package var type: FieldType? {
        switch self {
        case .null: nil
        case .bool: .bool
        case .int: .int
        case .float: .float
        case .string: .string
        case .timestamp: .timestamp
        }
    }
}

/// The value of an INTERVAL literal.
enum Interval: Hashable, Sendable {
    case microseconds(Int64)
    case months(Int64)
}
