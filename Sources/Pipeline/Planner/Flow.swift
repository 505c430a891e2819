import Dataflow
import Operators

/// Carries schemas from the sources through the steps to the sinks.
struct Flow {
    let file: PipelineFile
    let graph: Graph
    let diagnostics: Diagnostics

    /// What is known of every output.
    struct Outcome {
        /// Of the sources, by their place in the file.
        var sources: [Schema?] = []
        var schemas: [Output: Schema] = [:]
        var steps: [Int: StepChecker.Result] = [:]
        /// The inputs of each sink.
        var sinks: [[SinkChecker.Result]] = []
    }

    /// Checks everything, over the fields that are decoded if `before` is what was found over all
    /// of them; nil if a part could not be checked, for want of types or after a report.
    func run(
        schemas: [Schema?], tables: [String: JoinTable?],
        before: Outcome?,
        expressions: ExpressionReader
    ) -> Outcome? {
        var outcome = Outcome()
        outcome.sources = schemas
        var isWhole = true
        for (index, schema) in schemas.enumerated() {
            outcome.schemas[Output(node: .source(index))] = schema
            outcome.schemas[Output(node: .source(index), port: .errors)] = RejectedRows.schema
        }
        let checker = StepChecker(
            expressions: expressions, diagnostics: diagnostics, tables: tables,
            hasEventIDs: file.hasEventIDs)
        // Steps that feed each other in a circle are still read for their own mistakes.
        let rest = file.steps.indices.filter { !graph.order.contains($0) }
        for index in graph.order + rest {
            let input = graph.stepInputs[index].flatMap { outcome.schemas[$0] }
            outcome.schemas[Output(node: .step(index), port: .errors)] = RejectedRows.schema
            guard let spec = file.steps[index].spec else {
                if file.steps[index].keepsFields {
                    outcome.schemas[Output(node: .step(index))] = input
                }
                continue
            }
            if let input { addSideOutputs(spec, index, input, &outcome) }
            let known =
                graph.stepInputs[index].flatMap { before?.schemas[$0] }
                .map { Set(FieldLookup.names($0)) } ?? []
            guard
                let result = checker.check(
                    spec, input: input, known: known)
            else {
                isWhole = false
                // These leave the fields as they are, whatever is wrong with them.
                switch spec.kind {
                case .filter, .dedup: outcome.schemas[Output(node: .step(index))] = input
                case .map, .broadcastJoin, .window: break
                }
                continue
            }
            outcome.steps[index] = result
            outcome.schemas[Output(node: .step(index))] = result.output
        }
        for index in file.sinks.indices {
            if !checkSink(index, before, &outcome) { isWhole = false }
        }
        return isWhole ? outcome : nil
    }

    private func addSideOutputs(
        _ spec: StepSpec, _ index: Int, _ input: Schema, _ outcome: inout Outcome
    ) {
        switch spec.kind {
        case .dedup, .window: outcome.schemas[Output(node: .step(index), port: .late)] = input
        case .broadcastJoin(let join):
            if join.kind == .inner {
                outcome.schemas[Output(node: .step(index), port: .unmatched)] = input
            }
        case .filter, .map: break
        }
    }

    private func checkSink(
        _ index: Int, _ before: Outcome?, _ outcome: inout Outcome
    ) -> Bool {
        outcome.sinks.append([])
        guard let spec = file.sinks[index].spec else { return false }
        let checker = SinkChecker(diagnostics: diagnostics)
        for input in graph.sinkInputs[index] {
            if before == nil { checkEventID(spec, input) }
            let isOpen = (before ?? outcome).schemas[input]?.record != nil && isJSON(input)
            guard let schema = outcome.schemas[input],
                let result = checker.check(
                    spec, schema, isOpen: isOpen, title: title(input))
            else { return false }
            outcome.sinks[index].append(result)
        }
        checker.checkHeaders(spec, outcome.sinks[index])
        return true
    }

    /// Records that cannot be read again cannot come again, but others may stand in their places.
    private func checkEventID(_ sink: SinkSpec, _ input: Output) {
        guard let eventID = sink.eventID, let source = source(of: input) else { return }
        switch source.kind {
        case .tcp, .standardInput:
            guard source.buffer == nil else { return }
            diagnostics.error(
                at: eventID.place,
                "'event_id' needs records that can be read again: give source "
                    + "'\(source.name.value)' a 'buffer'")
        case .file, .log, .generate: return
        }
    }

    /// How an output is called in `inputs`.
    private func title(_ output: Output) -> String {
        let name =
            switch output.node {
            case .source(let index): file.sources[index].name.value
            case .step(let index): file.steps[index].name.value
            }
        return "'\(name)\(output.port.name.map { "." + $0 } ?? "")'"
    }

    /// Whether the records behind an output's rows are JSON.
    private func isJSON(_ output: Output) -> Bool { source(of: output)?.format.name != "csv" }

    /// The source behind an output.
    private func source(of output: Output) -> SourceSpec? {
        var next: Output? = output
        var steps = 0
        while let current = next, steps <= file.steps.count {
            switch current.node {
            case .source(let index): return file.sources[index].spec
            case .step(let index): next = graph.stepInputs[index]
            }
            steps += 1
        }
        return nil
    }
}

extension PipelineFile {
    /// Whether a sink tells rows apart by where they come from.
    var hasEventIDs: Bool { sinks.contains { $0.spec?.eventID != nil } }
}

/// What of each output something downstream needs.
struct Needs {
    /// Columns, by the schemas of the first pass.
    private(set) var columns: [Output: Set<Int>] = [:]
    /// Fields of tables, by the table's name.
    private(set) var tables: [String: Set<String>] = [:]

    /// `schemas` are those of the tables in the first pass.
    init(
        file: PipelineFile, graph: Graph, flow: Flow.Outcome, schemas: [String: Schema]
    ) {
        var isErrorTaken: Set<Int> = []
        for output in graph.stepInputs.compactMap({ $0 }) + graph.sinkInputs.joined()
        where output.port == .errors {
            if case .step(let index) = output.node { isErrorTaken.insert(index) }
        }
        for (inputs, results) in zip(graph.sinkInputs, flow.sinks) {
            for (input, result) in zip(inputs, results) {
                columns[input, default: []].formUnion(result.reads)
            }
        }
        for index in graph.order.reversed() {
            guard let result = flow.steps[index], let input = graph.stepInputs[index] else {
                continue
            }
            let after = columns[Output(node: .step(index))] ?? []
            var needed = result.reads
            for column in after { needed.formUnion(result.origins[column] ?? []) }
            for port in [Port.late, .unmatched] {
                needed.formUnion(columns[Output(node: .step(index), port: port)] ?? [])
            }
            if isErrorTaken.contains(index), let record = flow.schemas[input]?.record {
                needed.insert(record)
            }
            columns[input, default: []].formUnion(needed)
            note(join: file.steps[index].spec, result, schemas)
        }
        for source in file.sources {
            guard let table = source.spec?.table else { continue }
            tables[source.name.value, default: []].formUnion(table.key.map(\.value))
        }
    }

    private mutating func note(
        join step: StepSpec?, _ result: StepChecker.Result, _ schemas: [String: Schema]
    ) {
        guard case .broadcastJoin(let join) = step?.kind,
            case .broadcastJoin(let checked) = result.kind, let table = schemas[join.table.value]
        else { return }
        tables[join.table.value, default: []].formUnion(
            checked.selected.map { table.fields[$0.column].name })
    }
}
