import TestSupport
import Testing

/// Whole pipelines on one thread: what one seed decides, from the pipeline to the kills, ends with
/// the output of an undisturbed run.
///
/// A pipeline reads files, a log, files that grow and are rotated, or what a client sends to a
/// buffer; or there are two with a log between them, each killed on its own. It writes files, logs,
/// or to a receiver behind a queue. Of state in two places one may be damaged or lost, with the
/// rows that wait in queues. What comes of a client or goes to a receiver is there at least once,
/// everything else exactly once.
///
///     WEIR_SEEDS=10000 swift test --filter SimulatedPipelineTests      # many seeds
///     WEIR_SEED=n WEIR_SEEDS=1 swift test --filter SimulatedPipelineTests   # one of them again
///
/// One seed alone also prints all that happens: whose turn it is, and every operation on files.
struct SimulatedPipelineTests {
    private static let shardCount = 4
    private static let seeds = Seeds.many(200)

    @Test(arguments: 0..<shardCount)
    func whateverHappensTheOutputIsThatOfAnUndisturbedRun(_ shard: Int) throws {
        var counts = Simulation.Counts()
        for seed in stride(from: shard, to: Self.seeds.count, by: Self.shardCount) {
            let seed = Self.seeds[seed]
            do {
                var options = Simulation.Options()
                options.keepsTrace = Self.seeds.count == 1
                let outcome = try Simulation.run(seed: seed, options)
                for line in outcome.trace.lines { print(line) }
                #expect(outcome.failure == nil, "\(Self.note(seed))")
                counts += outcome.counts
            } catch {
                Issue.record("\(error); \(Self.note(seed))")
            }
        }
        guard Self.seeds.count >= 200 else { return }
        #expect(counts.kills > 0 && counts.stops > 0 && counts.failures > 0)
        #expect(counts.stateFiles > 0 && counts.rotations > 0 && counts.resent > 0)
        #expect(counts.damages > 0)
    }

    /// The machine is lost with its queues while rows wait for receivers, again and again.
    @Test func rowsThatWaitOutliveTheMachine() throws {
        var counts = Simulation.Counts()
        for seed in Seeds.many(60) {
            var options = Simulation.Options()
            options.losesQueues = true
            let outcome = try Simulation.run(seed: seed, options)
            #expect(outcome.failure == nil, "\(Self.note(seed))")
            counts += outcome.counts
        }
        guard Seeds.many(60).count >= 60 else { return }
        #expect(counts.lostRows > 10)
    }

    @Test(arguments: Seeds.list(4))
    func aSeedReplaysExactly(_ seed: UInt64) throws {
        let (one, other) = (try Simulation.run(seed: seed), try Simulation.run(seed: seed))
        #expect(one.trace.count > 100)
        #expect(one.trace == other.trace, "\(Self.note(seed))")
    }

    /// Event time is all that counts, so a wall clock that is wrong changes nothing.
    @Test(arguments: [nil, 0], Seeds.list(4))
    func aClockThatJumpsOrStartsIn1970ChangesNothing(_ start: Int64?, _ seed: UInt64) throws {
        var options = Simulation.Options()
        options.wallStart = start
        options.clockJumps = 0.05
        let outcome = try Simulation.run(seed: seed, options)
        #expect(outcome.failure == nil, "\(Self.note(seed))")
    }

    static func note(_ seed: UInt64) -> String {
        "repeat with WEIR_SEED=\(seed) WEIR_SEEDS=1 swift test --filter SimulatedPipelineTests"
    }
}
