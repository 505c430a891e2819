package import Connectors
package import Dataflow
import Operators
package import Storage

/// What the components of a pipeline work with.
package struct Surroundings: Sendable {
    package var fileSystem: any FileSystem
    /// The same files, for what waits for room on the disk.
    var waitingFiles: (any FileSystem)?
    package let clock: EngineClock
    package let zones: TimeZoneDatabase
    package let standardInput: StandardStream
    /// What relative paths stand in, where that is known.
    package var workingDirectory = ""
    /// Is told of connections that come and go, of rotated files and the like.
    package let notice: @Sendable (String) -> Void
    /// What to do where a checkpoint and the world do not agree.
    package var recovery = RecoveryOptions()

    package init(
        fileSystem: any FileSystem, clock: EngineClock, zones: TimeZoneDatabase,
        standardInput: StandardStream = .input(),
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.fileSystem = fileSystem
        self.clock = clock
        self.zones = zones
        self.standardInput = standardInput
        self.notice = notice
    }
}

/// What a user allows when a run goes on from a checkpoint.
package struct RecoveryOptions: Sendable {
    /// Steps and sources that may begin anew.
    package var allowedResets: Set<String> = []
    /// What file sinks do that have more than the checkpoint knows of.
    package var sinksAhead = StagedFileSink.Ahead.refuse

    package init() {}
}

/// From specifications to what runs: the one place that knows the concrete components.
///
/// Each function takes what was checked and gives the closure that the plan holds. Closures are
/// called once per worker (decoders, operators, encoders) or once per run (sources, writers).
extension CheckedPipeline {
    /// The plan, ready to run.
    package func plan(in surroundings: Surroundings) throws -> Plan {
        var plan = Plan(name: name, settings: engineSettings)
        plan.checkpoint = settings.checkpoint.map { checkpointSettings($0, surroundings) }
        // The backend `memory` has no files but those of checkpoints.
        let state = settings.state.flatMap { state in
            state.evicts || settings.checkpoint != nil ? state : nil
        }
        let room = state.map { DiskRoom(roomOptions($0), over: surroundings.fileSystem) }
        plan.state = state.map { state in
            var options = StateStore.Options(memoryBytes: state.memoryBytes)
            options.codec = state.compression
            options.mergeCodec = state.coldCompression
            options.evicts = state.evicts
            return Plan.StateSettings(
                path: state.path, fileSystem: room?.files ?? surroundings.fileSystem,
                options: options, room: room)
        }
        var inside = surroundings
        inside.waitingFiles = room?.files
        for source in sources {
            var node = try node(source, inside)
            node.binding = binding(of: source)
            node.guess = source.guess
            if let buffer = source.spec.buffer {
                let files = surroundings.fileSystem
                node.left = { position in
                    BufferedSource.left(
                        behind: position, for: buffer.path, fileSystem: files)
                }
            }
            plan.sources.append(node)
        }
        for step in steps { plan.steps.append(node(step)) }
        var outside = surroundings
        // What is staged waits for room as state does.
        if let room, settings.checkpoint != nil { outside.fileSystem = room.files }
        for sink in sinks {
            var node = try node(sink, outside)
            node.binding = binding(of: sink)
            plan.sinks.append(node)
        }
        return plan
    }

    private func roomOptions(_ state: StateSpec) -> DiskRoom.Options {
        var options = DiskRoom.Options(statePath: state.path)
        options.quota = state.quotaBytes
        // Without checkpoints nothing makes room by itself.
        options.isTended = settings.checkpoint != nil
        options.reserve = options.isTended ? state.reserveBytes : 0
        options.elsewhere = [settings.checkpoint?.secondPlace?.path].compactMap { $0 }
        return options
    }

    private func checkpointSettings(
        _ spec: CheckpointSpec, _ surroundings: Surroundings
    ) -> Plan.CheckpointSettings {
        var result = Plan.CheckpointSettings()
        result.every = spec.every * 1000
        result.minPause = spec.minPause * 1000
        result.timeout = spec.timeout * 1000
        result.keep = spec.keep
        result.secondPlace = spec.secondPlace.map { second in
            Plan.CheckpointSettings.SecondPlace(
                path: second.path, every: second.every * 1000, isRequired: second.isRequired)
        }
        result.allowedResets = surroundings.recovery.allowedResets
        return result
    }

    private var engineSettings: Plan.Settings {
        var result = Plan.Settings()
        result.workers = workers
        result.chunkBytes = settings.chunkBytes
        result.batchRows = settings.batchRows
        result.chunksInFlight = settings.chunksInFlight ?? result.chunksInFlight
        result.bytesInFlight = settings.bytesInFlight
        return result
    }

