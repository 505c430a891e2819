import Dataflow
import Storage
import Synchronization
import TestSupport

@testable import Execution

/// Runs a plan on one thread: parts are stepped in an order that a seed decides.
///
/// No thread, no waiting and no real clock has a part in it, so a run can be repeated. A state in
/// which no part makes progress, though the run has not ended, is a deadlock.
struct Simulator {
    /// What a run came to.
    struct Outcome {
        var failure: (any Error)?
        var isDeadlocked = false
        var steps = 0
        /// The most chunks that were under way at once.
        var statistics: Statistics
    }

    let clock = VirtualClock()
    private let assembly: Assembly
    private let core: EngineCore
    private let ending: Ending
    private var random: SplitMix64
    /// Chance of a sink to stall when it is about to be stepped, and for how many steps at most.
    private let stalls: (chance: Double, steps: Int)
    private var stalledUntil: [Int]
    private var steps = 0
    private(set) var log = LogLines()

    init(_ plan: Plan, seed: UInt64, stalls: (chance: Double, steps: Int) = (0, 0)) throws {
        ending = Ending {}
        let log = log
        core = EngineCore(Topology(plan), clock: clock.clock, log: { log.add($0) }, ending: ending)
        assembly = try Assembly(core)
        random = SplitMix64(seed: seed)
        self.stalls = stalls
        stalledUntil = [Int](repeating: 0, count: assembly.sinks.count)
    }

    /// Steps parts until the run ends, or `stepsMax` is reached; `stopAt` is the step at which the
    /// run is told to stop.
    mutating func run(stopAt: Int? = nil, stepsMax: Int = 5_000_000) -> Outcome {
        var quiet = 0
        let partCount = assembly.inputs.count + assembly.workers.count + assembly.sinks.count
        var outcome = Outcome(statistics: assembly.statistics)
        // A part may be quiet because it was chosen too early; this many choices reach all parts.
        while ending.reached == nil && steps < stepsMax && quiet < 50 * partCount {
            if steps == stopAt { core.sequencer.stop() }
            steps += 1
            clock.advance(nanoseconds: 1000)
            do {
                quiet = try stepSomething() ? 0 : quiet + 1
            } catch {
                ending.reach(error)
            }
        }
        outcome.isDeadlocked = ending.reached == nil
        outcome.steps = steps
        if case .failed(let error) = ending.reached { outcome.failure = error }
        for sink in assembly.sinks {
            do {
                try sink.close(wasStopped: false)
            } catch {
                if outcome.failure == nil { outcome.failure = error }
            }
        }
        outcome.statistics = assembly.statistics
        return outcome
    }

    /// Steps a part; says whether that changed anything.
    private mutating func stepSomething() throws -> Bool {
        let (inputs, workers, sinks) = (assembly.inputs, assembly.workers, assembly.sinks)
        let choice = random.int(0..<inputs.count + workers.count + sinks.count)
        if choice < inputs.count {
            return try inputs[choice].step(waitMilliseconds: 0) == .progressed
        }
        if choice < inputs.count + workers.count {
            return try workers[choice - inputs.count].step() == .progressed
        }
        let index = choice - inputs.count - workers.count
        // A stalled sink is no standstill: time goes on.
        if steps < stalledUntil[index] { return true }
        if random.chance(stalls.chance) {
            stalledUntil[index] = steps + random.int(1...stalls.steps)
            return true
        }
        return try sinks[index].step() == .progressed
    }
}

/// Collects what is logged, from any thread.
final class LogLines: Sendable {
    private let collected = Mutex<[String]>([])

    func add(_ line: String) { collected.withLock { $0.append(line) } }

    var lines: [String] { collected.withLock { $0 } }
}
