import Dataflow
import Operators

/// An output of the file: of a source or step, by its place in the file.
struct Output: Hashable, Sendable {
    enum Node: Hashable, Sendable {
        case source(Int)
        case step(Int)
    }
    let node: Node
    var port: Port = .main
}

/// What is connected to what, with all names looked up.
///
/// Indices are places in the file's sections. An input that could not be found is absent; it has
/// been reported.
struct Graph: Sendable {
    /// The input of each step.
    var stepInputs: [Output?] = []
    /// The inputs of each sink; errors that nobody else takes come last, at the dead letter sink.
    var sinkInputs: [[Output]] = []
    /// The steps in an order in which each stands behind its input; those in cycles are left out.
    var order: [Int] = []
}

/// Looks up the names of a file.
struct GraphBuilder {
    let file: PipelineFile
    let diagnostics: Diagnostics
    /// Where the file begins, for what is missing in it.
    let start: Place
    private var graph = Graph()
    /// Whether an input could not be found, so that what seems unused may be meant.
    private var isUncertain = false

    init(file: PipelineFile, start: Place, diagnostics: Diagnostics) {
        self.file = file
        self.start = start
        self.diagnostics = diagnostics
    }

    mutating func build() -> Graph {
        checkNames()
        connectSteps()
        connectSinks()
        orderSteps()
        connectDeadLetter()
        checkUse()
        return graph
    }

    // MARK: Names

    private func checkNames() {
        for step in file.steps {
            guard let source = file.sources.first(where: { $0.name.value == step.name.value })
            else { continue }
            diagnostics.error(
                at: step.name.place,
                "the name '\(step.name.value)' is taken by the source in line "
                    + "\(source.name.place.line)")
        }
        if file.sources.isEmpty, !file.unreadable.contains("sources") {
            diagnostics.error(
                at: start, "there is no source: add one, such as sources: { in: { type: stdin } }")
        }
        if file.sinks.isEmpty, !file.unreadable.contains("sinks") {
            diagnostics.error(
                at: start, "there is no sink: add one, such as sinks: { out: { type: stdout } }")
        }
    }

    private func isTable(_ source: Int) -> Bool { file.sources[source].isTable }

    /// The outputs a node has besides its main one.
    private func sidePorts(of node: Output.Node) -> [Port] {
        guard case .step(let index) = node else { return [.errors] }
        switch file.steps[index].spec?.kind {
        case .filter, .map: return [.errors]
        case .dedup, .window: return [.late, .errors]
        case .broadcastJoin(let join):
            return join.kind == .inner ? [.unmatched, .errors] : [.errors]
        case nil: return [.late, .unmatched, .errors]
        }
    }

    private func title(_ node: Output.Node) -> String {
        switch node {
        case .source(let index): "source '\(file.sources[index].name.value)'"
        case .step(let index): "step '\(file.steps[index].name.value)'"
        }
    }

    /// The node of a name; steps first, since a clash of names is an error anyway.
    private func node(named name: String) -> Output.Node? {
        if let index = file.steps.firstIndex(where: { $0.name.value == name }) {
            return .step(index)
        }
        return file.sources.firstIndex { $0.name.value == name }.map { .source($0) }
    }

