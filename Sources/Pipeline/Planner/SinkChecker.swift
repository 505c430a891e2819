import Connectors
import Dataflow

/// Decides what of its input a sink writes.
struct SinkChecker {
    let diagnostics: Diagnostics

    /// An input of a sink with its columns.
    struct Result {
        /// The schema the encoder is made for.
        let schema: Schema
        /// Columns that leave, in order.
        let columns: [Int]
        /// Columns that must be there, for writing or for the path.
        let reads: Set<Int>
    }

    /// Checks one input; `isOpen` says whether rows are open and their records JSON.
    func check(_ sink: SinkSpec, _ schema: Schema, isOpen: Bool, title: String) -> Result? {
        var result = schema
        // The record of a CSV row is not what leaves: it is there for error rows alone.
        if !isOpen { result.set(.record, to: nil) }
        var reads: Set<Int> = []
        var columns: [Int]
        switch sink.format {
        case .json:
            columns = schema.output
            if let record = result.record { reads.insert(record) }
        case .values:
            result.set(.record, to: nil)
            columns = isOpen ? schema.named : schema.output
            result.setOutput(columns)
        case .csv(let csv):
            result.set(.record, to: nil)
            if let names = csv.columns {
                let lookup = FieldLookup(schema: schema, diagnostics: diagnostics)
                let found = names.map { lookup.index($0, of: " in \(title)") }
                if found.contains(nil) { return nil }
                columns = found.compactMap { $0 }
            } else if isOpen {
                columns = schema.named
            } else {
                columns = schema.output
            }
            result.setOutput(columns)
        }
        reads.formUnion(columns)
        if let name = sink.eventID, let origin = schema.origin {
            if FieldLookup.names(schema).contains(name.value) {
                diagnostics.error(
                    at: name.place,
                    "'event_id' names a new field; the rows of \(title) have a field "
                        + "'\(name.value)'")
                return nil
            }
            result.rename(origin, to: name.value)
            columns.append(origin)
            result.setOutput(result.output + [origin], hidden: schema.hidden + [name.value])
            reads.insert(origin)
        }
        switch sink.kind {
        case .file(let file):
            guard checkPath(file, schema, title, &reads) else { return nil }
        case .log(let log):
            if let key = log.key, !checkKey(key, schema, title, &reads) { return nil }
        case .sqlite(let sqlite):
            guard check(sqlite, schema, columns, title) else { return nil }
        case .standardOutput, .tcp, .http, .blackhole: break
        }
        return Result(schema: result, columns: columns, reads: reads)
    }

    /// Checks the placeholders of a path.
    private func checkPath(
        _ file: FileSinkSpec, _ schema: Schema, _ title: String, _ reads: inout Set<Int>
    ) -> Bool {
        let template = file.template
        let problems = template.problems(for: schema)
        for problem in problems {
            let names = FieldLookup.names(schema) + PathTemplate.timeNames
            let near = problem.unknownName.flatMap { NearestName.nearest(to: $0, among: names) }
            let hint = near.map { "; did you mean '\($0)'?" } ?? ""
            diagnostics.error(
                at: file.path.place, "'path', for \(title): \(problem.message)\(hint)")
        }
        guard problems.isEmpty else { return false }
        reads.formUnion(template.fieldNames.compactMap { schema.index(of: $0) })
        if needsTime(template), let time = schema.eventTime { reads.insert(time) }
        return true
    }

    /// Checks the field by which a log's rows are told apart.
    private func checkKey(
        _ key: Located<String>, _ schema: Schema, _ title: String, _ reads: inout Set<Int>
    ) -> Bool {
        let lookup = FieldLookup(schema: schema, diagnostics: diagnostics)
        guard let index = lookup.index(key, of: " in \(title)") else { return false }
        let type = schema.fields[index].type
        switch type {
        case .string, .int, .bool:
            reads.insert(index)
            return true
        case .float, .timestamp, .json:
            diagnostics.error(
                at: key.place,
                "'\(key.value)' is \(type.described); the key of a log is a string, int or bool")
            return false
        }
    }

    /// Checks the columns of a table, and its key.
    private func check(
        _ sqlite: SQLiteSinkSpec, _ schema: Schema, _ columns: [Int], _ title: String
    ) -> Bool {
        let before = diagnostics.errorCount
        let names = columns.map { schema.fields[$0].name }
        if names.isEmpty {
            diagnostics.error(at: sqlite.table.place, "\(title) has no fields to write to a table")
        }
        var known: [String: String] = [:]
        for name in names {
            if let other = known.updateValue(name, forKey: name.lowercased()) {
                diagnostics.error(
                    at: sqlite.table.place,
                    "'\(other)' and '\(name)' of \(title) would be one column: a table does not "
                        + "tell upper from lower case")
            }
            if name.isEmpty || name.utf8.contains(0) {
                diagnostics.error(
                    at: sqlite.table.place, "a field of \(title) has a name that no column can have"
                )
            }
        }
        let lookup = FieldLookup(schema: schema, diagnostics: diagnostics)
        for key in sqlite.key {
            guard let index = lookup.index(key, of: " in \(title)") else { continue }
            let type = schema.fields[index].type
            if type == .float || type == .json {
                diagnostics.error(
                    at: key.place,
                    "'\(key.value)' is \(type.described); the key of a table is of strings, ints, "
                        + "bools and timestamps")
            } else if !columns.contains(index) {
                diagnostics.error(
                    at: key.place, "'\(key.value)' of \(title) does not leave, so it is no key")
            }
        }
        return diagnostics.errorCount == before
    }

    /// Whether rows without a time would not do.
    private func needsTime(_ template: PathTemplate) -> Bool {
        var timeless = Schema()
        for name in template.fieldNames { timeless.add(Field(name, .string), leaves: false) }
        return !template.problems(for: timeless).isEmpty
    }

    /// Reports inputs that would need different headers, or tables.
    func checkHeaders(_ sink: SinkSpec, _ inputs: [Result]) {
        if case .values = sink.format {
            let fields = inputs.map { input in input.columns.map { input.schema.fields[$0] } }
            if fields.dropFirst().contains(where: { $0 != fields[0] }) {
                diagnostics.error(
                    at: sink.name.place,
                    "the inputs of sink '\(sink.name.value)' have different fields; rows of a "
                        + "table have the same, of the same types, in the same order")
            }
        }
        guard case .csv(let csv) = sink.format, csv.columns == nil else { return }
        let names = inputs.map { input in input.columns.map { input.schema.fields[$0].name } }
        if names.dropFirst().contains(where: { $0 != names[0] }) {
            diagnostics.error(
                at: sink.name.place,
                "the inputs of sink '\(sink.name.value)' have different fields; name the 'columns' "
                    + "of its format")
        }
    }
}

extension Schema {
    /// The fields that are not the engine's own.
    fileprivate var named: [Int] {
        fields.indices.filter { !fields[$0].name.hasPrefix(Schema.engineMark) }
    }
}
