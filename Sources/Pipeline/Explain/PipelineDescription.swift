import Dataflow
import Operators

/// What a pipeline does, as plain values to show: nothing that must stay hidden is in it.
package struct PipelineDescription: Sendable, Equatable {
    package struct Source: Sendable, Equatable {
        package let name: String
        package let type: String
        /// Where it reads.
        package let place: String
        package let format: String
        /// The fields that are decoded, with their types.
        package let decoded: [String]
        /// Whether records are kept whole, to leave as they came or for error rows.
        package let keepsRecords: Bool
        package let watermark: String?
        package let rateLimit: String?
        /// What a crash costs of it.
        package let crashCost: String
    }

    package struct Table: Sendable, Equatable {
        package let name: String
        package let place: String
        package let key: [String]
        package let decoded: [String]
        package let bound: String
    }

    package struct Step: Sendable, Equatable {
        package let name: String
        package let type: String
        package let input: String
        /// What it does, as the file says it.
        package let summary: String
        /// Fields that decide which worker a row goes to; nil where it stays where it is.
        package let key: [String]?
        /// What it keeps, and what bounds that.
        package let state: String?
    }

    package struct Sink: Sendable, Equatable {
        package let name: String
        package let type: String
        package let target: String
        package let format: String
        package let inputs: [String]
        /// The field with each row's identifier.
        package let identifier: String?
        /// What it does while its target is away.
        package let whenAway: String
        /// How often a row gets there, across crashes.
        package let guarantee: String
    }

    /// A chain of steps that a worker runs without handing rows over.
    package struct Task: Sendable, Equatable {
        /// The source that feeds it, or the output it takes through an exchange.
        package let input: String
        /// The fields of the exchange before it; nil behind a source, empty for one worker.
        package let exchange: [String]?
        /// Steps in order.
        package var steps: [String]
    }

    package let name: String
    package let workers: Int
    package let sources: [Source]
    package let tables: [Table]
    package let steps: [Step]
    package let sinks: [Sink]
    package let tasks: [Task]
}

extension CheckedPipeline {
    /// Describes the pipeline for `explain`.
    package func describe() -> PipelineDescription {
        PipelineDescription(
            name: secrets.redact(name), workers: workers,
            sources: sources.filter { $0.table == nil }.map(describe),
            tables: sources.compactMap(describeTable), steps: steps.map(describe),
            sinks: sinks.map(describe),
            tasks: tasks)
    }

    /// How an output is called in the file.
    func title(_ edge: Plan.Edge) -> String {
        let name =
            switch edge.node {
            case .source(let index): sources[index].spec.name.value
            case .step(let index): steps[index].spec.name.value
            }
        return secrets.redact(edge.port.name.map { "\(name).\($0)" } ?? name)
    }

    private func names(_ columns: [Int], in schema: Schema) -> [String] {
        columns.map { secrets.redact(schema.fields[$0].name) }
    }

    private func decoded(_ fields: [FieldSpec]) -> [String] {
        fields.map { field in
            let suffix: String =
                switch field.timestampFormat {
                case .seconds: "_s"
                case .milliseconds: "_ms"
                case .microseconds: "_us"
                case .nanoseconds: "_ns"
                case .rfc3339, .pattern: ""
                }
            let type = field.type.name + (field.type == .timestamp ? suffix : "")
            return secrets.redact("\(field.name.value) \(type)")
        }
    }

    func place(of source: SourceSpec) -> String {
        let text: String
        switch source.kind {
        case .file(let file):
            let count = file.files.count == 1 ? "1 file" : "\(file.files.count) files"
            let paths = file.paths.map(\.value).joined(separator: ", ")
            text = "\(paths) (\(count)\(file.follow ? ", followed" : ""))"
        case .standardInput: text = "standard input"
        case .tcp(let tcp): text = "listens on \(tcp.listen)"
        case .log(let log): text = "log \(log.path)\(log.follow ? " (followed)" : "")"
        case .generate(let generator):
            text = "\(generator.rows.map { "\($0) " } ?? "")\(generator.generator)"
        }
        return secrets.redact(text)
    }

