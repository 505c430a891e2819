import Dataflow
import Execution
import Storage
import TestSupport

/// All that one seed decides: a pipeline and its input, and the lives of the processes that run it,
/// one after the other, until its end; then the output is compared with that of an undisturbed run.
struct Simulation {
    /// What it came to.
    struct Outcome {
        /// What is wrong; nil if nothing is.
        var failure: String?
        var trace: Trace
        /// What happened how often.
        var counts = Counts()
    }

    /// What happened how often.
    struct Counts {
        var lives = 0
        var kills = 0
        var stops = 0
        var failures = 0
        var stateFiles = 0

        static func += (sum: inout Counts, other: Counts) {
            sum.lives += other.lives
            sum.kills += other.kills
            sum.stops += other.stops
            sum.failures += other.failures
            sum.stateFiles += other.stateFiles
        }
    }

    /// What a test asks for besides.
    struct Options {
        var keepsTrace = false
        /// The wall clock at the start, in microseconds.
        var wallStart: Int64?
        /// The chance of the wall clock to jump, at each step.
        var clockJumps: Double?
    }

    private var random: SplitMix64
    private let options: Options
    private let pipeline: SimulatedPipeline
    /// How all lives are set up; only the number of workers changes.
    private let setting: SimulatedPipeline.Setting
    private let expected: [String: [String]]
    private let expectedCounters: [StepCounters]
    private let clock: VirtualClock
    private var files = MemoryFileSystem()
    private var outcome: Outcome

    private static let disturbedLivesMax = 8

    private init(seed: UInt64, _ options: Options) throws {
        var random = SplitMix64(seed: seed)
        self.options = options
        var choice = PipelineChoice(&random)
        pipeline = try choice.pipeline()
        let wall: Int64 = random.pick([1_767_000_000_000_000, 0, 1_700_000_000_000_000])
        clock = VirtualClock(wallMicroseconds: options.wallStart ?? wall)
        setting = Self.setting(&random)
        self.random = random
        outcome = Outcome(trace: Trace(keepsLines: options.keepsTrace))
        (expected, expectedCounters) = try Self.undisturbed(pipeline, setting)
        try pipeline.input.put(into: files)
    }

    /// Runs what a seed decides.
    static func run(seed: UInt64, _ options: Options = Options()) throws -> Outcome {
        var simulation = try Simulation(seed: seed, options)
        try simulation.run()
        return simulation.outcome
    }

    /// What a run without checkpoints gives, that nobody disturbs.
    private static func undisturbed(
        _ pipeline: SimulatedPipeline, _ setting: SimulatedPipeline.Setting
    ) throws -> ([String: [String]], [StepCounters]) {
        var plain = setting
        plain.checkpoint = nil
        plain.workers = 1
        let files = MemoryFileSystem()
        try pipeline.input.put(into: files)
        let run = SimulatedRun(
            over: files, clock: VirtualClock(), hazards: Hazards(), seed: 1, trace: Trace())
        let end = try run.live(pipeline, plain)
        guard case .complete(let outcome, true) = end else { throw Unexpected(end: "\(end)") }
        return (
            try pipeline.rows(in: files), outcome.statistics.steps.map(\.counters)
        )
    }

    /// An undisturbed run that does not come to its end.
    struct Unexpected: Error { let end: String }

    private mutating func run() throws {
        outcome.trace.note(pipeline.yaml)
        for override in pipeline.overrides { outcome.trace.note(override) }
        while outcome.failure == nil {
            outcome.counts.lives += 1
            let isDisturbed = outcome.counts.lives <= Self.disturbedLivesMax
            var hazards = isDisturbed ? Hazards(&random, files) : Hazards()
            if let jumps = options.clockJumps { hazards.clockJumps = jumps }
            var setting = setting
            setting.workers = random.int(1...4)
            outcome.trace.note("life \(outcome.counts.lives): \(hazards) \(setting)")
            let run = SimulatedRun(
                over: files, clock: clock, hazards: hazards, seed: random.next(),
                trace: outcome.trace)
            let end = try run.live(pipeline, setting)
            outcome.trace = run.trace
            outcome.trace.note(files.contents)
            outcome.counts.stateFiles += files.createdCount("state/0")
            if try take(end, hazards) { return }
        }
    }