    // MARK: Sources

    private func node(
        _ source: CheckedSource, _ surroundings: Surroundings
    ) throws -> Plan.SourceNode {
        let spec = source.spec
        let name = spec.name.value
        let schema = source.schema
        var table: Plan.SourceNode.Table?
        if let checked = source.table {
            table = Plan.SourceNode.Table(index: checked.index) {
                BroadcastTableBuilder(
                    name: name, types: schema.fields.map(\.type), key: checked.key,
                    byteCountMax: checked.memoryBytesMax)
            }
        }
        switch spec.format {
        case .json:
            let fields = source.fields.enumerated().map { column, field in
                JSONFieldPath(path: field.path, column: column)
            }
            return Plan.SourceNode(
                name: name, schema: schema, watermark: spec.watermark?.strategy,
                makeSource: makeSource(spec, surroundings),
                makeDecoder: try repeatable {
                    let decoder = identified(
                        try JSONDecoder(
                            schema: schema.withoutOrigin, fields: fields, sourceName: name,
                            zones: surroundings.zones), schema, spec)
                    return spec.framing == .lengthPrefixed
                        ? LengthPrefixedDecoder(decoder) : decoder
                }, table: table)
        case .csv(let dialect):
            let files = surroundings.fileSystem
            let count = spec.recordBytesMax
            let input = try CSVInput(
                schema: schema.withoutOrigin, dialect: dialect, source: name,
                zones: surroundings.zones
            ) { path in
                try? PipelineWorld.read(path, count, files, codec: Codec(path: path))
            }
            let makeSource = makeSource(spec, surroundings)
            return Plan.SourceNode(
                name: name, schema: schema, watermark: spec.watermark?.strategy,
                makeSource: { HeaderNotingSource(try makeSource(), input.headers) },
                makeDecoder: { identified(input.makeDecoder(), schema, spec) }, table: table)
        }
    }

    /// A decoder whose rows tell where they come from, if somebody asks for that.
    private func identified(
        _ decoder: any Decoder, _ schema: Schema, _ spec: SourceSpec
    ) -> any Decoder {
        guard schema.origin != nil else { return decoder }
        // A length before a record is longer than the line end behind it.
        let lost = spec.framing == .lengthPrefixed ? Framing.lengthPrefixByteCount - 1 : 0
        return OriginDecoder(
            decoder, schema: schema, source: spec.name.value, framing: spec.framing,
            bytesLost: lost)
    }

    private func makeSource(
        _ spec: SourceSpec, _ surroundings: Surroundings
    ) -> @Sendable () throws -> any Source {
        let framing = spec.framing
        let limit = [spec.rateLimit?.perSecond, spec.generatedRate].compactMap { $0 }.min()
        let chunkBytes = settings.chunkBytes
        let hold = holdName(of: spec, surroundings)
        return {
            let source = try spec.makeSource(
                framing, chunkBytes: chunkBytes, hold: hold, surroundings)
            guard let limit else { return source }
            return RateLimitedSource(
                source, recordsPerSecond: limit, framing: framing, clock: surroundings.clock)
        }
    }

    /// With checkpoints, what a log that is read keeps for them: no other source has that name, nor
    /// has that of a pipeline with the same name whose state is elsewhere.
    private func holdName(
        of source: SourceSpec, _ surroundings: Surroundings
    ) -> LogSource.HoldName? {
        guard settings.checkpoint != nil, let state = settings.state?.path else { return nil }
        let place =
            state.hasPrefix("/") ? state : FilePath.join(surroundings.workingDirectory, state)
        return LogSource.HoldName(pipeline: name, source: source.name.value, state: place)
    }

    // MARK: Steps

    private func node(_ step: CheckedStep) -> Plan.StepNode {
        Plan.StepNode(
            name: step.spec.name.value, type: step.spec.type, input: step.input,
            inputSchema: step.inputSchema, outputs: step.outputs, key: step.key,
            needsOrder: step.needsOrder, stateDescription: stateDescription(of: step),
            binding: binding(of: step),
            makeOperator: makeOperator(step))
    }

