import Dataflow
import Synchronization
import TestSupport
import Testing

@testable import Execution

/// Partitions with watermarks of their own, which fall silent, return and end.
struct IdlePartitionTests {
    private static let yaml = """
        sources:
          in:
            type: tcp
            listen: "127.0.0.1:1"
            schema: { id: string, ts: timestamp_s }
            event_time: ts
            watermark: { max_delay: 0s, per: connection, idle_timeout: 10s }
        steps:
          tens: { type: window, window: { kind: tumbling, size: 10s }, aggregate: { n: count() } }
        sinks:
          out: { type: stdout }
          late: { type: stdout, inputs: tens.late }
        """

    private func row(_ seconds: Int) -> String { "{\"id\":\"x\",\"ts\":\(seconds)}\n" }

    /// Runs a script of a live source; each read that finds nothing takes a second.
    private func run(_ script: [ScriptedSource.Entry], workers: Int = 1) throws -> Collected {
        let passes = PassingTime()
        let plan = try TestPlan(
            Self.yaml, set: ["settings.workers=\(workers)"],
            sources: [
                "in": {
                    ScriptedSource(script, isBounded: false, onNothing: { passes.second() })
                }
            ])
        var simulator = try Simulator(plan.plan, seed: 5)
        passes.set(simulator.clock)
        #expect(simulator.run().isDeadlocked, "a live source has no end")
        return plan.collected
    }

    @Test(arguments: [1, 2, 3])
    func aSilentPartitionHoldsTheOthersUntilItIsIdle(_ workers: Int) throws {
        let held: [ScriptedSource.Entry] = [
            .text(row(5), partition: 1, events: [.opened(1), .opened(2)]),
            .nothing(2),
            .text(row(25), partition: 1), .nothing(2), .text(row(35), partition: 1),
        ]
        // Partition 2 never sent anything, and holds the watermark back.
        var collected = try run(held, workers: workers)
        #expect(collected.text("out") == "")
        // Others go on sending; the silence of one alone makes it idle.
        let others = (36..<48).flatMap { second -> [ScriptedSource.Entry] in
            [.nothing(1), .text(row(second), partition: 1)]
        }
        collected = try run(held + others, workers: workers)
        #expect(collected.lines("out").count == 3)
        #expect(collected.text("late") == "")
    }

    @Test func anIdlePartitionThatReturnsCountsAgain() throws {
        let collected = try run([
            .text(row(5), partition: 1, events: [.opened(1), .opened(2)]),
            .text(row(5), partition: 2),
            .nothing(5), .text(row(15), partition: 1), .nothing(6),
            // Partition 2 is idle by now: the first window is closed.
            .text(row(3), partition: 2),
            .text(row(17), partition: 2),
            // It is active again and holds the second window open.
            .text(row(29), partition: 1),
            .text(row(18), partition: 2, events: [.finished(1)]),
        ])
        #expect(collected.lines("late") == [String(row(3).dropLast())])
        let counts = collected.lines("out").map { (try? JSONValue($0))?["n"] }
        #expect(counts == [.number("2")])
    }

    @Test func aFinishedPartitionHoldsNothing() throws {
        let collected = try run([
            .text(row(5), partition: 1, events: [.opened(1), .opened(2)]),
            .text(row(25), partition: 1),
            .events([.finished(2)]),
        ])
        #expect(collected.lines("out").count == 1)
    }

    @Test func waitingForTicketsIsNotIdleness() throws {
        var idleness = Idleness(
            WatermarkStrategy(delay: 0, idleTimeout: 10, maxFuture: nil, scope: .source), now: 0)
        let chunk = RawChunk(events: [])
        // A long time without a read, and then a read that finds something.
        #expect(idleness.note(chunk, now: 1_000_000).events == [])
        #expect(idleness.noteNothing(now: 5_000) == [])
        #expect(idleness.noteNothing(now: 10_000) == [.idle(0)])
        #expect(idleness.noteNothing(now: 20_000) == [])
    }
}

/// Lets time go on from within a source.
private final class PassingTime: Sendable {
    private let clock = Mutex<VirtualClock?>(nil)

    func set(_ clock: VirtualClock) { self.clock.withLock { $0 = clock } }

    func second() { clock.withLock { $0 }?.advance(nanoseconds: 1_000_000_000) }
}
