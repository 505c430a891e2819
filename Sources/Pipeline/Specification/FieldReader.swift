import Dataflow

/// Reads a field of a schema: `amount: float`, or in long form.
struct FieldReader {
    static let types: [(name: String, type: FieldType, format: TimestampFormat)] = [
        ("string", .string, .rfc3339), ("int", .int, .rfc3339), ("float", .float, .rfc3339),
        ("bool", .bool, .rfc3339), ("json", .json, .rfc3339),
        ("timestamp", .timestamp, .rfc3339), ("timestamp_s", .timestamp, .seconds),
        ("timestamp_ms", .timestamp, .milliseconds), ("timestamp_us", .timestamp, .microseconds),
        ("timestamp_ns", .timestamp, .nanoseconds),
    ]

    /// Columns of CSV have no members, so a dot in a name means nothing there.
    let isCSV: Bool

    func read(_ entry: YAMLEntry, diagnostics: Diagnostics) -> FieldSpec? {
        let name = Located(entry.key, at: entry.keyPlace)
        guard FieldReader.isName(entry.key) else {
            diagnostics.error(
                at: entry.keyPlace, "'\(entry.key)' is not the name of a field")
            return nil
        }
        if entry.value.scalar != nil {
            guard let type = type(of: entry.value, field: name, diagnostics) else { return nil }
            return FieldSpec(
                name: name, type: type.type, timestampFormat: type.format,
                path: path(entry.key))
        }
        guard
            let reader = SpecReader(
                entry.value, "field '\(entry.key)'", at: entry.keyPlace, keys: [.field],
                diagnostics: diagnostics)
        else { return nil }
        return readLong(reader, name: name)
    }

    private func readLong(_ reader: SpecReader, name: Located<String>) -> FieldSpec? {
        let type = reader.node("type").flatMap { node in
            self.type(of: node, field: name, reader.diagnostics)
        }
        if type == nil { reader.miss("type", "type: string") }
        let path = reader.string("path", takes: "the path of a member, such as a.b.c")
        if let path, !FieldReader.isName(path.value) {
            reader.diagnostics.error(
                at: path.place,
                "'path' takes the path of a member, such as a.b.c, not '\(path.value)'")
        }
        let pattern = reader.string("pattern", takes: "a pattern, such as \"%Y-%m-%d %H:%M:%S\"")
        let zone = reader.string("zone", takes: "the name of a time zone, such as Europe/Berlin")
        reader.finish()
        if isCSV, let path {
            reader.diagnostics.error(
                at: path.place, "a field of CSV is the column of its name and has no 'path'")
        }
        guard let type else { return nil }
        var format = type.format
        if let pattern {
            if type.name != "timestamp" {
                reader.diagnostics.error(
                    at: pattern.place, "'pattern' needs type timestamp, not \(type.name)")
            }
            if !pattern.value.contains("%") {
                reader.diagnostics.error(
                    at: pattern.place, "'pattern' has no part such as %Y or %H")
            }
            format = .pattern(pattern.value, zone: zone?.value)
        } else if let zone {
            reader.diagnostics.error(at: zone.place, "'zone' needs 'pattern'")
        }
        return FieldSpec(
            name: name, type: type.type, timestampFormat: format,
            path: self.path(path?.value ?? name.value))
    }

    private func path(_ text: String) -> [String] {
        isCSV ? [text] : text.split(separator: ".").map(String.init)
    }

    /// Whether a field may be called so.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            && !text.split(separator: ".", omittingEmptySubsequences: false).contains("")
    }

    private func type(
        of node: YAMLNode, field: Located<String>, _ diagnostics: Diagnostics
    ) -> (name: String, type: FieldType, format: TimestampFormat)? {
        let names = FieldReader.types.map(\.name)
        guard let scalar = node.scalar, !scalar.isNull else {
            diagnostics.error(
                at: node.isNull ? field.place : node.place,
                "field '\(field.value)' needs a type: \(SpecReader.list(names))")
            return nil
        }
        if let type = FieldReader.types.first(where: { $0.name == scalar.text }) { return type }
        let hint = NearestName.hint(for: scalar.text, among: names, noun: "types")
        diagnostics.error(at: node.place, "unknown type \(node.shown)\(hint)")
        return nil
    }
}
