import Dataflow
import Synchronization
import TestSupport
import Testing

@testable import Execution

/// Whole runs on threads: how they end.
struct EngineTests {
    private static let yaml = """
        settings: { workers: 2, chunks_in_flight: 4 }
        sources:
          in: { type: stdin, schema: { id: int } }
        steps:
          some: { type: filter, where: "id <> 3" }
        sinks:
          out: { type: stdout }
          other: { type: stdout, inputs: in.errors }
        """

    private static let endless: @Sendable () -> any Source = {
        ScriptedSource((0..<100_000).map { .text("{\"id\":\($0)}\n") })
    }

    private func run(
        _ plan: TestPlan, log: LogLines = LogLines()
    ) -> Engine.Outcome {
        Engine(plan.plan, clock: VirtualClock().clock) { log.add($0) }.run()
    }

    @Test func aClosedOutputEndsTheRunQuietly() throws {
        let plan = try TestPlan(
            Self.yaml, faults: ["out": .closesAfter(2)], sources: ["in": Self.endless])
        let outcome = run(plan)
        #expect(outcome.failure == nil)
        #expect(plan.collected.closes == 2)
        #expect(plan.collected.lines("out").count < 100_000)
    }

    @Test func aSinkThatFailsEndsTheRunWithItsError() throws {
        let plan = try TestPlan(
            Self.yaml, faults: ["out": .failsAfter(3)], sources: ["in": Self.endless])
        #expect(run(plan).failure is CollectingWriter.Failure)
        #expect(plan.collected.closes == 2)
    }

    @Test func aSinkThatCannotBeOpenedOrClosedIsAnError() throws {
        let source: @Sendable () -> any Source = { ScriptedSource([.text("{\"id\":1}\n")]) }
        var plan = try TestPlan(
            Self.yaml, faults: ["out": .cannotOpen], sources: ["in": source])
        #expect(run(plan).failure is CollectingWriter.Failure)
        plan = try TestPlan(Self.yaml, faults: ["other": .cannotClose], sources: ["in": source])
        #expect(run(plan).failure is CollectingWriter.Failure)
        #expect(plan.collected.lines("out") == ["{\"id\":1}"])
    }

    @Test func aSourceThatFailsEndsTheRunWithItsError() throws {
        let plan = try TestPlan(
            Self.yaml,
            sources: ["in": { ScriptedSource([.text("{\"id\":1}\n"), .failure("gone")]) }])
        #expect(
            run(plan).failure as? ScriptedSource.Failure == ScriptedSource.Failure(text: "gone"))
        #expect(!plan.collected.hasUnflushed)
    }

    @Test func aStopFromAnotherThreadLetsALiveSourceEnd() throws {
        let progress = ScriptedSource.Progress()
        let nothings = TestSignal()
        let plan = try TestPlan(
            Self.yaml,
            sources: [
                "in": {
                    ScriptedSource(
                        [.text("{\"id\":1}\n"), .nothing(3), .text("{\"id\":2}\n"), .nothing(1)],
                        isBounded: false, progress: progress, onNothing: { nothings.raise() })
                }
            ])
        let engine = Engine(plan.plan, clock: VirtualClock().clock) { _ in }
        let thread = TestThread { engine.run().failure == nil }
        nothings.wait(for: 4)
        engine.stop()
        #expect(thread.join() == true)
        #expect(plan.collected.lines("out") == ["{\"id\":1}", "{\"id\":2}"])
        #expect(progress.wasInterrupted)
    }

    @Test func aStopBeforeTheStartEndsAtOnce() throws {
        let plan = try TestPlan(
            Self.yaml, sources: ["in": { ScriptedSource([], isBounded: false) }])
        let engine = Engine(plan.plan, clock: VirtualClock().clock) { _ in }
        engine.stop()
        #expect(engine.run().failure == nil)
    }

    @Test func rejectedRecordsGoToTheErrorsAndAreCounted() throws {
        let plan = try TestPlan(
            Self.yaml,
            sources: [
                "in": {
                    ScriptedSource([
                        .text("{\"id\":1}\n{\"id\":\"x\"}\nnonsense\n"), .rejected("too long"),
                        .text("{\"id\":3}\n"),
                    ])
                }
            ])
        let outcome = run(plan)
        #expect(plan.collected.lines("out") == ["{\"id\":1}"])
        let errors = plan.collected.lines("other").compactMap { try? JSONValue($0) }
        #expect(errors.count == 3)
        #expect(errors.allSatisfy { $0["source"] == .string("in") && $0["step"] == .string("in") })
        #expect(errors.last?["error"] == .string("too long"))
        #expect(outcome.statistics.sources[0].counters.errors == 3)
        #expect(outcome.statistics.sources[0].counters.rows == 2)
        #expect(outcome.statistics.sinks.map(\.rows) == [1, 3])
    }

    @Test func theDeadLetterTakesWhatNobodyElseTakes() throws {
        let yaml = """
            settings: { dead_letter: dead }
            sources: { in: { type: stdin, schema: { id: int } } }
            steps:
              a: { type: map, set: { x: 1 / id } }
              b: { type: map, set: { y: 1 / (id - 1) } }
            sinks:
              out: { type: stdout }
              own: { type: stdout, inputs: a.errors }
              dead: { type: stdout }
            """
        let plan = try TestPlan(
            yaml,
            sources: ["in": { ScriptedSource([.text("{\"id\":0}\n{\"id\":1}\n{\"id\":2}\n[]\n")]) }]
        )
        let outcome = run(plan)
        #expect(outcome.statistics.isConserved)
        #expect(plan.collected.lines("out") == ["{\"id\":2,\"x\":0,\"y\":1}"])
        let steps = { (sink: String) in
            plan.collected.lines(sink).map { (try? JSONValue($0))?["step"] }
        }
        #expect(steps("own") == [.string("a")])
        #expect(Set(steps("dead").map { "\($0 ?? .null)" }) == ["\"b\"", "\"in\""])
    }

    @Test func rowsThatNobodyTakesAreNamedOnceAndThenAtALimitedRate() throws {
        let clock = VirtualClock()
        let log = LogLines()
        let drops = DropLog(clock: clock.clock) { log.add($0) }
        let batch = Batch(columns: [], count: 3)
        for _ in 0..<5 { drops.note(batch, from: "unique", port: .late) }
        #expect(log.lines == ["unique.late: 3 rows that no sink takes"])
        drops.note(batch, from: "other", port: .unmatched)
        drops.note(batch, from: "other", port: .main)
        #expect(log.lines.count == 2)
        clock.advance(nanoseconds: 1_000_000_000)
        drops.note(batch, from: "unique", port: .late)
        #expect(log.lines.last == "unique.late: 15 more rows that no sink takes")
    }
}

/// Lets a test wait until something has happened so many times.
private final class TestSignal: Sendable {
    private let count = Atomic<Int>(0)
    private let parker = Parker()

    func raise() {
        count.add(1, ordering: .sequentiallyConsistent)
        parker.wake()
    }

    func wait(for times: Int) {
        while count.load(ordering: .sequentiallyConsistent) < times { parker.park() }
    }
}
