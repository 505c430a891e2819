import Dataflow
import Execution
import Storage
import TestSupport

/// One life of a process that runs a pipeline: its parts are stepped on one thread, in an order
/// that a seed decides, until it ends, fails or is killed.
///
/// Other parts also get their turns between the file operations of a part, as they do on threads.
final class SimulatedRun: @unchecked Sendable {
    // Sendable: a simulation has one thread.

    /// How it ended.
    enum End {
        /// It came to the end of its input, or was told to stop.
        case complete(Engine.Outcome, isFinished: Bool)
        case failed(any Error)
        case killed
        /// No part goes on.
        case stuck(String)
    }

    private let machine: SimulatedMachine
    private let process: SimulatedProcess
    let hazards: Hazards
    private let background = SimulatedBackground()
    private var sides: [SimulatedSide] = []
    private var activity: () -> Int = { 0 }
    private var comeBack: () -> Void = {}
    private var random: SplitMix64
    private var run: SteppedRun?
    private var room: DiskRoom?
    /// Names of the parts: those of the engine, then the kinds of background work.
    private var names: [String] = []
    private var weights: [Int] = []
    private var areWorkers: [Bool] = []
    /// Parts of the engine.
    private var engineCount = 0
    /// The first part that does background work, those of kind after kind.
    private var firstJob = 0
    private let jobs = BackgroundJob.allCases
    /// Parts that are being stepped, the outermost first.
    private var stack: [Int] = []
    private var steps = 0
    /// Those before all of its input was there.
    private var stepsBefore = 0
    /// Steps in a row that changed nothing.
    private var quiet = 0
    /// What a live input has to say: whether all of it is there.
    private let isInputWhole: (() -> Bool)?
    /// Whether it was stopped when all of a live input was read.
    private(set) var hasReadAll = false
    private var isEnding = false

    private static let stepsMax = 400_000
    private static let depthMax = 3

    /// A process on a machine; `isInputWhole` is given for an input that has no end of its own.
    init(
        on machine: SimulatedMachine, hazards: Hazards, seed: UInt64,
        isInputWhole: (() -> Bool)? = nil
    ) {
        self.machine = machine
        process = SimulatedProcess(on: machine)
        self.hazards = hazards
        self.isInputWhole = isInputWhole
        random = SplitMix64(seed: seed)
    }

    /// Lives from its opening to its end.
    func live(_ pipeline: SimulatedPipeline, _ setting: SimulatedPipeline.Setting) throws -> End {
        var end = try begin(pipeline, setting)
        while end == nil { end = advance() }
        return end ?? .killed
    }

    /// Opens the pipeline; gives how it ended if that is all there was to it.
    func begin(_ pipeline: SimulatedPipeline, _ setting: SimulatedPipeline.Setting) throws -> End? {
        machine.start(self)
        process.observer = { [unowned self] note in observe(note) }
        background.whileWaiting = { [unowned self] in
            // Copies are checked before there are parts.
            guard !names.isEmpty else {
                background.runAny()
                return
            }
            stepOthers()
            _ = (firstJob..<names.count).contains { isFree($0) && turn(of: $0) }
        }
        do {
            let log: @Sendable (String) -> Void = { [machine] line in
                machine.trace.note("log: \(line)")
            }
            let clock = machine.clock
            activity = { pipeline.activity }
            pipeline.client?.note = { [machine] line in machine.trace.note(line) }
            comeBack = { for receiver in pipeline.receivers { receiver.comeBack() } }
            let plan = try pipeline.plan(
                setting, over: process, clock: clock.clock,
                sides: { [unowned self] in makeSide($0) },
                log: log)
            room = plan.state?.room
            room?.wait { [unowned self] in
                clock.advance(nanoseconds: 20_000_000)
                stepOthers()
            }
            let run = try SteppedRun(
                plan, clock: clock.clock, background: background, log: log)
            self.run = run
            names = run.partNames + sides.map(\.name) + jobs.map { "\($0)" }
            engineCount = run.partNames.count
            firstJob = engineCount + sides.count
            areWorkers = names.map { $0.hasPrefix("worker") }
            weights = names.map { _ in random.pick([1, 10, 10, 10, 40]) }
        } catch let mistake as SimulatedPipeline.Mistake {
            throw mistake
        } catch {
            return leave(.failed(error))
        }
        return process.isDead ? leave(.killed) : nil
    }

    private func makeSide(_ name: String) -> SimulatedSide {
        let side = SimulatedSide(name)
        side.whileWaiting = { [unowned self, unowned side] in
            machine.clock.advance(nanoseconds: 100_000_000)
            steps += 1
            if process.isDead || steps - stepsBefore > Self.stepsMax { return false }
            guard let run, !run.hasFailed else { return isEnding }
            // The inputs of a run that has ended are closed, which ends their own waits.
            if side.isStepping && run.hasEnded && !isEnding { return false }
            // What waits at the end of a run waits for nobody but the sides.
            stepOthers()
            return true
        }
        sides.append(side)
        return side
    }