    private func describe(_ source: CheckedSource) -> PipelineDescription.Source {
        let spec = source.spec
        let watermark = spec.watermark.flatMap { watermark in
            spec.eventTime.map { time in
                let scope = watermark.scope == .source ? "" : " of each \(watermark.scope.rawValue)"
                let delay = Quantity.text(microseconds: watermark.maxDelay)
                let idle = Quantity.text(microseconds: watermark.idleTimeout)
                let future = watermark.maxFuture.map {
                    "; refuses rows more than \(Quantity.text(microseconds: $0)) ahead of the clock"
                }
                return "\(delay) behind the greatest \(time.value)\(scope); idle after \(idle)"
                    + (future ?? "")
            }
        }
        return PipelineDescription.Source(
            name: secrets.redact(spec.name.value), type: spec.type, place: place(of: spec),
            format: spec.format.name, decoded: decoded(source.fields),
            keepsRecords: source.schema.record != nil,
            watermark: watermark.map(secrets.redact),
            rateLimit: spec.rateLimit?.description, crashCost: crashCost(of: spec))
    }

    private func describeTable(_ source: CheckedSource) -> PipelineDescription.Table? {
        source.table.map { table in
            PipelineDescription.Table(
                name: secrets.redact(source.spec.name.value), place: place(of: source.spec),
                key: names(table.key, in: source.schema), decoded: decoded(source.fields),
                bound: "at most \(Quantity.text(bytes: table.memoryBytesMax)) of memory")
        }
    }

    private func describe(_ step: CheckedStep) -> PipelineDescription.Step {
        PipelineDescription.Step(
            name: secrets.redact(step.spec.name.value), type: step.spec.type,
            input: title(step.input), summary: secrets.redact(step.summary),
            key: step.key.map { names($0, in: step.inputSchema) },
            state: stateDescription(of: step).map { $0 + placeOfState(of: step) })
    }

    /// Where a step's state lives, if it is not memory alone.
    private func placeOfState(of step: CheckedStep) -> String {
        guard let state = settings.state else { return "" }
        switch step.kind {
        case .filter, .map, .broadcastJoin: return ""
        case .dedup, .window:
            let memory = Quantity.text(bytes: state.memoryBytes)
            return "; beyond \(memory) of memory, in \(secrets.redact(state.path))"
        }
    }

    /// What a step keeps, and what bounds that.
    func stateDescription(of step: CheckedStep) -> String? {
        switch step.kind {
        case .filter, .map: return nil
        case .dedup(let dedup): return dedup.stateDescription
        case .broadcastJoin(let join):
            guard let source = sources.first(where: { $0.table?.index == join.table }),
                let table = source.table
            else { return nil }
            return secrets.redact(
                "the table \(source.spec.name.value), shared by all workers; at most "
                    + "\(Quantity.text(bytes: table.memoryBytesMax))")
        case .window(let window):
            let size = Quantity.text(microseconds: window.size)
            return "an accumulator for each key in each open window of \(size); a window closes "
                + "when the watermark reaches its end"
        }
    }

    private func describe(_ sink: CheckedSink) -> PipelineDescription.Sink {
        let target = sink.spec.kind.behaviour.target
        return PipelineDescription.Sink(
            name: secrets.redact(sink.spec.name.value), type: sink.spec.type,
            target: secrets.redact(target), format: sink.spec.format.name,
            inputs: sink.inputs.map { title($0.edge) },
            identifier: sink.spec.eventID.map { secrets.redact($0.value) },
            whenAway: whenAway(sink.spec),
            guarantee: guarantee(of: sink))
    }

    /// Chains of steps, cut where rows change the worker.
    private var tasks: [PipelineDescription.Task] {
        let streams = sources.indices.filter { sources[$0].table == nil }
        var tasks = streams.map { index in
            PipelineDescription.Task(
                input: title(Plan.Edge(.source(index))), exchange: nil, steps: [])
        }
        var taskOfStep: [Int] = []
        for step in steps {
            let before: Int =
                switch step.input.node {
                case .source(let index): streams.firstIndex(of: index) ?? 0
                case .step(let index): taskOfStep[index]
                }
            if let key = step.key {
                taskOfStep.append(tasks.count)
                tasks.append(
                    PipelineDescription.Task(
                        input: title(step.input), exchange: names(key, in: step.inputSchema),
                        steps: [secrets.redact(step.spec.name.value)]))
            } else {
                taskOfStep.append(before)
                tasks[before].steps.append(secrets.redact(step.spec.name.value))
            }
        }
        return tasks
    }
}
