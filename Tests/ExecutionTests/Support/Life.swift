import Dataflow
import Execution
import Operators
import Pipeline
import Storage
import TestSupport
import Testing

/// One life of a pipeline over files in memory, whose parts a test steps one by one on one thread.
/// It is killed by letting go of it: another life goes on with a clone of its files.
struct Life {
    let files: MemoryFileSystem
    let clock: VirtualClock
    let log = LogLines()
    private let run: SteppedRun
    private let background = ManualBackground()

    /// A life of `yaml`, with `sources` and `sinks` in place of those of their names.
    init(
        _ yaml: String, over files: MemoryFileSystem, at clock: VirtualClock,
        set: [String] = [], recovery: RecoveryOptions = RecoveryOptions(),
        sources: [String: @Sendable () -> any Source] = [:],
        sinks: [String: @Sendable () -> any SinkWriter] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        self.files = files
        self.clock = clock
        let log = log
        var world = PipelineWorld.system(fileSystem: files, coreCount: 2) { _ in nil }
        world.guess = { directories, source in
            directories.lazy.compactMap { directory in
                CheckpointInspection(directory, fileSystem: files).guess(of: source)
            }.first
        }
        let result = Planner.check(
            Array(yaml.utf8), name: "life", overrides: set.map { Override($0) }, world: world)
        let errors = result.diagnostics.filter { $0.severity == .error }.map(\.description)
        #expect(errors == [], sourceLocation: sourceLocation)
        let pipeline = try #require(result.pipeline, sourceLocation: sourceLocation)
        var surroundings = Surroundings(
            fileSystem: files, clock: clock.clock, zones: world.zones, notice: { log.add($0) })
        surroundings.recovery = recovery
        var plan = try pipeline.plan(in: surroundings)
        plan.sources = plan.sources.map { node in
            guard let make = sources[node.name] else { return node }
            var other = Plan.SourceNode(
                name: node.name, schema: node.schema, watermark: node.watermark,
                makeSource: make, makeDecoder: node.makeDecoder, table: node.table)
            other.binding = node.binding
            return other
        }
        plan.sinks = plan.sinks.map { node in
            guard let make = sinks[node.name] else { return node }
            var other = Plan.SinkNode(name: node.name, inputs: node.inputs, makeWriter: make)
            other.binding = node.binding
            return other
        }
        run = try SteppedRun(plan, clock: clock.clock, background: background) { log.add($0) }
    }

    /// A clone of the files, as a kill leaves them.
    var killed: MemoryFileSystem { files.crashKeepingWritten() }

    var hasEnded: Bool { run.hasEnded }

    /// Steps a part once.
    @discardableResult
    func step(_ name: String) -> Progress {
        guard !run.hasEnded, let part = run.partNames.firstIndex(of: name) else { return .idle }
        return run.step(part)
    }

    /// Steps all parts but some until none goes on, and does the background work.
    func settle(without held: Set<String> = []) {
        var hasProgressed = true
        while hasProgressed && !run.hasEnded {
            hasProgressed = background.runAll()
            for name in run.partNames where !held.contains(name) {
                if step(name) == .progressed { hasProgressed = true }
            }
        }
    }

    /// Lets time pass, and all parts go on.
    func pass(seconds: Int, without held: Set<String> = []) {
        clock.advance(nanoseconds: Int64(seconds) * 1_000_000_000)
        settle(without: held)
    }

    func stop() { run.stop() }

    /// Ends the run in order; gives why it failed.
    func finish() -> (any Error)? { run.finish().failure }

    /// Files of a directory whose names end so.
    func names(in directory: String, _ ending: String) -> [String] {
        files.paths.filter { $0.hasPrefix(directory + "/") && $0.hasSuffix(ending) }
    }
}

/// Background work that is done when a test says so.
private final class ManualBackground: BackgroundWork {
    private let executor = ManualExecutor()

    func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
        executor.submit(kind, job)
    }

    func wait(_ waker: Waker, microseconds: Int) {
        executor.wait(waker, microseconds: microseconds)
    }

    func finish() { runAll() }

    /// Does all that waits; says whether there was anything.
    @discardableResult
    func runAll() -> Bool {
        var hasRun = false
        while executor.runOne(.flush) || executor.runOne(.merge) { hasRun = true }
        return hasRun
    }
}
