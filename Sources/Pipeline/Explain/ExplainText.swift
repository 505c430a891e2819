extension PipelineDescription {
    /// The description as text for a terminal.
    package func text() -> String {
        var result: [String] = []
        let threads = workers == 1 ? "1 worker" : "\(workers) workers"
        result.append("pipeline \(name), \(threads)")
        section("sources", sources.map(lines(of:)), into: &result)
        section("tables", tables.map(lines(of:)), into: &result)
        section("steps", steps.map(lines(of:)), into: &result)
        section("sinks", sinks.map(lines(of:)), into: &result)
        let numbered = tasks.enumerated().map { place, task in
            lines(of: task, number: place + 1)
        }
        section("tasks", numbered, into: &result)
        return result.joined(separator: "\n") + "\n"
    }

    private func section(_ title: String, _ parts: [[String]], into lines: inout [String]) {
        guard !parts.isEmpty else { return }
        lines += ["", title]
        for part in parts {
            for (index, line) in part.enumerated() {
                lines.append((index == 0 ? "  " : "      ") + line)
            }
        }
    }

    private func lines(of source: Source) -> [String] {
        var lines = ["\(source.name): \(source.type), \(source.place), \(source.format)"]
        let fields = source.decoded.isEmpty ? "nothing" : source.decoded.joined(separator: ", ")
        lines.append("decodes \(fields)" + (source.keepsRecords ? "; keeps records whole" : ""))
        if let watermark = source.watermark { lines.append("watermark \(watermark)") }
        if let rate = source.rateLimit { lines.append("at most \(rate)") }
        lines.append("a crash costs: \(source.crashCost)")
        return lines
    }

    private func lines(of table: Table) -> [String] {
        [
            "\(table.name): \(table.place), by \(table.key.joined(separator: ", "))",
            "decodes \(table.decoded.joined(separator: ", "))",
            table.bound,
        ]
    }

    private func lines(of step: Step) -> [String] {
        var lines = ["\(step.name): \(step.type) of \(step.input)", step.summary]
        if let key = step.key { lines.append(PipelineDescription.exchange(key)) }
        if let state = step.state { lines.append("keeps \(state)") }
        return lines
    }

    private func lines(of sink: Sink) -> [String] {
        let identifier = sink.identifier.map { "; each row with its event_id in '\($0)'" } ?? ""
        return [
            "\(sink.name): \(sink.type), \(sink.target), \(sink.format)",
            "writes " + (sink.inputs.isEmpty ? "nothing" : sink.inputs.joined(separator: ", "))
                + identifier,
            "when its target is away: \(sink.whenAway)",
            "guarantee: \(sink.guarantee)",
        ]
    }

    private func lines(of task: Task, number: Int) -> [String] {
        let chain = ([task.input] + task.steps).joined(separator: " -> ")
        guard let exchange = task.exchange else { return ["\(number). \(chain)"] }
        return ["\(number). \(chain)", PipelineDescription.exchange(exchange)]
    }

    /// How rows come to a keyed step.
    static func exchange(_ key: [String]) -> String {
        key.isEmpty ? "all rows to one worker" : "exchange by \(key.joined(separator: ", "))"
    }
}
