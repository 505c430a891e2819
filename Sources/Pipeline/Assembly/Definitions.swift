import Dataflow
import Operators

/// What the file says of a source or step, part by part, for those who are told what was changed:
/// `StateBinding.definition` has all parts with `StateBinding.separator` between them.
extension CheckedStep {
    /// The parts that bear on what it keeps, and a few more.
    var definition: [String] {
        switch (kind, spec.kind) {
        case (.dedup(let dedup), _): parts(of: dedup)
        case (.window(let window), .window(let said)): parts(of: window, said)
        default: [summary]
        }
    }

    private func parts(of dedup: DedupStep) -> [String] {
        var parts = ["key: \(names(dedup.key))", "keep: \(dedup.keep.rawValue)"]
        switch dedup.scope {
        case .bucket(let size, let retain):
            parts.append("bucket: \(Quantity.text(microseconds: size))")
            parts.append("retain: \(Quantity.text(microseconds: retain))")
        case .window(let size, let buckets):
            parts.append("window: \(Quantity.text(microseconds: size))")
            parts.append("buckets: \(buckets)")
        }
        if let version = dedup.version { parts.append("version: \(names([version]))") }
        // Whole rows are held.
        let isHolding = dedup.keep == .last
        let used = isHolding ? Array(inputSchema.fields.indices) : dedup.key
        return parts + fields(Set(used + [dedup.version].compactMap { $0 }))
    }

    private func parts(of window: WindowStep, _ said: WindowSpec) -> [String] {
        var parts = ["window: tumbling \(Quantity.text(microseconds: window.size))"]
        if window.offset != 0 {
            parts.append("offset: \(Quantity.text(microseconds: window.offset))")
        }
        if !window.by.isEmpty { parts.append("by: \(names(window.by))") }
        parts += said.aggregates.map { "aggregate: \($0.name.value) = \($0.call.value)" }
        var used = Set(window.by)
        for aggregate in window.aggregates {
            used.formUnion(aggregate.argument?.fieldIndices ?? [])
            used.formUnion(aggregate.filter?.fieldIndices ?? [])
        }
        return parts + fields(used)
    }

    private func names(_ columns: [Int]) -> String {
        columns.map { inputSchema.fields[$0].name }.joined(separator: ", ")
    }

    /// The types of fields, by their names; those that the engine adds are no business of the file.
    private func fields(_ columns: Set<Int>) -> [String] {
        columns.map { inputSchema.fields[$0] }
            .filter { !$0.name.hasPrefix(Schema.engineMark) }
            .map { "\(StateBinding.fieldMark)\($0.name): \($0.type.name)" }.sorted()
    }
}

extension CheckedSource {
    /// The parts besides place and format.
    var definition: [String] {
        var parts: [String] = []
        if spec.buffer != nil { parts.append("buffer: log") }
        if let table {
            let key = table.key.map { schema.fields[$0].name }
            parts.append("table: key \(key.joined(separator: ", "))")
            parts += schema.fields.map { "\(StateBinding.fieldMark)\($0.name): \($0.type.name)" }
        }
        if case .generate(let generator) = spec.kind { parts += generator.definition }
        return parts
    }
}

extension GeneratorSpec {
    /// What is given of it, but how many rows.
    fileprivate var definition: [String] {
        let times = [("disorder", disorder), ("span", span)]
        let numbers = [("seed", seed), ("keys", keys), ("shops", shops)]
        let shares = [("duplicates", duplicates), ("late", late), ("skew", skew)]
        var parts = [rate.map { "rate: \($0)" }, time.map { "time: \($0)" }].compactMap { $0 }
        parts += times.compactMap { name, value in
            value.map { "\(name): \(Quantity.text(microseconds: $0))" }
        }
        parts += numbers.compactMap { name, value in value.map { "\(name): \($0)" } }
        parts += shares.compactMap { name, value in value.map { "\(name): \($0)" } }
        if let start { parts.append("start: \(start)us behind 1970") }
        return parts
    }
}
