import Connectors
import Dataflow
import Pipeline
import Storage
import TestSupport

/// A pipeline, its input, and where its output goes.
struct SimulatedPipeline {
    /// Where a sink writes.
    struct Output {
        enum Kind {
            case file(String)
            /// Files below a directory, one for each value of a field.
            case directory(String)
            /// Files below a directory that follow one another, at no place in particular.
            case rolled(String)
            case log(String)
            /// Somebody far away, behind a queue: at least once.
            case receiver(SimulatedReceiver)
        }

        let sink: String
        let kind: Kind
        /// Whether the order of its rows is that of the input, for any number of workers.
        var keepsOrder = false
        /// How often it may have a row of the input: once from each of its inputs.
        var inputCount = 1
    }

    let name: String
    let yaml: String
    /// As on the command line.
    var overrides: [String] = []
    let input: SimulatedInput
    var outputs: [Output]
    /// Whether its input has no end of its own.
    var isLive: Bool { input.isLive }

    /// How a run of it is set up.
    struct Setting {
        var workers = 1
        var chunkBytes = 2_000
        var batchRows = 100
        var chunksInFlight: Int?
        /// Nil for state in memory without checkpoints.
        var checkpoint: Checkpoint?

        struct Checkpoint {
            /// Bytes of memory for state; nil for the backend `memory`.
            var memoryBytes: Int?
            var compression = "lz4"
            /// Milliseconds of virtual time.
            var every = 10
            var everyChunks: Int?
            var keep = 2
            /// Nil for none; else whether it is required.
            var secondPlace: Bool?
        }

        /// Where state is.
        var statePath = "state"

        /// As on the command line.
        var overrides: [String] {
            var set = [
                "settings.workers=\(workers)", "settings.chunk_size=\(chunkBytes)B",
                "settings.batch_rows=\(batchRows)",
            ]
            if let chunksInFlight { set.append("settings.chunks_in_flight=\(chunksInFlight)") }
            guard let checkpoint else { return set }
            let backend =
                checkpoint.memoryBytes == nil
                ? "memory" : "lsm, memory_limit: 1MiB, compression: \(checkpoint.compression)"
            set.append("settings.state={ path: \(statePath), backend: \(backend), reserve: 8KiB }")
            let second =
                checkpoint.secondPlace.map { isRequired in
                    ", second_place: { path: second-\(statePath), required: \(isRequired) }"
                } ?? ""
            set.append(
                "settings.checkpoint={ every: \(checkpoint.every)ms, keep: \(checkpoint.keep)"
                    + "\(second) }")
            return set
        }
    }

    /// Who sends it rows, if anybody does.
    var client: SimulatedClient? {
        if case .received(let received) = input.form { received.client } else { nil }
    }

    var receivers: [SimulatedReceiver] {
        outputs.compactMap { if case .receiver(let receiver) = $0.kind { receiver } else { nil } }
    }

    /// Changes with everything that happens outside of the machine.
    var activity: Int {
        receivers.reduce(client?.activity ?? 0) { $0 + $1.text.utf8.count }
    }

    /// What is wrong with a pipeline of the simulation itself.
    struct Mistake: Error { let diagnostics: [String] }

    /// The plan of a run of a process.
    func plan(
        _ setting: Setting, over files: SimulatedProcess, clock: EngineClock,
        sides: @escaping (String) -> SimulatedSide,
        log: @escaping @Sendable (String) -> Void
    ) throws -> Plan {
        let world = PipelineWorld.system(fileSystem: files, coreCount: 2) { _ in nil }
        var set = overrides + setting.overrides
        if client != nil && setting.checkpoint != nil {
            set.append("sources.orders.buffer=log")
        }
        let checked = Planner.check(
            Array(yaml.utf8), name: name, overrides: set.map { Override($0) }, world: world)
        guard let pipeline = checked.pipeline, checked.diagnostics.isEmpty else {
            throw Mistake(diagnostics: checked.diagnostics.map(\.description))
        }
        var plan = try pipeline.plan(
            in: Surroundings(fileSystem: files, clock: clock, zones: world.zones, notice: log))
        plan.checkpoint?.everyChunks = setting.checkpoint?.everyChunks
        if let state = plan.state, let memory = setting.checkpoint?.memoryBytes {
            // Less than a file may ask for, so that little input fills it.
            var options = state.options
            options.memoryBytes = memory
            plan.state = Plan.StateSettings(
                path: state.path, fileSystem: state.fileSystem, options: options,
                room: state.room)
        }
        let outside = OutsideParts(
            isDurable: setting.checkpoint != nil, statePath: setting.statePath, process: files,
            clock: clock,
            room: plan.state?.fileSystem ?? files, sides: sides, log: log)
        if case .received(let received) = input.form {
            for index in plan.sources.indices where plan.sources[index].name == "orders" {
                plan.sources[index] = outside.source(plan.sources[index], received)
            }
        }
        for output in outputs {
            guard case .receiver(let receiver) = output.kind else { continue }
            for index in plan.sinks.indices where plan.sinks[index].name == output.sink {
                plan.sinks[index] = outside.sink(plan.sinks[index], receiver)
            }
        }
        return plan
    }

    /// The rows of each sink, in their order where it is that of the input.
    func rows(in files: MemoryFileSystem) throws -> [String: [String]] {
        var rows: [String: [String]] = [:]
        for output in outputs {
            let lines: [String]
            switch output.kind {
            case .file(let path): lines = Self.lines(files.text(path) ?? "")
            case .directory(let directory):
                lines = Self.texts(below: directory, in: files).flatMap { path, text in
                    Self.lines(text).map { "\(path): \($0)" }
                }
            case .rolled(let directory):
                lines = Self.texts(below: directory, in: files).flatMap { Self.lines($0.text) }
            case .log(let path): lines = try Self.log(path, in: files)
            case .receiver(let receiver): lines = Self.lines(receiver.text)
            }
            rows[output.sink] = output.keepsOrder ? lines : lines.sorted()
        }
        return rows
    }

    private static func texts(
        below directory: String, in files: MemoryFileSystem
    ) -> [(path: String, text: String)] {
        let paths = files.paths.filter { path in
            path.hasPrefix(directory + "/") && !FilePath.name(of: path).hasPrefix(".")
        }
        return paths.map { ($0, files.text($0) ?? "") }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { withoutPosition($0) }
    }

    /// The places of rejected records name the start of a chunk, and so depend on where a run
    /// began.
    private static func withoutPosition(_ line: Substring) -> String {
        guard line.contains("\"position\""), let value = try? JSONValue(String(line)),
            case .object(let members) = value
        else { return String(line) }
        return "\(JSONValue.object(members.filter { $0.name != "position" }))"
    }

    private static func log(_ path: String, in files: MemoryFileSystem) throws -> [String] {
        guard try files.status(of: FilePath.join(path, "log.meta")) != nil else { return [] }
        let source = LogSource(
            LogSource.Options(directory: path), fileSystem: files, clock: VirtualClock().clock)
        try source.open()
        defer { source.close() }
        var lines: [String] = []
        while true {
            switch try source.read(byteCount: 1 << 20, waitMilliseconds: 0) {
            case .chunk(let raw):
                lines += Self.lines(String(decoding: raw.slab.array(raw.range), as: UTF8.self))
            case .rejected(let records): lines += records.map { "damage: \($0.error)" }
            case .nothing, .held: continue
            case .end: return lines
            }
        }
    }
}
