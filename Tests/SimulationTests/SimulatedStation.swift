import Dataflow
import Execution
import Storage
import TestSupport

/// A pipeline of a simulation, what it is to give, and the lives of its processes.
final class SimulatedStation {
    let pipeline: SimulatedPipeline
    /// How all lives are set up; only the number of workers changes.
    let setting: SimulatedPipeline.Setting
    /// Who writes what it follows.
    let feed: SimulatedFeed?
    /// What befalls its state between lives, if anything does.
    private let damage: SimulatedDamage?
    private let losesQueues: Bool
    private(set) var damages = 0
    /// Lives before which rows that waited were lost in one place.
    private(set) var lostRows = 0
    /// Who writes the log that it reads.
    let upstream: SimulatedStation?
    /// What an undisturbed run gives.
    private(set) var expected: [String: [String]] = [:]
    private(set) var expectedCounters: [StepCounters] = []
    /// The process that runs, if any does.
    private var run: SimulatedRun?
    /// Whether the last life was stopped when all of a live input was read.
    private(set) var hasReadAll = false
    private var lives = 0
    var isDone = false
    /// Whether no process of it runs.
    var isDown: Bool { run == nil && !isBusy }
    /// Whether it is being opened or stepped.
    private(set) var isBusy = false

    private static let disturbedLivesMax = 8

    init(
        _ pipeline: SimulatedPipeline, _ setting: SimulatedPipeline.Setting,
        upstream: SimulatedStation? = nil, seed: UInt64, losesQueues: Bool = false
    ) {
        self.pipeline = pipeline
        self.setting = setting
        self.upstream = upstream
        self.losesQueues = losesQueues
        var random = SplitMix64(seed: seed)
        // One of two places that are alike may be lost, and always the same one.
        let places = [setting.statePath, "second-\(setting.statePath)"]
        let lost = losesQueues ? 0 : random.int(0...1)
        damage =
            setting.checkpoint?.secondPlace == true && (losesQueues || random.chance(0.6))
            ? SimulatedDamage(
                directory: places[lost], other: places[1 - lost],
                queues: lost == 0 ? "log-queue-\(setting.statePath)=" : nil) : nil
        feed =
            if case .followed(let rotation) = pipeline.input.form {
                SimulatedFeed(rotation, pipeline.input.orders, seed: seed)
            } else {
                nil
            }
    }

    /// Notes what a run without checkpoints gives, that nobody disturbs, on a machine where the
    /// undisturbed run of what comes before it has ended.
    func runUndisturbed(on machine: SimulatedMachine) throws {
        var plain = setting
        plain.checkpoint = nil
        plain.workers = 1
        try pipeline.input.put(into: machine.files)
        if case .followed(let rotation) = pipeline.input.form {
            SimulatedFeed(rotation, pipeline.input.orders, seed: 0).writeAll(to: machine.files)
        }
        let run = SimulatedRun(
            on: machine, hazards: Hazards(), seed: 1,
            isInputWhole: pipeline.isLive ? { true } : nil)
        let end = try run.live(pipeline, plain)
        guard case .complete(let outcome, let isFinished) = end, isFinished || run.hasReadAll else {
            throw Unexpected(end: "\(end)")
        }
        expected = try pipeline.rows(in: machine.files)
        pipeline.client?.reset()
        for receiver in pipeline.receivers { receiver.reset() }
        expectedCounters = outcome.statistics.steps.map(\.counters)
    }

    /// An undisturbed run that does not come to its end.
    struct Unexpected: Error { let end: String }

    /// Whether it could go on now.
    func isReady(_ files: MemoryFileSystem) -> Bool {
        guard !isDone, !isBusy else { return false }
        guard run == nil, let upstream else { return true }
        // Without a log there is nothing to read, and one that is not followed is read when it is
        // whole.
        let path = FilePath.join(PipelineChoice.Between.path, "log.meta")
        return files.text(path) != nil && (pipeline.isLive || upstream.isDone)
    }

    /// Whether nothing more will be written to what it reads.
    private var isInputWhole: Bool {
        feed?.isDone != false && upstream?.isDone != false && pipeline.client?.isDone != false
    }

