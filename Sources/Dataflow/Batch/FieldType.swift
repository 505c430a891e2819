/// The type of a field's values.
package enum FieldType: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case bool
    /// A 64-bit signed integer.
    case int
    /// A 64-bit IEEE float; never NaN or infinite in a stored column.
    case float
    /// UTF-8.
    case string
    /// Microseconds since 1970-01-01T00:00:00Z, in an Int64.
    case timestamp
    /// A JSON value as its text (a nested object or array, say).
    case json

    /// Bytes of one value in a column.
    package var width: Int {
        switch self {
        case .bool: 1
        case .int, .float, .timestamp: 8
        case .string, .json: 16
        }
    }

    /// Whether values are string views.
    package var isText: Bool { self == .string || self == .json }

    /// The name in pipeline files and messages.
    package var name: String {
        switch self {
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .string: "string"
        case .timestamp: "timestamp"
        case .json: "json"
        }
    }
}
