import Connectors
import Dataflow
import Operators

/// What state is bound to, besides names: see `StateBinding`.
extension CheckedPipeline {
    func binding(of step: CheckedStep) -> StateBinding {
        var binding = StateBinding(
            meaning: step.meaning + step.meaningOfTypes,
            definition: secrets.redact(step.definition.joined(separator: StateBinding.separator)))
        if !step.meaningOfTypes.isEmpty { binding.formerMeaning = step.meaning }
        return binding
    }

    func binding(of source: CheckedSource) -> StateBinding {
        let spec = source.spec
        let definition = ["\(place(of: spec)), \(spec.format.name)"] + source.definition
        var meaning: String
        switch spec.kind {
        case .file(let file): meaning = file.follow ? "followed file" : "file"
        case .standardInput, .tcp, .log: meaning = spec.type
        case .generate(let generator):
            // More or fewer rows are the same rows.
            var options = generator.options
            options.rows = nil
            meaning = "generate \(options)"
        }
        if spec.buffer != nil { meaning = "buffered " + meaning }
        if let table = source.table {
            let fields = source.schema.fields.map { "\($0.name):\($0.type)" }
            meaning += ", table \(fields) by \(table.key)"
        }
        return StateBinding(
            meaning: meaning,
            definition: secrets.redact(definition.joined(separator: StateBinding.separator)))
    }

    func binding(of sink: CheckedSink) -> StateBinding {
        var meaning = sink.spec.type
        // What is staged stands in the log itself, and means nothing to another one.
        if case .log(let log) = sink.spec.kind { meaning += " \(log.path.value)" }
        // So it is with rows that wait for a table.
        if case .sqlite(let sqlite) = sink.spec.kind {
            meaning += " \(sqlite.path.value) \(sqlite.table.value)"
        }
        return StateBinding(
            meaning: meaning,
            definition: "\(secrets.redact(sink.spec.kind.behaviour.target)), "
                + sink.spec.format.name)
    }
}

extension CheckedStep {
    /// What the step's stored state means: the same text, the same state.
    fileprivate var meaning: String {
        func fields(_ columns: [Int]) -> String {
            columns.map { column in
                let field = inputSchema.fields[column]
                return "\(field.name):\(field.type)"
            }.joined(separator: ",")
        }
        switch kind {
        case .filter, .map, .broadcastJoin: return ""
        case .dedup(let dedup):
            let size: String =
                switch dedup.scope {
                case .bucket(let size, _): "bucket \(size)"
                case .window(let size, let buckets): "window \(size)/\(buckets)"
                }
            let held =
                dedup.keep == .first
                ? "" : " rows \(fields(Array(inputSchema.fields.indices)))"
            let version = dedup.version.map { " by \(fields([$0]))" } ?? ""
            return "dedup 2 \(dedup.keep) \(size) key \(fields(dedup.key))\(version)\(held)"
        case .window(let window):
            return "window 2 \(window.size)+\(window.offset) by \(fields(window.by)) \(summary)"
        }
    }

    /// The types of what a window computes its results of, on which depends what it keeps; earlier
    /// versions did not tell them.
    fileprivate var meaningOfTypes: String {
        guard case .window(let window) = kind else { return "" }
        let types = window.aggregates.map { $0.argument?.type.name ?? "rows" }
        return " of \(types.joined(separator: ","))"
    }
}
