/// One JSON object on one line, its members in the order given.
package struct JSONLine {
    private var members: [String] = []

    package init() {}

    package mutating func add(_ name: String, _ value: String) {
        members.append("\(Self.quoted(name)):\(Self.quoted(value))")
    }

    package mutating func add(_ name: String, _ value: Int) {
        members.append("\(Self.quoted(name)):\(value)")
    }

    package mutating func add(_ name: String, _ value: Bool) {
        members.append("\(Self.quoted(name)):\(value)")
    }

    package mutating func add(_ name: String, _ value: JSONLine) {
        members.append("\(Self.quoted(name)):\(value.text)")
    }

    /// Adds a value that is JSON already.
    package mutating func add(_ name: String, json: String) {
        members.append("\(Self.quoted(name)):\(json)")
    }

    package var text: String { "{" + members.joined(separator: ",") + "}" }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