    /// Looks up `name` or `name.port`.
    private func output(_ input: Located<String>) -> Output? {
        let parts = input.value.split(separator: ".", omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        guard parts.count <= 2, let node = node(named: name) else {
            if file.sinks.contains(where: { $0.name.value == name }) {
                diagnostics.error(at: input.place, "'\(name)' is a sink and has no output")
            } else {
                let names = file.steps.map(\.name.value) + file.sources.map(\.name.value)
                let hint = NearestName.hint(for: name, among: names, noun: "there are")
                diagnostics.error(at: input.place, "unknown input '\(input.value)'\(hint)")
            }
            return nil
        }
        guard parts.count == 2 else {
            if case .source(let index) = node, isTable(index) {
                diagnostics.error(
                    at: input.place,
                    "'\(name)' is a table: a broadcast_join names it, nothing takes its rows")
                return nil
            }
            return Output(node: node)
        }
        let port = sidePorts(of: node).first { $0.name == String(parts[1]) }
        if let port { return Output(node: node, port: port) }
        let names = sidePorts(of: node).compactMap(\.name)
        let hint = NearestName.hint(for: String(parts[1]), among: names, noun: "it has")
        diagnostics.error(
            at: input.place, "\(title(node)) has no output '\(parts[1])'\(hint)")
        return nil
    }

    // MARK: Steps

    private mutating func connectSteps() {
        for (index, step) in file.steps.enumerated() {
            guard let spec = step.spec else {
                // What it takes is not known; most likely the entry above.
                graph.stepInputs.append(index > 0 ? Output(node: .step(index - 1)) : onlySource)
                continue
            }
            if let inputs = spec.inputs {
                if inputs.count > 1 {
                    diagnostics.error(
                        at: inputs[1].place,
                        "step '\(step.name.value)' has \(inputs.count) inputs: in this version "
                            + "only sinks take several")
                } else if inputs.isEmpty {
                    diagnostics.error(
                        at: step.name.place, "step '\(step.name.value)' has no input")
                }
                graph.stepInputs.append(inputs.map { output($0) }.first ?? nil)
            } else if index > 0 {
                graph.stepInputs.append(Output(node: .step(index - 1)))
            } else {
                graph.stepInputs.append(
                    defaultSource(for: "step '\(step.name.value)'", at: step.name.place))
            }
        }
    }

    private var streams: [Int] { file.sources.indices.filter { !isTable($0) } }

    private var onlySource: Output? {
        streams.count == 1 ? streams.first.map { Output(node: .source($0)) } : nil
    }

    private func defaultSource(for title: String, at place: Place) -> Output? {
        if let source = onlySource { return source }
        guard !file.sources.isEmpty else { return nil }
        if streams.isEmpty {
            diagnostics.error(
                at: place, "nothing feeds \(title): every source is a table")
        } else {
            let names = streams.map { file.sources[$0].name.value }
            diagnostics.error(
                at: place,
                "\(title) needs 'inputs': there are several sources, "
                    + SpecReader.list(names, last: "and")
            )
        }
        return nil
    }

    // MARK: Sinks

    private mutating func connectSinks() {
        for sink in file.sinks {
            guard let spec = sink.spec else {
                graph.sinkInputs.append([])
                continue
            }
            if let inputs = spec.inputs {
                let found = inputs.compactMap { output($0) }
                if found.count < inputs.count { isUncertain = true }
                graph.sinkInputs.append(found)
            } else if file.settings.deadLetter?.value == sink.name.value {
                graph.sinkInputs.append([])
            } else if !file.steps.isEmpty {
                graph.sinkInputs.append([Output(node: .step(file.steps.count - 1))])
            } else {
                let source = defaultSource(
                    for: "sink '\(sink.name.value)'", at: sink.name.place)
                if source == nil { isUncertain = true }
                graph.sinkInputs.append(source.map { [$0] } ?? [])
            }
        }
    }

    private mutating func connectDeadLetter() {
        guard let deadLetter = file.settings.deadLetter else { return }
        guard let sink = file.sinks.firstIndex(where: { $0.name.value == deadLetter.value }) else {
            let names = file.sinks.map(\.name.value)
            let hint = NearestName.hint(for: deadLetter.value, among: names, noun: "there are")
            diagnostics.error(
                at: deadLetter.place,
                "'dead_letter' names a sink; there is no '\(deadLetter.value)'\(hint)")
            return
        }
        let taken = Set(graph.stepInputs.compactMap { $0 } + graph.sinkInputs.joined())
        let nodes =
            file.sources.indices.map { Output.Node.source($0) }
            + graph.order.filter { file.steps[$0].spec != nil }.map { .step($0) }
        for node in nodes {
            let errors = Output(node: node, port: .errors)
            if !taken.contains(errors) { graph.sinkInputs[sink].append(errors) }
        }
    }

    // MARK: Order and use

    /// Sorts the steps behind their inputs; what remains goes round in circles.
    private mutating func orderSteps() {
        var state = [Visit](repeating: .new, count: file.steps.count)
        for index in file.steps.indices { visit(index, &state) }
    }

    private enum Visit { case new, open, done, cyclic }

    private mutating func visit(_ first: Int, _ state: inout [Visit]) {
        var path: [Int] = []
        var next: Int? = first
        while let step = next, state[step] == .new {
            state[step] = .open
            path.append(step)
            next = if case .step(let input) = graph.stepInputs[step]?.node { input } else { nil }
        }
        var isCyclic = false
        if let step = next, state[step] == .open, let start = path.firstIndex(of: step) {
            reportCycle(path[start...].reversed())
            isCyclic = true
        } else if let step = next, state[step] == .cyclic {
            isCyclic = true
        }
        for step in path.reversed() {
            state[step] = isCyclic ? .cyclic : .done
            if !isCyclic { graph.order.append(step) }
        }
    }

    private func reportCycle(_ steps: [Int]) {
        guard let first = steps.min(), let place = steps.firstIndex(of: first) else { return }
        let turned = steps[place...] + steps[..<place] + [first]
        let names = turned.map { file.steps[$0].name.value }
        let step = file.steps[first]
        diagnostics.error(
            at: step.spec?.inputs?.first?.place ?? step.name.place,
            steps.count == 1
                ? "step '\(names[0])' is its own input"
                : "these steps feed each other in a circle: \(names.joined(separator: " -> "))")
    }

    private mutating func checkUse() {
        let used = Set(graph.stepInputs.compactMap { $0 } + graph.sinkInputs.joined())
        // A step or sink that could not be read, or whose input is unknown, may use anything.
        isUncertain =
            isUncertain || file.sinks.isEmpty || graph.stepInputs.contains(nil)
            || file.steps.contains { $0.spec == nil } || file.sinks.contains { $0.spec == nil }
        guard !isUncertain else { return }
        for index in file.steps.indices where !used.contains(Output(node: .step(index))) {
            report(unused: .step(index), file.steps[index].name.place)
        }
        for index in file.sources.indices where file.sources[index].spec != nil {
            if isTable(index) {
                checkTableUse(index)
            } else if !used.contains(Output(node: .source(index))) {
                report(unused: .source(index), file.sources[index].name.place)
            }
        }
    }

    private func report(unused node: Output.Node, _ place: Place) {
        diagnostics.error(
            at: place,
            "nothing takes the output of \(title(node)): name it in the 'inputs' of a "
                + "step or sink, or remove it")
    }

    private func checkTableUse(_ source: Int) {
        let name = file.sources[source].name
        let isUsed = file.steps.contains { step in
            if case .broadcastJoin(let join) = step.spec?.kind {
                join.table.value == name.value
            } else {
                false
            }
        }
        if !isUsed {
            diagnostics.error(
                at: name.place, "no broadcast_join uses the table '\(name.value)'")
        }
    }
}
