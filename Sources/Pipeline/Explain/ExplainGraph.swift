extension PipelineDescription {
    /// A graph of the pipeline: nodes in tasks, and edges between them.
    private struct Drawing {
        struct Node {
            let id: String
            let lines: [String]
        }
        struct Edge {
            let from: String
            let to: String
            let label: String?
        }
        /// The nodes of each task, then those outside.
        var tasks: [[Node]] = []
        var outside: [Node] = []
        var edges: [Edge] = []
    }

    private var drawing: Drawing {
        var drawing = Drawing()
        let sourceIDs = ids(sources.map(\.name), "source")
        let stepIDs = ids(steps.map(\.name), "step")
        func origin(_ output: String) -> (id: String, label: String?) {
            let parts = output.split(separator: ".", maxSplits: 1).map(String.init)
            let name = parts.first ?? ""
            let id = stepIDs[name] ?? sourceIDs[name] ?? name
            return (id, parts.count > 1 ? parts[1] : nil)
        }
        for task in tasks {
            var nodes: [Drawing.Node] = []
            if task.exchange == nil, let source = sources.first(where: { $0.name == task.input }) {
                nodes.append(
                    Drawing.Node(
                        id: sourceIDs[source.name] ?? source.name,
                        lines: [source.name, source.type]))
            }
            for step in steps where task.steps.contains(step.name) {
                nodes.append(
                    Drawing.Node(
                        id: stepIDs[step.name] ?? step.name, lines: [step.name, step.type]))
            }
            drawing.tasks.append(nodes)
        }
        for step in steps {
            let from = origin(step.input)
            let exchange = step.key.map(PipelineDescription.exchange)
            let label = [from.label, exchange].compactMap { $0 }.joined(separator: "; ")
            drawing.edges.append(
                Drawing.Edge(
                    from: from.id, to: stepIDs[step.name] ?? step.name,
                    label: label.isEmpty ? nil : label))
        }
        for (index, table) in tables.enumerated() {
            drawing.outside.append(
                Drawing.Node(id: "table\(index)", lines: [table.name, "table"]))
            for step in steps
            where step.type == "broadcast_join"
                && step.summary.contains(" join of \(table.name) on ")
            {
                drawing.edges.append(
                    Drawing.Edge(
                        from: "table\(index)", to: stepIDs[step.name] ?? step.name,
                        label: "broadcast"))
            }
        }
        for (index, sink) in sinks.enumerated() {
            drawing.outside.append(Drawing.Node(id: "sink\(index)", lines: [sink.name, sink.type]))
            for input in sink.inputs {
                let from = origin(input)
                drawing.edges.append(
                    Drawing.Edge(from: from.id, to: "sink\(index)", label: from.label))
            }
        }
        return drawing
    }

    private func ids(_ names: [String], _ prefix: String) -> [String: String] {
        var ids: [String: String] = [:]
        for (index, name) in names.enumerated() { ids[name] = "\(prefix)\(index)" }
        return ids
    }

    /// The pipeline as a Graphviz graph.
    package func dot() -> String {
        let drawing = drawing
        var lines = ["digraph \(quoted(name)) {", "  rankdir=LR;", "  node [shape=box];"]
        func line(_ node: Drawing.Node) -> String {
            "\(node.id) [label=\(quoted(node.lines.joined(separator: "\n")))];"
        }
        for (index, nodes) in drawing.tasks.enumerated() {
            lines.append("  subgraph cluster_\(index) {")
            lines.append("    label=\(quoted("task \(index + 1)"));")
            lines += nodes.map { "    " + line($0) }
            lines.append("  }")
        }
        lines += drawing.outside.map { "  " + line($0) }
        for edge in drawing.edges {
            let label = edge.label.map { " [label=\(quoted($0))]" } ?? ""
            lines.append("  \(edge.from) -> \(edge.to)\(label);")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// The pipeline as a Mermaid flow chart.
    package func mermaid() -> String {
        let drawing = drawing
        var lines = ["flowchart LR"]
        func line(_ node: Drawing.Node) -> String {
            "\(node.id)[\"\(escaped(node.lines.joined(separator: "<br>")))\"]"
        }
        for (index, nodes) in drawing.tasks.enumerated() {
            lines.append("  subgraph task\(index + 1)[\"task \(index + 1)\"]")
            lines += nodes.map { "    " + line($0) }
            lines.append("  end")
        }
        lines += drawing.outside.map { "  " + line($0) }
        for edge in drawing.edges {
            let label = edge.label.map { "|\"\(escaped($0))\"|" } ?? ""
            lines.append("  \(edge.from) -->\(label) \(edge.to)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            switch character {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result + "\""
    }

    private func escaped(_ text: String) -> String {
        text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "#quot;")
    }
}