    /// Begins a life that a seed decides, or goes on with one; gives its end if it came to that.
    func advance(
        on machine: SimulatedMachine, seed: UInt64, clockJumps: Double?
    ) throws -> SimulatedRun.End? {
        isBusy = true
        defer { isBusy = false }
        if let run { return take(run.advance(), of: run) }
        lives += 1
        var random = SplitMix64(seed: seed)
        var hazards =
            lives <= Self.disturbedLivesMax ? Hazards(&random, machine.files) : Hazards()
        if let clockJumps { hazards.clockJumps = clockJumps }
        // What only the system keeps is safe from kills alone.
        if case .received(let received) = pipeline.input.form, received.sync == .os {
            hazards.powerCut = nil
        }
        if let damage, random.chance(losesQueues ? 0.8 : 0.4) {
            if damage.strike(machine.files, &random) { lostRows += 1 }
            damages += 1
        }
        var setting = setting
        setting.workers = random.int(1...4)
        machine.trace.note("\(pipeline.name), life \(lives): \(hazards) \(setting)")
        let run = SimulatedRun(
            on: machine, hazards: hazards, seed: random.next(),
            isInputWhole: pipeline.isLive ? { [unowned self] in isInputWhole } : nil)
        self.run = run
        return take(try run.begin(pipeline, setting), of: run)
    }

    private func take(_ end: SimulatedRun.End?, of run: SimulatedRun) -> SimulatedRun.End? {
        guard let end else { return nil }
        hasReadAll = run.hasReadAll
        self.run = nil
        return end
    }

    /// Whether a run says that it has ended: the next one would begin anew.
    func hasEnded(_ files: MemoryFileSystem) -> Bool {
        let files = files.crashKeepingWritten()
        let list = try? CheckpointInspection(setting.statePath, fileSystem: files).list()
        return list?.checkpoints.last?.hasEnded == true
    }

    /// What is wrong with the output; nil if nothing is.
    func fault(in files: MemoryFileSystem) throws -> String? {
        let rows = try pipeline.rows(in: files.crashKeepingWritten())
        for output in pipeline.outputs {
            let (wanted, found) = (expected[output.sink] ?? [], rows[output.sink] ?? [])
            let fault =
                isRepeating(output)
                ? Repetition(wanted, keepsOrder: output.keepsOrder).fault(
                    in: found, extraMax: extraMax(output))
                : found == wanted ? nil : Self.difference(found, wanted)
            if let fault { return "\(pipeline.name), sink \(output.sink): \(fault)" }
        }
        return nil
    }

    /// Whether rows may come twice in an output.
    private func isRepeating(_ output: SimulatedPipeline.Output) -> Bool {
        if case .receiver = output.kind { return true }
        return pipeline.client != nil
    }

    /// How many rows may come again; nil where that is not known.
    private func extraMax(_ output: SimulatedPipeline.Output) -> Int? {
        let resent = (pipeline.client?.resentCount ?? 0) * output.inputCount
        if case .receiver = output.kind { return lives == 1 ? resent : nil }
        return resent
    }

    /// What is wrong with what a run says and leaves that has come to its end.
    func fault(of outcome: Engine.Outcome, _ files: MemoryFileSystem, hadFaults: Bool) -> String? {
        for (step, wanted) in zip(outcome.statistics.steps, expectedCounters)
        where pipeline.client == nil && step.counters != wanted {
            return "step \(step.name): \(step.counters), not \(wanted)"
        }
        // One that was stopped leaves all that the next one may need.
        if pipeline.isLive { return nil }
        let left = files.paths.filter { isOfRun($0, hadFaults: hadFaults) }
        return left.count == 1 ? nil : "what is left: \(left)"
    }

    /// Whether a file belongs to a run: of those only the last manifest stays.
    private func isOfRun(_ path: String, hadFaults: Bool) -> Bool {
        let name = FilePath.name(of: path)
        guard path.hasPrefix("\(setting.statePath)/") else {
            let isOther = path.hasPrefix("state") || path.contains("-second") != (upstream != nil)
            return !isOther && name.contains(".weir-") && name.last?.isNumber == true
        }
        // A disk that fails may keep what the next run takes away.
        let isRemovedLater = name == "RESERVE" || name.hasSuffix(".new")
        return
            !(name == "LOCK" || name.hasSuffix(".damaged") || isRemovedLater && hadFaults)
    }

    private static func difference(_ found: [String], _ wanted: [String]) -> String {
        let change = found.difference(from: wanted)
        let missing = change.removals.count
        let added = change.insertions.count
        let first = change.first.map { change -> String in
            switch change {
            case .remove(let offset, let row, _): "row \(offset) is missing: \(row)"
            case .insert(let offset, let row, _): "row \(offset) is too many: \(row)"
            }
        }
        return "\(found.count) rows, not \(wanted.count); "
            + "\(missing) missing, \(added) too many; \(first ?? "")"
    }
}