    private func makeOperator(
        _ step: CheckedStep
    ) -> @Sendable (StepContext) -> any Operator {
        let schema = step.inputSchema
        switch step.kind {
        case .filter(let condition):
            return { context in
                FilterOperator(
                    step: context.step, sources: context.sources, schema: schema,
                    condition: condition)
            }
        case .map(let map):
            return { context in
                MapOperator(
                    step: context.step, sources: context.sources, schema: schema,
                    assignments: map.assignments)
            }
        case .dedup(let dedup): return { dedup.makeOperator($0) }
        case .window(var window):
            window.leavesByOrdinal = isFollowedByOrder(step)
            return { [window] in window.makeOperator($0) }
        case .broadcastJoin(let join): return { join.makeOperator($0) }
        }
    }

    /// Whether a step somewhere behind this one needs the order of rows.
    private func isFollowedByOrder(_ step: CheckedStep) -> Bool {
        steps.contains { other in
            guard case .step(let index) = other.input.node,
                steps[index].spec.name.value == step.spec.name.value
            else { return false }
            return other.needsOrder || isFollowedByOrder(other)
        }
    }

    // MARK: Sinks

    private func node(_ sink: CheckedSink, _ surroundings: Surroundings) throws -> Plan.SinkNode {
        let spec = sink.spec
        let header = try header(of: sink, surroundings)
        let (pipeline, name) = (name, spec.name.value)
        let state = settings.checkpoint == nil ? nil : settings.state?.path
        let fields =
            sink.inputs.first.map { input in input.columns.map { input.schema.fields[$0] } } ?? []
        return Plan.SinkNode(
            name: name,
            inputs: try sink.inputs.map { input in
                Plan.SinkNode.Input(
                    edge: input.edge, makeEncoder: try makeEncoder(spec, input, surroundings))
            },
            makeWriter: {
                let writer = spec.makeWriter(
                    surroundings, of: pipeline, fields: fields, header: header,
                    state: state)
                if case .file = spec.kind { return writer }
                return header.isEmpty ? writer : HeaderWriter(writer, header)
            })
    }

    /// Where in the records of an edge's source the members of its fields stand.
    private func recordPaths(behind edge: Plan.Edge) -> [String: [String]] {
        var node = edge.node
        while case .step(let index) = node { node = steps[index].input.node }
        guard case .source(let index) = node else { return [:] }
        let fields = sources[index].spec.schema ?? sources[index].fields
        return Dictionary(fields.map { ($0.name.value, $0.path) }) { first, _ in first }
    }

    private func makeEncoder(
        _ sink: SinkSpec, _ input: CheckedSink.Input, _ surroundings: Surroundings
    ) throws -> @Sendable () -> any Encoder {
        let schema = input.schema
        let plain: @Sendable () -> any Encoder
        switch sink.format {
        case .json:
            let paths = recordPaths(behind: input.edge)
            plain = try repeatable {
                try JSONEncoder(schema: schema, zones: surroundings.zones, paths: paths)
            }
        case .csv(let csv):
            let output = try csvOutput(sink, csv, input, surroundings)
            plain = { output.makeEncoder() }
        case .values:
            plain = try repeatable {
                try RowEncoder(
                    schema: schema, columns: input.columns, zones: surroundings.zones)
            }
        }
        guard let template = sink.targetTemplate else { return plain }
        let expander = try PathExpander(template, schema: schema)
        return { TargetedEncoder(plain(), expander) }
    }

    /// The line at the start of each target; empty where there is none.
    private func header(of sink: CheckedSink, _ surroundings: Surroundings) throws -> String {
        guard case .csv(let csv) = sink.spec.format, let input = sink.inputs.first else {
            return ""
        }
        let output = try csvOutput(sink.spec, csv, input, surroundings)
        return String(decoding: output.headerBytes, as: UTF8.self)
    }

    private func csvOutput(
        _ sink: SinkSpec, _ csv: CSVOutputSpec, _ input: CheckedSink.Input,
        _ surroundings: Surroundings
    ) throws -> CSVOutput {
        try CSVOutput(
            schema: input.schema, columns: input.columns, dialect: csv.dialect,
            zones: surroundings.zones)
    }

    /// A closure that makes one after the other; what is wrong with it comes out at once.
    private func repeatable<Component>(
        _ make: @escaping @Sendable () throws -> Component
    ) throws -> @Sendable () -> Component {
        _ = try make()
        return {
            do {
                return try make()
            } catch {
                preconditionFailure("what was made once can be made again: \(error)")
            }
        }
    }
}

extension CheckedStep {
    /// Whether its result depends on the order of rows with the same key.
    var needsOrder: Bool {
        switch kind {
        case .filter, .map, .broadcastJoin: false
        case .dedup: true
        case .window(let window): window.needsOrder
        }
    }
}