    private static func setting(_ random: inout SplitMix64) -> SimulatedPipeline.Setting {
        var setting = SimulatedPipeline.Setting()
        setting.chunkBytes = random.pick([300, 2_000, 8_000])
        setting.batchRows = random.pick([1, 7, 100])
        setting.chunksInFlight = random.pick([nil, 1, 3, 20])
        var checkpoint = SimulatedPipeline.Setting.Checkpoint()
        checkpoint.memoryBytes = random.pick([nil, 1 << 20, 200_000, 60_000])
        checkpoint.compression = random.pick(["none", "lz4", "zstd"])
        checkpoint.every = random.pick([10, 20, 100])
        checkpoint.everyChunks = random.pick([nil, 1, 2, 5])
        checkpoint.keep = random.int(1...3)
        checkpoint.secondPlace = random.pick([
            nil, nil, "{ path: second, required: true }", "{ path: second, required: false }",
        ])
        setting.checkpoint = checkpoint
        return setting
    }

    /// Decides how to go on after a life; says whether that was the last one.
    private mutating func take(_ end: SimulatedRun.End, _ hazards: Hazards) throws -> Bool {
        switch end {
        case .complete(let engine, isFinished: true):
            try compare(engine, hazards)
            return true
        case .complete:
            outcome.counts.stops += 1
            files = files.crashKeepingWritten()
        case .killed(let left):
            outcome.counts.kills += 1
            files = left
            if hasEnded {
                try compare(nil, hazards)
                return true
            }
        case .failed(let error):
            outcome.counts.failures += 1
            if !hazards.hasFaults || !Self.isInjected(error) {
                outcome.failure = "a run failed: \(error)"
            }
            files = files.crashKeepingWritten()
        case .stuck(let why): outcome.failure = why
        }
        return false
    }

    /// Whether an error may come of a fault.
    private static func isInjected(_ error: any Error) -> Bool {
        let text = "\(error)"
        return text.contains("injected") || text == "the state could not be written"
    }

    /// Whether a run says that it has ended: the next one would begin anew.
    private var hasEnded: Bool {
        let list = try? CheckpointInspection("state", fileSystem: files).list()
        return list?.checkpoints.last?.hasEnded == true
    }

    private mutating func compare(_ engine: Engine.Outcome?, _ hazards: Hazards) throws {
        files.heal()
        let rows = try pipeline.rows(in: files)
        for output in pipeline.outputs {
            let (wanted, found) = (expected[output.sink] ?? [], rows[output.sink] ?? [])
            if found != wanted {
                outcome.failure = Self.difference(output.sink, found, wanted)
                return
            }
        }
        // One that was killed at its end may leave what the next run removes.
        guard let engine else { return }
        for (step, wanted) in zip(engine.statistics.steps, expectedCounters)
        where step.counters != wanted {
            outcome.failure = "step \(step.name): \(step.counters), not \(wanted)"
        }
        let left = files.paths.filter { Self.isOfRun($0, hazards) }
        if left.count != 1 { outcome.failure = "what is left: \(left)" }
    }

    /// Whether a file belongs to a run: of those only the last manifest stays.
    private static func isOfRun(_ path: String, _ hazards: Hazards) -> Bool {
        let name = FilePath.name(of: path)
        guard path.hasPrefix("state/") else {
            return name.contains(".weir-") && name.last?.isNumber == true
        }
        // A disk that fails may keep what the next run takes away.
        let isRemovedLater = name == "RESERVE" || name.hasSuffix(".new")
        return
            !(name == "LOCK" || name.hasSuffix(".damaged") || isRemovedLater && hazards.hasFaults)
    }

    private static func difference(
        _ sink: String, _ found: [String], _ wanted: [String]
    ) -> String {
        let change = found.difference(from: wanted)
        let missing = change.removals.count
        let added = change.insertions.count
        let first = change.first.map { change -> String in
            switch change {
            case .remove(let offset, let row, _): "row \(offset) is missing: \(row)"
            case .insert(let offset, let row, _): "row \(offset) is too many: \(row)"
            }
        }
        return "sink \(sink): \(found.count) rows, not \(wanted.count); "
            + "\(missing) missing, \(added) too many; \(first ?? "")"
    }
}
