import Dataflow
import Execution
import Storage
import TestSupport

/// All that one seed decides: a pipeline and its input, or two with a log between them, and the
/// lives of the processes that run them, until their end; then the output is compared with that of
/// undisturbed runs.
final class Simulation {
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
        /// Followed files that were rotated, and rows that clients sent again.
        var rotations = 0
        var resent = 0
        /// Lives before which state was damaged.
        var damages = 0
        /// Lives before which rows were lost that waited in a queue.
        var lostRows = 0

        static func += (sum: inout Counts, other: Counts) {
            sum.lives += other.lives
            sum.kills += other.kills
            sum.stops += other.stops
            sum.failures += other.failures
            sum.stateFiles += other.stateFiles
            sum.rotations += other.rotations
            sum.resent += other.resent
            sum.damages += other.damages
            sum.lostRows += other.lostRows
        }
    }

    /// What a test asks for besides.
    struct Options {
        var keepsTrace = false
        /// The wall clock at the start, in microseconds.
        var wallStart: Int64?
        /// The chance of the wall clock to jump, at each step.
        var clockJumps: Double?
        /// Whether all sinks are receivers behind queues, and state and queues are lost together
        /// now and then.
        var losesQueues = false
    }

    private var random: SplitMix64
    private let options: Options
    private let stations: [SimulatedStation]
    private let machine: SimulatedMachine
    private var outcome: Outcome
    private var powerCuts = 0
    private var steps = 0

    private static let stepsMax = 1_000_000

    private init(seed: UInt64, _ options: Options) throws {
        var random = SplitMix64(seed: seed)
        self.options = options
        stations = try Self.stations(&random, options)
        let wall: Int64 = random.pick([1_767_000_000_000_000, 0, 1_700_000_000_000_000])
        let trace = Trace(keepsLines: options.keepsTrace)
        machine = SimulatedMachine(
            clock: VirtualClock(wallMicroseconds: options.wallStart ?? wall), trace: trace)
        outcome = Outcome(trace: trace)
        self.random = random
        let undisturbed = SimulatedMachine(clock: VirtualClock(), trace: Trace())
        for station in stations {
            try station.runUndisturbed(on: undisturbed)
            try station.pipeline.input.put(into: machine.files)
        }
    }

    private static func stations(
        _ random: inout SplitMix64, _ options: Options
    ) throws -> [SimulatedStation] {
        if options.losesQueues {
            var choice = PipelineChoice(&random)
            choice.hasReceiversOnly = true
            let pipeline = try choice.pipeline()
            var setting = setting(&random)
            setting.checkpoint?.secondPlace = true
            return [
                SimulatedStation(pipeline, setting, seed: random.next(), losesQueues: true)
            ]
        }
        guard random.chance(0.2) else {
            var choice = PipelineChoice(&random)
            let pipeline = try choice.pipeline()
            return [SimulatedStation(pipeline, setting(&random), seed: random.next())]
        }
        let between = PipelineChoice.Between(&random)
        var choice = PipelineChoice(&random, role: .first(between))
        let first = SimulatedStation(
            try choice.pipeline(), setting(&random), seed: random.next())
        choice = PipelineChoice(&random, role: .second(between))
        var setting = setting(&random)
        setting.statePath = "state-second"
        let second = SimulatedStation(
            try choice.pipeline(), setting, upstream: first, seed: random.next())
        return [first, second]
    }

    /// Runs what a seed decides.
    static func run(seed: UInt64, _ options: Options = Options()) throws -> Outcome {
        let simulation = try Simulation(seed: seed, options)
        try simulation.run()
        return simulation.outcome
    }

    private func run() throws {
        for station in stations {
            outcome.trace.note(station.pipeline.yaml)
            for override in station.pipeline.overrides { outcome.trace.note(override) }
        }
        var thrown: (any Error)?
        machine.whileBusy = { [unowned self] in
            do {
                for _ in 0..<random.pick([1, 1, 3, 40]) { _ = try goOn(isInside: true) }
            } catch {
                thrown = thrown ?? error
            }
        }
        defer { machine.whileBusy = {} }
        while outcome.failure == nil, thrown == nil, try goOn(isInside: false) {}
        if let thrown { throw thrown }
        outcome.counts.stateFiles = machine.stateFileCount
        for station in stations {
            outcome.counts.damages += station.damages
            outcome.counts.lostRows += station.lostRows
            outcome.counts.rotations += station.feed?.rotated ?? 0
            outcome.counts.resent += station.pipeline.client?.resentCount ?? 0
        }
        // What was done stays done, whatever became of others.
        for station in stations where outcome.failure == nil {
            outcome.failure = try station.fault(in: machine.files)
        }
    }

    /// Lets something on the machine go on; says whether there was anything. `isInside` says that
    /// this is in the middle of something else.
    private func goOn(isInside: Bool) throws -> Bool {
        steps += 1
        if steps > Self.stepsMax { outcome.failure = outcome.failure ?? "no end" }
        guard outcome.failure == nil else { return false }
        revive()
        let ready = stations.filter { $0.isReady(machine.files) }
        let feeding = stations.filter { $0.feed?.isDone == false }
        if let station = feeding.first,
            random.chance(isInside ? 0.2 : station.isDown ? 0.7 : 0.08)
        {
            machine.trace.note("feed")
            station.feed?.step(machine.files, statePath: station.setting.statePath)
            return true
        }
        guard !ready.isEmpty else { return isInside || !feeding.isEmpty }
        let station = random.pick(ready)
        for _ in 0..<random.int(1...8) {
            let seed = random.next()
            guard
                let end = try station.advance(
                    on: machine, seed: seed, clockJumps: options.clockJumps)
            else { continue }
            outcome.counts.lives += 1
            outcome.trace.note(machine.files.contents)
            try take(end, of: station)
            break
        }
        return true
    }

    /// What had ended may be lost by a power cut, as long as nobody was told.
    private func revive() {
        guard machine.powerCuts > powerCuts else { return }
        powerCuts = machine.powerCuts
        for station in stations where station.isDone && !station.pipeline.isLive {
            station.isDone = station.hasEnded(machine.files)
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
        checkpoint.secondPlace = random.pick([nil, nil, true, false])
        setting.checkpoint = checkpoint
        return setting
    }

    /// Decides how to go on after a life.
    private func take(_ end: SimulatedRun.End, of station: SimulatedStation) throws {
        switch end {
        case .complete(let engine, isFinished: true):
            station.isDone = true
            outcome.failure =
                try station.fault(in: machine.files)
                ?? station.fault(of: engine, machine.files, hadFaults: machine.hasFaults)
        case .complete(let engine, isFinished: false):
            outcome.counts.stops += 1
            guard station.hasReadAll else { return }
            outcome.failure =
                try station.fault(in: machine.files)
                ?? station.fault(of: engine, machine.files, hadFaults: machine.hasFaults)
            // Another life has nothing to read, and changes nothing.
            station.isDone = random.chance(0.7)
        case .killed:
            outcome.counts.kills += 1
            station.isDone = !station.pipeline.isLive && station.hasEnded(machine.files)
            if station.isDone { outcome.failure = try station.fault(in: machine.files) }
        case .failed(let error):
            outcome.counts.failures += 1
            if isOfDamage(error, at: station) { return }
            if !machine.hasFaults || !Self.isInjected(error) {
                outcome.failure = "\(station.pipeline.name) failed: \(error)"
            }
        case .stuck(let why): outcome.failure = "\(station.pipeline.name): \(why)"
        }
    }

    /// Whether a file was damaged before, and set aside: the next life goes on with its copy.
    private func isOfDamage(_ error: any Error, at station: SimulatedStation) -> Bool {
        guard station.damages > 0, let error = error as? StorageError else { return false }
        return machine.files.paths.contains("\(error.path).damaged")
    }

    /// Whether an error may come of a fault.
    private static func isInjected(_ error: any Error) -> Bool {
        "\(error)".contains("injected")
    }
}
