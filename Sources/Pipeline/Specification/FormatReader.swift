import Connectors

/// Reads the `format` of a source or sink: a name, or a mapping with a `type`.
private struct FormatChoice {
    let type: String
    /// Nil for the short form.
    let reader: SpecReader?

    init?(_ parent: SpecReader, json: KeyList, csv: KeyList, diagnostics: Diagnostics) {
        guard parent.has("format"), let node = parent.node("format") else {
            type = "json"
            reader = nil
            return
        }
        let types = ["json", "csv"]
        if let scalar = node.scalar {
            guard types.contains(scalar.text) else {
                let hint = NearestName.hint(for: scalar.text, among: types, noun: "known formats")
                diagnostics.error(at: node.place, "unknown format \(node.shown)\(hint)")
                return nil
            }
            type = scalar.text
            reader = nil
            return
        }
        let place = Located("format", at: parent.place(of: "format"))
        guard
            let type = ComponentType.read(
                node, title: "'format'", name: place, kind: "format", types, later: [],
                diagnostics: diagnostics)
        else { return nil }
        self.type = type
        reader = SpecReader(
            node, "'format'", at: place.place, keys: [type == "json" ? json : csv],
            diagnostics: diagnostics)
        _ = reader?.node("type")
    }
}

/// Reads the format of a source.
struct InputFormatReader {
    let diagnostics: Diagnostics

    func read(_ parent: SpecReader) -> InputFormatSpec? {
        guard
            let choice = FormatChoice(
                parent, json: .jsonFormat, csv: .csvFormat, diagnostics: diagnostics)
        else { return nil }
        defer { choice.reader?.finish() }
        if choice.type == "json" { return .json }
        guard let reader = choice.reader else {
            return .csv(CSVDialect())
        }
        let characters = SeparatorReader.read(reader)
        let nulls = reader.strings("nulls", of: "texts") ?? []
        let hasHeader = reader.bool("header")?.value ?? true
        let columns = reader.strings("columns", of: "names")
        if !hasHeader, !reader.has("columns") {
            diagnostics.error(
                at: reader.place(of: "header"), "'header: false' needs 'columns'")
        }
        return .csv(
            CSVDialect(
                delimiter: characters.delimiter, quote: characters.quote, hasHeader: hasHeader,
                columns: columns?.map(\.value), nulls: nulls.map(\.value)))
    }
}

/// Reads the format of a sink.
struct OutputFormatReader {
    let diagnostics: Diagnostics

    func read(_ parent: SpecReader) -> OutputFormatSpec? {
        guard
            let choice = FormatChoice(
                parent, json: .jsonFormat, csv: .csvOutput, diagnostics: diagnostics)
        else { return nil }
        defer { choice.reader?.finish() }
        if choice.type == "json" { return .json }
        guard let reader = choice.reader else {
            return .csv(CSVOutputSpec(dialect: CSVDialect(), columns: nil))
        }
        let characters = SeparatorReader.read(reader)
        let nulls = reader.strings("nulls", of: "texts") ?? []
        return .csv(
            CSVOutputSpec(
                dialect: CSVDialect(
                    delimiter: characters.delimiter, quote: characters.quote,
                    hasHeader: reader.bool("header")?.value ?? true, nulls: nulls.map(\.value)),
                columns: reader.strings("columns", of: "fields")))
    }
}

/// Reads the separating characters of CSV.
private enum SeparatorReader {
    static func read(_ reader: SpecReader) -> (delimiter: UInt8, quote: UInt8) {
        let delimiter = character("delimiter", reader) ?? 0x2C
        let quote = character("quote", reader) ?? 0x22
        if delimiter == quote {
            reader.diagnostics.error(
                at: reader.place(of: reader.has("quote") ? "quote" : "delimiter"),
                "'delimiter' and 'quote' are the same character")
        }
        return (delimiter, quote)
    }

    private static func character(_ key: String, _ reader: SpecReader) -> UInt8? {
        guard let text = reader.string(key, takes: "one character") else { return nil }
        guard text.value.utf8.count == 1, let byte = text.value.utf8.first, byte < 0x80,
            byte == 0x09 || byte >= 0x20
        else {
            reader.diagnostics.error(
                at: text.place, "'\(key)' takes one ASCII character, not '\(text.value)'")
            return nil
        }
        return byte
    }
}
