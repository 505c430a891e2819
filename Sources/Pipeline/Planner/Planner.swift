import Connectors
import Dataflow

/// Turns a pipeline file into a checked pipeline, or says everything that is wrong with it.
///
///     bytes -> tree -> specifications -> names -> types over all fields
///           -> what is needed -> columns of the fields that are decoded
package struct Planner {
    /// What came of a file.
    package struct Result: Sendable {
        /// Nil where there are errors, or where types could not be known.
        package let pipeline: CheckedPipeline?
        /// In the order of the file.
        package let diagnostics: [Diagnostic]

        package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

        /// Where something stands that could not be checked: why there are neither errors nor a
        /// pipeline.
        package var uncheckedPlace: Place? {
            diagnostics.first { $0.severity == .note }?.place
        }
    }

    /// Checks a pipeline file, of which `name` is shown in messages.
    package static func check(
        _ bytes: [UInt8], name: String, overrides: [Override] = [], world: PipelineWorld
    ) -> Result {
        let diagnostics = Diagnostics()
        let reader = DeclarationReader(file: name, world: world, diagnostics: diagnostics)
        guard let (file, source) = reader.read(bytes, overrides: overrides) else {
            return Result(pipeline: nil, diagnostics: diagnostics.sorted)
        }
        var builder = GraphBuilder(
            file: file, start: Place(file: name, line: 1, column: 1), diagnostics: diagnostics)
        let graph = builder.build()
        PathConflicts(diagnostics: diagnostics).check(file)
        if !world.hasSQLite { refuseSQLite(file, diagnostics) }
        if file.settings.checkpoint != nil { warnOfLosses(file, diagnostics) }
        let planner = Planner(
            file: file, graph: graph, world: world, diagnostics: diagnostics,
            expressions: ExpressionReader(source: source, diagnostics: diagnostics))
        let pipeline = planner.plan()
        return Result(
            pipeline: diagnostics.hasErrors ? nil : pipeline, diagnostics: diagnostics.sorted)
    }

    /// Names the sinks that this build does not have.
    private static func refuseSQLite(_ file: PipelineFile, _ diagnostics: Diagnostics) {
        for sink in file.sinks {
            guard let spec = sink.spec, case .sqlite(let sqlite) = spec.kind else { continue }
            diagnostics.error(
                at: sqlite.place,
                "sink '\(spec.name.value)': this weir was built without SQLite; "
                    + SQLiteSupport.advice)
        }
    }

    /// Names the sources of which a crash loses rows, whatever the checkpoints.
    private static func warnOfLosses(_ file: PipelineFile, _ diagnostics: Diagnostics) {
        for case let spec? in file.sources.map(\.spec) where !spec.isReplayable {
            diagnostics.warning(
                at: spec.name.place,
                "what source '\(spec.name.value)' received since the last checkpoint is lost in a "
                    + "crash: \(spec.type) cannot be read again; 'buffer: log' keeps it")
        }
    }

    private let file: PipelineFile
    private let graph: Graph
    private let world: PipelineWorld
    private let diagnostics: Diagnostics
    private let expressions: ExpressionReader

    private func plan() -> CheckedPipeline? {
        let sources = SourceChecker(
            world: world, diagnostics: diagnostics, hasEventIDs: file.hasEventIDs,
            checkpointPaths: file.settings.checkpoint == nil
                ? []
                : [file.settings.state?.path, file.settings.checkpoint?.secondPlace?.path]
                    .compactMap { $0 })
        let fields = file.sources.map { $0.spec.flatMap { sources.fields(of: $0) } }
        let whole = Flow(file: file, graph: graph, diagnostics: diagnostics)
        let tables = tableFields(fields)
        let first = whole.run(
            schemas: zip(file.sources, fields).map { source, fields in
                guard let spec = source.spec, let fields else { return nil }
                return sources.schema(of: spec, fields)
            },
            tables: tables,
            before: nil, expressions: expressions)
        guard !diagnostics.hasErrors, let first else { return nil }
        let needs = Needs(
            file: file, graph: graph, flow: first, schemas: tables.compactMapValues { $0?.schema })
        return prune(fields.compactMap { $0 }, first, needs, sources)
    }

    /// The schemas of the tables, by the source's name; nil where it is not known.
    private func tableFields(_ fields: [[FieldSpec]?]) -> [String: JoinTable?] {
        var tables: [String: JoinTable?] = [:]
        for (index, source) in file.sources.enumerated() {
            guard let spec = source.spec else {
                // It may have been meant as a table.
                tables[source.name.value] = .some(nil)
                continue
            }
            guard let table = spec.table else { continue }
            guard let fields = fields[index] else {
                tables[source.name.value] = .some(nil)
                continue
            }
            tables[source.name.value] = JoinTable(
                name: source.name.value, index: tables.count,
                schema: SourceChecker.tableSchema(fields), key: table.key.map(\.value))
        }
        return tables
    }

    /// The pipeline over the columns that something needs.
    private func prune(
        _ fields: [[FieldSpec]], _ whole: Flow.Outcome, _ needs: Needs, _ checker: SourceChecker
    ) -> CheckedPipeline? {
        var sources: [CheckedSource] = []
        var schemas: [Schema?] = []
        var joins: [String: JoinTable?] = [:]
        for (index, source) in file.sources.enumerated() {
            guard let spec = source.spec else { return nil }
            if let table = spec.table {
                let names = needs.tables[spec.name.value] ?? []
                let kept = fields[index].filter { names.contains($0.name.value) }
                let schema = SourceChecker.tableSchema(kept)
                let number = joins.count
                schemas.append(nil)
                joins[spec.name.value] = JoinTable(
                    name: spec.name.value, index: number, schema: schema,
                    key: table.key.map(\.value))
                let checked = CheckedSource.Table(
                    index: number, key: table.key.compactMap { schema.index(of: $0.value) },
                    memoryBytesMax: table.memoryBytesMax)
                sources.append(
                    CheckedSource(
                        spec: spec, schema: schema, fields: kept, table: checked,
                        guess: checker.guess(of: spec, fields[index])))
            } else {
                let wanted = needs.columns[Output(node: .source(index))] ?? []
                let (kept, schema) = checker.pruned(
                    spec, fields[index], whole.sources[index], wanted)
                schemas.append(schema)
                sources.append(
                    CheckedSource(
                        spec: spec, schema: schema, fields: kept, table: nil,
                        guess: checker.guess(of: spec, fields[index])))
            }
        }
        let flow = Flow(file: file, graph: graph, diagnostics: diagnostics)
        let outcome = flow.run(
            schemas: schemas, tables: joins,
            before: whole,
            expressions: expressions)
        guard let outcome, !diagnostics.hasErrors else { return nil }
        return assemble(sources, outcome)
    }

    /// Puts the parts together, with the indices of a plan.
    private func assemble(
        _ sources: [CheckedSource], _ outcome: Flow.Outcome
    ) -> CheckedPipeline? {
        var stepIndex: [Int: Int] = [:]
        for (place, step) in graph.order.enumerated() { stepIndex[step] = place }
        func edge(_ output: Output) -> Plan.Edge? {
            switch output.node {
            case .source(let index): return Plan.Edge(.source(index), output.port)
            case .step(let index):
                return stepIndex[index].map { Plan.Edge(.step($0), output.port) }
            }
        }
        var steps: [CheckedStep] = []
        for index in graph.order {
            guard let spec = file.steps[index].spec, let result = outcome.steps[index],
                let input = graph.stepInputs[index], let inputEdge = edge(input),
                let schema = outcome.schemas[input]
            else { return nil }
            var outputs: [Port: Schema] = [:]
            for port in Port.allCases {
                outputs[port] = outcome.schemas[Output(node: .step(index), port: port)]
            }
            steps.append(
                CheckedStep(
                    spec: spec, input: inputEdge, inputSchema: schema, outputs: outputs,
                    kind: result.kind))
        }
        var sinks: [CheckedSink] = []
        for (index, sink) in file.sinks.enumerated() {
            guard let spec = sink.spec else { return nil }
            var inputs: [CheckedSink.Input] = []
            for (output, result) in zip(graph.sinkInputs[index], outcome.sinks[index]) {
                guard let edge = edge(output) else { return nil }
                inputs.append(
                    CheckedSink.Input(
                        edge: edge, schema: result.schema, columns: result.columns))
            }
            sinks.append(CheckedSink(spec: spec, inputs: inputs))
        }
        return CheckedPipeline(
            name: file.name, settings: file.settings,
            workers: file.settings.workers ?? world.coreCount, sources: sources,
            steps: steps, sinks: sinks, secrets: diagnostics.secrets)
    }
}
