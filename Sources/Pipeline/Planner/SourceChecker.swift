import Connectors
import Dataflow

/// Finds the fields of sources, and makes their schemas.
struct SourceChecker {
    let world: PipelineWorld
    let diagnostics: Diagnostics
    /// Whether a sink tells rows apart by where they come from.
    let hasEventIDs: Bool
    /// Where checkpoints are that a run would go on from; none without checkpoints.
    let checkpointPaths: [String]

    /// The fields of a source, declared or guessed; nil where they cannot be known now.
    func fields(of source: SourceSpec) -> [FieldSpec]? {
        guard let fields = declaredFields(of: source) ?? guessedFields(of: source) else {
            return nil
        }
        checkColumns(source, fields)
        checkPatterns(fields)
        guard checkTime(source, fields), checkKey(source, fields) else { return nil }
        return fields
    }

    private func declaredFields(of source: SourceSpec) -> [FieldSpec]? {
        if let schema = source.schema { return schema }
        guard case .generate(let generator) = source.kind, !generator.fields.isEmpty else {
            return nil
        }
        return generator.fields.map { field in
            FieldSpec(
                name: Located(field.name, at: source.name.place), type: field.type,
                timestampFormat: field.format, path: [field.name])
        }
    }

    /// What is guessed of a source without a schema, for the next checkpoint.
    func guess(of source: SourceSpec, _ fields: [FieldSpec]) -> [UInt8] {
        guard declaredFields(of: source) == nil else { return [] }
        return GuessedSchema(of: source, fields).encoded
    }

    /// What the run before has guessed, whatever the first records are by now.
    private func knownFields(of source: SourceSpec) -> GuessedSchema? {
        guard !checkpointPaths.isEmpty,
            let bytes = world.guess(checkpointPaths, source.name.value),
            let known = GuessedSchema(bytes, at: source.name.place), known.isOf(source)
        else { return nil }
        return known
    }

    private func guessedFields(of source: SourceSpec) -> [FieldSpec]? {
        if let known = knownFields(of: source) {
            let newer = world.sample(source).map { sample in
                SampleInference.fields(of: sample, format: source.format, at: source.name.place)
            }
            return known.fields(with: newer ?? [])
        }
        guard let sample = world.sample(source) else {
            diagnostics.note(
                at: source.name.place,
                "source '\(source.name.value)' has no 'schema', and there is no sample of it: "
                    + "expressions are checked for syntax only")
            return nil
        }
        let fields = SampleInference.fields(
            of: sample, format: source.format, at: source.name.place)
        guard fields.isEmpty else { return fields }
        diagnostics.note(
            at: source.name.place,
            "source '\(source.name.value)' has no 'schema', and no field was found in a sample of "
                + "it: expressions are checked for syntax only")
        return nil
    }

    /// Fields of headless CSV must be among its columns.
    private func checkColumns(_ source: SourceSpec, _ fields: [FieldSpec]) {
        guard case .csv(let csv) = source.format, let columns = csv.columns else { return }
        for field in fields where !columns.contains(field.path[0]) {
            let hint = NearestName.hint(for: field.path[0], among: columns, noun: "there are")
            diagnostics.error(
                at: field.name.place, "'\(field.path[0])' is not one of the 'columns'\(hint)")
        }
    }

    /// Reports timestamp patterns and zones that are none.
    private func checkPatterns(_ fields: [FieldSpec]) {
        for field in fields where field.type == .timestamp {
            do throws(TimestampFormatError) {
                _ = try TimestampParser(field.timestampFormat, zones: world.zones)
            } catch {
                diagnostics.error(
                    at: field.name.place, "field '\(field.name.value)': \(error.description)")
            }
        }
    }

    private func checkTime(_ source: SourceSpec, _ fields: [FieldSpec]) -> Bool {
        guard let time = source.eventTime else { return true }
        guard let field = fields.first(where: { $0.name.value == time.value }) else {
            unknown(time, fields)
            return false
        }
        guard field.type == .timestamp else {
            let hint =
                source.schema == nil
                ? "declare it in a 'schema'" : "declare it as timestamp_ms or the like"
            diagnostics.error(
                at: time.place,
                "'\(time.value)' is \(field.type.described), not a timestamp; \(hint)")
            return false
        }
        return true
    }

    private func checkKey(_ source: SourceSpec, _ fields: [FieldSpec]) -> Bool {
        guard let table = source.table else { return true }
        let lookup = FieldLookup(
            schema: SourceChecker.tableSchema(fields), diagnostics: diagnostics)
        return lookup.keyIndices(table.key) != nil
    }

    private func unknown(_ name: Located<String>, _ fields: [FieldSpec]) {
        let hint = NearestName.hint(
            for: name.value, among: fields.map(\.name.value), noun: "there are")
        diagnostics.error(at: name.place, "unknown field '\(name.value)'\(hint)")
    }

    // MARK: Schemas

    static func tableSchema(_ fields: [FieldSpec]) -> Schema {
        var schema = Schema()
        for field in fields { schema.add(field.field, leaves: true) }
        return schema
    }

    /// The schema with all fields and all columns of the engine.
    func schema(of source: SourceSpec, _ fields: [FieldSpec]) -> Schema? {
        guard source.table == nil else { return nil }
        return makeSchema(
            source, fields, Set(Schema.EngineColumn.allCases), hasOrigin: hasEventIDs)
    }

    /// The fields among `wanted` columns of the whole schema, and the schema they make.
    func pruned(
        _ source: SourceSpec, _ fields: [FieldSpec], _ whole: Schema?, _ wanted: Set<Int>
    ) -> ([FieldSpec], Schema) {
        let time = source.eventTime?.value
        let kept = fields.indices.filter { index in
            wanted.contains(index) || fields[index].name.value == time
        }
        var engine = Schema.EngineColumn.allCases.filter { column in
            whole?.index(of: column).map { wanted.contains($0) } ?? false
        }
        let hasOrigin = whole?.origin.map { wanted.contains($0) } ?? false
        // An origin is found by the record.
        if hasOrigin { engine.append(.record) }
        let keptFields = kept.map { fields[$0] }
        return (keptFields, makeSchema(source, keptFields, Set(engine), hasOrigin: hasOrigin))
    }

    /// Decoded fields, then the record, then what the engine fills.
    ///
    /// Rows of JSON leave as their record, rows of CSV as their fields.
    private func makeSchema(
        _ source: SourceSpec, _ fields: [FieldSpec], _ engine: Set<Schema.EngineColumn>,
        hasOrigin: Bool
    ) -> Schema {
        var schema = Schema()
        let isCSV = source.format.name == "csv"
        for field in fields { schema.add(field.field, leaves: isCSV) }
        if engine.contains(.record) { schema.add(.record) }
        if hasOrigin { schema.add(Field(Schema.originName, .string), leaves: false) }
        if let time = source.eventTime {
            schema.set(.eventTime, to: schema.index(of: time.value))
            if engine.contains(.watermark) { schema.add(.watermark) }
            if engine.contains(.ordinal) { schema.add(.ordinal) }
        }
        return schema
    }
}