    /// Goes on by a step; gives how it ended if it did.
    func advance() -> End? {
        guard let run else { return leave(.killed) }
        guard !run.hasEnded else { return leave(finish(run)) }
        if !process.isDead && hazards.killStep == steps { kill() }
        if process.isDead { return leave(.killed) }
        if hazards.stopStep == steps {
            machine.trace.note("stop")
            run.stop()
        }
        let operations = machine.files.operationCount
        let hasProgressed = stepOne() || machine.files.operationCount > operations
        quiet = hasProgressed ? 0 : quiet + 1
        if isInputWhole != nil, !hasReadAll, quiet > 20 * names.count { return rest(run) }
        // A part may be quiet because it was chosen too early; so many choices reach all.
        if quiet > 3_000 * names.count {
            return leave(.stuck("nothing goes on: \(names)"))
        }
        // Whoever waits for input may wait for long.
        if isInputWhole?() == false { stepsBefore = steps }
        if steps - stepsBefore > Self.stepsMax {
            return leave(.stuck("no end after \(steps) steps"))
        }
        return nil
    }

    /// Lets the time pass in which a live source looks for more, and has every part look around;
    /// if there is nothing to do for any, and nothing will come, the run is told to stop.
    private func rest(_ run: SteppedRun) -> End? {
        machine.clock.advance(nanoseconds: 200_000_000)
        comeBack()
        let isWhole = isInputWhole?() ?? true
        let wasTight = room?.isTight == true
        for part in names.indices where isFree(part) && !run.hasEnded {
            if turn(of: part) || process.isDead {
                quiet = 0
                return nil
            }
        }
        quiet = 0
        // While sources pause for want of room, or did when they had their turn, there may be more.
        if isWhole && !wasTight && room?.isTight != true {
            machine.trace.note("all was read")
            hasReadAll = true
            run.stop()
        }
        return nil
    }

    private func finish(_ run: SteppedRun) -> End {
        let isFinished = run.hasInputEnded
        isEnding = true
        let outcome = run.finish()
        if process.isDead { return .killed }
        machine.trace.note("end \(steps) \(outcome.failure.map { "\($0)" } ?? "")")
        if let failure = outcome.failure { return .failed(failure) }
        return .complete(outcome, isFinished: isFinished)
    }

    /// Leaves the machine.
    private func leave(_ end: End) -> End {
        let end = process.isDead ? .killed : end
        machine.leave(self)
        run = nil
        background.whileWaiting = {}
        process.die()
        for side in sides { side.forget() }
        return end
    }

    /// Is killed by somebody else.
    func die() { process.die() }

    /// Steps a part that is not being stepped; says whether that changed anything.
    private func stepOne() -> Bool {
        steps += 1
        pass()
        var total = 0
        for part in weights.indices where isFree(part) { total += weights[part] }
        guard total > 0 else { return false }
        var choice = random.int(0..<total)
        for part in weights.indices where isFree(part) {
            choice -= weights[part]
            if choice < 0 { return turn(of: part) }
        }
        return false
    }

    /// Steps a part; says whether that changed anything.
    private func turn(of part: Int) -> Bool {
        guard let run else { return false }
        stack.append(part)
        let progressed: Bool
        switch part {
        case ..<engineCount: progressed = run.step(part) == .progressed
        case firstJob...: progressed = background.runOne(jobs[part - firstJob])
        default:
            let before = (activity(), machine.files.operationCount)
            sides[part - engineCount].turn()
            progressed = before != (activity(), machine.files.operationCount)
        }
        stack.removeLast()
        if progressed { machine.trace.note(names[part]) }
        return progressed
    }

    /// Whether a part can have a turn: workers may wait for background work, which cannot go on
    /// while it is in the middle of a turn itself.
    private func isFree(_ part: Int) -> Bool {
        if stack.isEmpty { return true }
        // Sides wait for others, who must not be in the middle of something.
        let isSide = part >= engineCount && part < firstJob
        if isSide || stack.contains(part) { return false }
        guard areWorkers[part] else { return true }
        for other in stack where other >= firstJob { return false }
        return true
    }

    /// Lets time pass.
    private func pass() {
        let clock = machine.clock
        clock.advance(nanoseconds: Int64(random.pick([1_000, 20_000, 500_000])))
        if random.chance(hazards.clockJumps) {
            let day: Int64 = 86_400_000_000
            clock.setWall(by: random.pick([day, -day]))
        }
    }

    /// Lets other parts go on for a while, in the middle of one.
    private func stepOthers() {
        guard let run, !process.isDead, stack.count < Self.depthMax else { return }
        for _ in 0..<random.int(1...8) where !run.hasEnded { _ = stepOne() }
    }

    // MARK: Files

    private func observe(_ note: MemoryFileSystem.Note) {
        guard !process.isDead else { return }
        machine.trace.note("\(note)")
        if let killing = hazards.killOperation, note.number >= killing,
            note.isBefore == hazards.killsBefore
        {
            // It is killed before it comes to that.
            if note.isBefore {
                machine.files.fail(operation: note.number, with: .error(.inputOutput))
            }
            return kill()
        }
        // Readers in other processes see a log's mark before it is durable.
        let isMark = note.path.hasSuffix("/log.marks")
        if random.chance(isMark ? 0.3 : 0.1) { machine.goOnElsewhere() }
        // A log's files are written under its locks, where nobody else comes, and the reserve may
        // be given up there.
        let isUnlocked = !note.path.hasPrefix("log-") && !note.path.hasSuffix("/RESERVE")
        guard !stack.isEmpty, isUnlocked, random.chance(0.15) else { return }
        stepOthers()
    }

    private func kill() {
        machine.trace.note("kill")
        if let seed = hazards.powerCut {
            machine.cutPower(seed: seed)
        } else {
            process.die()
        }
    }
}
