/// A sink as the file declares it.
package struct SinkSpec: Sendable {
    package let name: Located<String>
    package let inputs: [Located<String>]?
    package let kind: Kind
    package let format: OutputFormatSpec

    package enum Kind: Sendable {
        case standardOutput
        case file(FileSinkSpec)
        case tcp(TCPSinkSpec)
        case blackhole
    }

    /// The type in the file.
    package var type: String {
        switch kind {
        case .standardOutput: "stdout"
        case .file: "file"
        case .tcp: "tcp"
        case .blackhole: "blackhole"
        }
    }
}

package struct FileSinkSpec: Sendable {
    package let path: Located<String>
    package let template: PathTemplate
    /// Bytes after which a file is rolled.
    package let rollBytes: Int?
    /// Microseconds after which a file is rolled.
    package let rollEvery: Int64?
}

package struct TCPSinkSpec: Sendable {
    package let connect: Endpoint
    package let framing: Framing
    /// Microseconds between attempts to connect: the first, and the longest.
    package let retryMin: Int64
    package let retryMax: Int64
}

/// How rows are written.
package enum OutputFormatSpec: Sendable {
    case json
    case csv(CSVOutputSpec)

    package var name: String {
        switch self {
        case .json: "json"
        case .csv: "csv"
        }
    }
}

package struct CSVOutputSpec: Sendable {
    package let delimiter: UInt8
    package let quote: UInt8
    package let hasHeader: Bool
    /// Fields to write, in order; all where nil.
    package let columns: [Located<String>]?
}

/// A path with places that rows fill in: `out/{region}/late-{date}.ndjson`.
package struct PathTemplate: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text(String)
        /// `YYYY-MM-DD`, `HH`, `mm` of the event time, in UTC.
        case date, hour, minute
        case field(String)
    }

    package let parts: [Part]

    /// Reads a template; says what is wrong with it.
    static func parse(_ text: String) -> Result<PathTemplate, TemplateError> {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                rest.removeFirst()
                literal.append(character)
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    return .failure(TemplateError(message: "'{' without its '}'"))
                }
                let name = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
                if name.isEmpty || name.contains("{") {
                    return .failure(TemplateError(message: "'{\(name)}' names nothing"))
                }
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = ""
                parts.append(part(name))
            case "}":
                return .failure(TemplateError(message: "'}' without its '{'"))
            default: literal.append(character)
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        return .success(PathTemplate(parts: parts))
    }

    private static func part(_ name: String) -> Part {
        switch name {
        case "date": .date
        case "hour": .hour
        case "minute": .minute
        default: .field(name)
        }
    }

    /// Fields it names.
    package var fields: [String] {
        parts.compactMap { part in
            if case .field(let name) = part { name } else { nil }
        }
    }

    /// Whether it needs the rows' event time.
    package var needsTime: Bool {
        parts.contains { $0 == .date || $0 == .hour || $0 == .minute }
    }

    /// Whether all rows go to one file.
    package var isLiteral: Bool {
        parts.allSatisfy { if case .text = $0 { true } else { false } }
    }

    struct TemplateError: Error {
        let message: String
    }
}
