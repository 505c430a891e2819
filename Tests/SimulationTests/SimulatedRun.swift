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
        /// What the disk was then.
        case killed(MemoryFileSystem)
        /// No part goes on.
        case stuck(String)
    }

    private let files: MemoryFileSystem
    private let clock: VirtualClock
    private let hazards: Hazards
    private let background = SimulatedBackground()
    private var random: SplitMix64
    private var run: SteppedRun?
    /// Names of the parts: those of the engine, then the kinds of background work.
    private var names: [String] = []
    private var weights: [Int] = []
    /// Parts that are being stepped, the outermost first.
    private var stack: [Int] = []
    private var steps = 0
    private var killed: MemoryFileSystem?
    private(set) var trace: Trace

    private static let stepsMax = 400_000
    private static let depthMax = 3

    init(
        over files: MemoryFileSystem, clock: VirtualClock, hazards: Hazards, seed: UInt64,
        trace: Trace
    ) {
        self.files = files
        self.clock = clock
        self.hazards = hazards
        self.trace = trace
        random = SplitMix64(seed: seed)
    }

    /// Opens the pipeline and steps it to its end.
    func live(_ pipeline: SimulatedPipeline, _ setting: SimulatedPipeline.Setting) throws -> End {
        hazards.prepare(files)
        files.observe { [unowned self] note in observe(note) }
        defer {
            files.observe(nil)
            background.whileWaiting = {}
        }
        background.whileWaiting = { [unowned self] in
            // Copies are checked before there are parts.
            guard !names.isEmpty else {
                if !background.runOne(.flush) { background.runOne(.merge) }
                return
            }
            stepOthers()
            let flush = names.count - 2
            if isFree(flush) && !turn(of: flush) { _ = turn(of: flush + 1) }
        }
        let end: End
        do {
            let log: @Sendable (String) -> Void = { [unowned self] line in
                trace.note("log: \(line)")
            }
            let plan = try pipeline.plan(setting, over: files, clock: clock.clock, log: log)
            plan.state?.room?.wait { [unowned self] in
                clock.advance(nanoseconds: 20_000_000)
                stepOthers()
            }
            let run = try SteppedRun(
                plan, clock: clock.clock, background: background, log: log)
            self.run = run
            names = run.partNames + ["flush", "merge"]
            weights = names.map { _ in random.pick([1, 10, 10, 10, 40]) }
            end = stepToEnd(run)
        } catch let mistake as SimulatedPipeline.Mistake {
            throw mistake
        } catch {
            end = .failed(error)
        }
        run = nil
        if let killed { return .killed(killed) }
        return end
    }

    private func stepToEnd(_ run: SteppedRun) -> End {
        var quiet = 0
        while !run.hasEnded {
            if killed == nil && hazards.killStep == steps { kill() }
            if killed != nil { return .stuck("killed") }
            if hazards.stopStep == steps {
                trace.note("stop")
                run.stop()
            }
            let operations = files.operationCount
            let hasProgressed = stepOne() || files.operationCount > operations
            quiet = hasProgressed ? 0 : quiet + 1
            // A part may be quiet because it was chosen too early; so many choices reach all.
            if quiet > 3_000 * names.count { return .stuck("nothing goes on: \(names)") }
            if steps > Self.stepsMax { return .stuck("no end after \(steps) steps") }
        }
        let isFinished = run.hasInputEnded
        let outcome = run.finish()
        trace.note("end \(steps) \(outcome.failure.map { "\($0)" } ?? "")")
        if let failure = outcome.failure { return .failed(failure) }
        return .complete(outcome, isFinished: isFinished)
    }

    /// Steps a part that is not being stepped; says whether that changed anything.
    private func stepOne() -> Bool {
        steps += 1
        pass()
        let free = names.indices.filter { isFree($0) }
        let total = free.reduce(0) { $0 + weights[$1] }
        guard total > 0 else { return false }
        var choice = random.int(0..<total)
        guard
            let part = free.first(where: { part in
                choice -= weights[part]
                return choice < 0
            })
        else { return false }
        return turn(of: part)
    }

    /// Steps a part; says whether that changed anything.
    private func turn(of part: Int) -> Bool {
        guard let run else { return false }
        stack.append(part)
        let progressed: Bool
        switch part - run.partNames.count {
        case 0: progressed = background.runOne(.flush)
        case 1: progressed = background.runOne(.merge)
        default: progressed = run.step(part) == .progressed
        }
        stack.removeLast()
        if progressed { trace.note(names[part]) }
        return progressed
    }

    /// Whether a part can have a turn: workers may wait for background work, which cannot go on
    /// while it is in the middle of a turn itself.
    private func isFree(_ part: Int) -> Bool {
        if stack.contains(part) { return false }
        let isBackgroundBusy = stack.contains { $0 >= names.count - 2 }
        return !(isBackgroundBusy && names[part].hasPrefix("worker"))
    }

    /// Lets time pass.
    private func pass() {
        clock.advance(nanoseconds: Int64(random.pick([1_000, 20_000, 500_000])))
        if random.chance(hazards.clockJumps) {
            let day: Int64 = 86_400_000_000
            clock.setWall(by: random.pick([day, -day]))
        }
    }

    /// Lets other parts go on for a while, in the middle of one.
    private func stepOthers() {
        guard let run, killed == nil, stack.count < Self.depthMax else { return }
        for _ in 0..<random.int(1...8) where !run.hasEnded { _ = stepOne() }
    }

    // MARK: Files

    private func observe(_ note: MemoryFileSystem.Note) {
        guard killed == nil else { return }
        trace.note("\(note)")
        if note.isBefore { hazards.pass(note.number, files) }
        if note.number == hazards.killOperation && note.isBefore == hazards.killsBefore {
            kill()
            return
        }
        // A log's files are written under its locks, where nobody else comes, and the reserve may
        // be given up there.
        let isUnlocked = !note.path.hasPrefix("log-") && !note.path.hasSuffix("/RESERVE")
        guard !stack.isEmpty, isUnlocked, random.chance(0.15) else { return }
        stepOthers()
    }

    /// Takes the disk as it is; what is still done on the old one does not count.
    private func kill() {
        let left = hazards.powerCut.map { files.crash(seed: $0) } ?? files.crashKeepingWritten()
        trace.note("kill")
        killed = left
        files.failAll(from: 0, with: .inputOutput)
    }
}
