import Connectors
import Dataflow
import Execution
import Operators
import Pipeline
import Storage
import TestSupport
import Testing

/// What a run of a pipeline file left behind, over files in memory.
struct PipelineRun {
    let statistics: Statistics
    let failure: String?
    let files: MemoryFileSystem
    let log: [String]

    /// The text of an output file; empty where there is none.
    func text(_ path: String) -> String { files.text(path) ?? "" }

    func lines(_ path: String) -> [Substring] { text(path).split(separator: "\n") }

    /// The counters of a step.
    func counters(_ step: String) -> StepCounters {
        statistics.steps.first { $0.name == step }?.counters ?? StepCounters()
    }

    /// Runs a file of `pipelines/`, changed by `set`, over `inputs` (path to text).
    static func run(
        _ name: String, inputs: [String: String] = [:], set: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> PipelineRun {
        let files = MemoryFileSystem()
        for (path, text) in inputs { files.put(path, text) }
        return try run(
            try Repository.text("pipelines/\(name).yaml"), name: name, over: files, set: set,
            sourceLocation: sourceLocation)
    }

    /// The plan of a pipeline over files.
    static func plan(
        _ yaml: String, name: String, over files: MemoryFileSystem, set: [String] = [],
        clock: EngineClock = VirtualClock().clock, recovery: RecoveryOptions = RecoveryOptions(),
        log: LogLines = LogLines(), sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Plan {
        let world = PipelineWorld.system(fileSystem: files, coreCount: 2) { _ in nil }
        let checked = Planner.check(
            Array(yaml.utf8), name: name, overrides: set.map { Override($0) }, world: world)
        let errors = checked.diagnostics.map(\.description)
        #expect(errors == [], sourceLocation: sourceLocation)
        let pipeline = try #require(checked.pipeline, sourceLocation: sourceLocation)
        var surroundings = Surroundings(
            fileSystem: files, clock: clock, zones: world.zones, notice: { log.add($0) })
        surroundings.recovery = recovery
        return try pipeline.plan(in: surroundings)
    }

    /// Runs a pipeline over files, to its end or to an interruption; every step of it must account
    /// for each of its rows.
    static func run(
        _ yaml: String, name: String, over files: MemoryFileSystem, set: [String] = [],
        interruption: Interruption? = nil, recovery: RecoveryOptions = RecoveryOptions(),
        clock: EngineClock = VirtualClock().clock,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> PipelineRun {
        let log = LogLines()
        var plan = try plan(
            yaml, name: name, over: files, set: set, clock: clock, recovery: recovery, log: log,
            sourceLocation: sourceLocation)
        // Where the clock stands still, only chunks make checkpoints due.
        plan.checkpoint?.everyChunks = 2
        interruption?.interrupt(&plan)
        let engine = Engine(plan, clock: clock) { log.add($0) }
        interruption?.onStop { engine.stop() }
        let outcome = engine.run()
        // A step that failed may have been in the middle of a batch.
        let wasInterrupted = outcome.failure is Interruption.Failure
        for step in outcome.statistics.steps where outcome.failure == nil || wasInterrupted {
            #expect(
                step.counters.isConserved, "\(step.name) \(step.counters)",
                sourceLocation: sourceLocation)
        }
        return PipelineRun(
            statistics: outcome.statistics, failure: outcome.failure.map { "\($0)" },
            files: files, log: log.lines)
    }
}

/// The project's own files.
enum Repository {
    /// The directory that holds `Package.swift`.
    static let path: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()

    static func text(_ name: String) throws -> String {
        try DiskFileSystem().text(of: "\(path)/\(name)")
    }
}
