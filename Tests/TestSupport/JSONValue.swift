/// A JSON value as a tree: the slow, obvious twin of the engine's reading and writing of JSON.
///
/// Numbers keep the text they were written with, members their order and repetitions. Equality is
/// that of the texts: `1.0` differs from `1`, and strings are equal if their bytes are (Swift's
/// `String` would also equate different spellings of one character). `normalized` makes numbers
/// and the order of members comparable by meaning.
package indirect enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// The number as it is written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A name and its value.
    package struct Member: Sendable {
        package let name: String
        package let value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package static func int(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }
    package static func float(_ value: Double) -> JSONValue { .number("\(value)") }

    /// The value of a member, of the last one where the name is repeated; nil for other values.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The value at a dotted path of member names.
    package func at(path: String) -> JSONValue? {
        var value: JSONValue? = self
        for name in path.split(separator: ".") { value = value?[String(name)] }
        return value
    }

    /// The elements of an array.
    package var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of an object.
    package var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The number, if it is written as one that `Int64` holds.
    package var int: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }
    /// The nearest float; infinite if it is too large for one.
    package var double: Double? { if case .number(let text) = self { Double(text) } else { nil } }

    /// The same value with numbers in one spelling, members sorted by name, the last of each name.
    package var normalized: JSONValue {
        switch self {
        case .null, .bool, .string: return self
        case .number(let text):
            if let value = Int64(text) { return .int(value) }
            guard let value = Double(text), value.isFinite else { return self }
            if let whole = Int64(exactly: value) { return .int(whole) }
            return .float(value)
        case .array(let elements): return .array(elements.map(\.normalized))
        case .object(let members):
            var last: [[UInt8]: JSONValue] = [:]
            for member in members { last[Array(member.name.utf8)] = member.value.normalized }
            let sorted = last.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            return .object(sorted.map { Member(String(decoding: $0.key, as: UTF8.self), $0.value) })
        }
    }
}

extension JSONValue: Equatable {
    package static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)):
            a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

extension JSONValue.Member: Equatable {
    package static func == (a: Self, b: Self) -> Bool {
        a.name.utf8.elementsEqual(b.name.utf8) && a.value == b.value
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value without spaces; only what must be escaped is.
    package var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): JSONValue.quoted(text)
        case .array(let elements): "[\(elements.map(\.description).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { JSONValue.quoted($0.name) + ":\($0.value)" }.joined(separator: ","))}"
        }
    }

    /// A string with quotes and escapes.
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{8}": quoted += "\\b"
            case "\u{c}": quoted += "\\f"
            case "\0"..<" ":
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
