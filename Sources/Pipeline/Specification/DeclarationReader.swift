/// Reads a whole pipeline file into typed declarations.
struct DeclarationReader {
    let file: String
    let world: PipelineWorld
    let diagnostics: Diagnostics

    /// The declarations of the file; nil if nothing of it could be read.
    func read(_ bytes: [UInt8], overrides: [Override]) -> (PipelineFile, SourceText)? {
        let start = Place(file: file, line: 1, column: 1)
        let tree = YAMLReader.read(bytes, file: file, diagnostics: diagnostics)
        guard var root = tree else {
            if !diagnostics.hasErrors { diagnostics.error(at: start, "the file is empty") }
            return nil
        }
        for override in overrides { override.apply(to: &root, diagnostics: diagnostics) }
        Substitution(world: world, diagnostics: diagnostics).apply(to: &root)
        guard
            let reader = SpecReader(
                root, "a pipeline file", at: start, keys: [.top], diagnostics: diagnostics)
        else { return nil }
        let settings = readSettings(reader)
        let sourceReader = SourceReader(
            world: world, settings: settings, diagnostics: diagnostics)
        let sources = section("sources", reader) { sourceReader.read($0, name: $1) }
        let stepReader = StepReader(diagnostics: diagnostics)
        let steps = section("steps", reader) { stepReader.read($0, name: $1) }
        let sinkReader = SinkReader(diagnostics: diagnostics)
        let sinks = section("sinks", reader) { sinkReader.read($0, name: $1) }
        let name = reader.string("name")
        if let name, !DeclarationReader.isName(name.value) { report(name) }
        reader.finish()
        let result = PipelineFile(
            name: name?.value ?? stem, settings: settings, sources: sources, steps: steps,
            sinks: sinks,
            unreadable: Set(
                ["sources", "sinks"].filter { key in
                    guard let node = reader.section(key) else { return false }
                    if case .mapping = node.content { return false }
                    return true
                }))
        return (result, SourceText(String(decoding: bytes, as: UTF8.self), file: file))
    }

    /// The file's name without directories and extension.
    private var stem: String {
        let last = file.split(separator: "/").last ?? "pipeline"
        let parts = last.split(separator: ".")
        return parts.first.map(String.init) ?? "pipeline"
    }

    private func section<Spec>(
        _ key: String, _ reader: SpecReader, _ read: (YAMLNode, Located<String>) -> Spec?
    ) -> [Declared<Spec>] {
        // `steps:` with nothing behind it is a section without entries.
        guard let node = reader.section(key) else { return [] }
        guard case .mapping(let entries) = node.content else {
            diagnostics.error(
                at: node.place, "'\(key)' takes a mapping of names, not \(node.shown)")
            return []
        }
        return entries.map { entry in
            let name = Located(entry.key, at: entry.keyPlace)
            if !DeclarationReader.isName(entry.key) { report(name) }
            var isTable = false
            var type: String?
            if case .mapping(let keys) = entry.value.content {
                isTable = keys.contains { $0.key == "table" }
                type = keys.first { $0.key == "type" }?.value.scalar?.text
            }
            return Declared(
                name: name, spec: read(entry.value, name), isTable: isTable,
                keepsFields: type == "filter" || type == "dedup")
        }
    }

    private func report(_ name: Located<String>) {
        diagnostics.error(
            at: name.place, "'\(name.value)' is not a name: letters, digits, '_' and '-'")
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    // MARK: settings

    private func readSettings(_ top: SpecReader) -> SettingsSpec {
        var settings = SettingsSpec()
        guard top.section("settings") != nil, let reader = top.nested("settings", keys: .settings)
        else { return settings }
        settings.workers = automatic("workers", reader, 1...256)
        settings.chunksInFlight = automatic("chunks_in_flight", reader, 1...65536)
        settings.deadLetter = reader.string("dead_letter", takes: "the name of a sink")
        settings.chunkBytes =
            reader.size("chunk_size", atMost: 32 << 20)?.value ?? settings.chunkBytes
        settings.batchRows = reader.integer("batch_rows", 1...65536)?.value ?? settings.batchRows
        settings.bytesInFlight = reader.size("bytes_in_flight")?.value ?? settings.bytesInFlight
        let level = reader.choice("log_level", ["trace", "debug", "info", "warning", "error"])
        settings.logLevel = level?.value ?? settings.logLevel
        if reader.section("state") != nil, let state = reader.nested("state", keys: .state) {
            settings.state = StateReader(reader: state).read()
        }
        if reader.section("checkpoint") != nil,
            let checkpoint = reader.nested("checkpoint", keys: .checkpoint)
        {
            let checkpoints = CheckpointReader(reader: checkpoint)
            let spec = checkpoints.read()
            checkpoints.check(spec, beside: settings.state)
            settings.checkpoint = spec
            if settings.state == nil {
                reader.report(
                    "checkpoint", at: reader.place(of: "checkpoint"),
                    "'checkpoint' needs a place for its files: give 'state' a 'path'")
            }
        }
        reader.finish()
        return settings
    }

    private func automatic(
        _ key: String, _ reader: SpecReader, _ range: ClosedRange<Int>
    ) -> Int? {
        if reader.has(key), reader.node(key)?.scalar?.text == "auto" { return nil }
        return reader.integer(key, range, or: "auto")?.value
    }
}
