import Dataflow
import TestSupport
import Testing

@testable import Execution

/// Whole plans under the simulator: no deadlock, and the results of a plain run on one worker.
struct SimulationTests {
    /// Three exchanges in a chain, with side outputs of several tasks in one sink.
    static let chain = """
        settings: { dead_letter: rejects }
        sources:
          in:
            type: stdin
            schema: { id: string, shop: int, region: string, amount: int, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 3s }
        steps:
          unique: { type: dedup, key: id, bucket: 1m, retain: 30s }
          priced: { type: map, set: { amount: amount * 2, share: 100 / (amount - 13) } }
          minutes:
            type: window
            by: [ region, shop ]
            window: { kind: tumbling, size: 10s }
            aggregate: { n: count(), total: sum(amount), first: first(id), last: last(id) }
          named: { type: map, set: { big: total > 120 } }
          overall:
            type: window
            by: big
            window: { kind: tumbling, size: 1m }
            aggregate:
              { windows: count(), n: sum(n), total: sum(total), regions: count_distinct(region) }
        sinks:
          out: { type: stdout }
          middle: { type: stdout, inputs: [ minutes, unique ] }
          late: { type: stdout, inputs: [ unique.late, minutes.late, overall.late ] }
          rejects: { type: stdout }
        """

    /// Orders with duplicates, disorder, late ones and broken ones.
    static func lines(_ count: Int, seed: UInt64, prefix: String = "") -> [String] {
        var random = SplitMix64(seed: seed)
        var lines: [String] = []
        for row in 0..<count {
            if random.chance(0.02) {
                lines.append("{\"id\":")
                continue
            }
            let id = random.chance(0.3) ? random.int(0...row) : row
            let lag = random.chance(0.05) ? random.int(0..<120_000) : random.int(0..<6_000)
            let time = 1_700_000_000_000 + row * 700 - lag
            lines.append(
                "{\"id\":\"\(prefix)\(id)\",\"shop\":\(random.int(0..<4)),\"region\":"
                    + "\"r\(random.int(0..<3))\",\"amount\":\(random.int(1..<40)),\"ts\":\(time)}")
        }
        return lines
    }

    /// What a run gave, in an order that does not depend on it.
    static func result(_ plan: TestPlan) -> [[String]] {
        plan.plan.sinks.map { sink in
            plan.collected.lines(sink.name).map { line in
                // Places name the start of a chunk.
                guard let value = try? JSONValue(line), case .object(let members) = value
                else { return line }
                return "\(JSONValue.object(members.filter { $0.name != "position" }))"
            }.sorted()
        }
    }

    private func plan(
        _ lines: [String], linesInChunk: Int, _ settings: String...
    ) throws -> TestPlan {
        try TestPlan(
            Self.chain, set: settings.map { "settings.\($0)" },
            sources: [
                "in": {
                    ScriptedSource(
                        TestPlan.chunks(lines, of: linesInChunk).flatMap { [.nothing(1), $0] })
                }
            ])
    }

    /// Runs a plan with threads, on one worker.
    static func plain(_ plan: TestPlan) -> [[String]] {
        let outcome = Engine(plan.plan, clock: VirtualClock().clock) { _ in }.run()
        #expect(outcome.failure == nil)
        #expect(outcome.statistics.isConserved)
        return result(plan)
    }

    @Test(arguments: Seeds.list(6))
    func exchangesInAChainNeverStandStill(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let lines = Self.lines(random.int(50..<400), seed: seed)
        let expected = Self.plain(try plan(lines, linesInChunk: 1000, "workers=1"))
        #expect(expected.allSatisfy { !$0.isEmpty })
        for workers in [1, 2, 3, 7] {
            for tickets in [1, 2, random.int(3..<30)] {
                let rows = random.pick([1, 3, 4096])
                let plan = try plan(
                    lines, linesInChunk: random.pick([1, 4, 25]), "workers=\(workers)",
                    "chunks_in_flight=\(tickets)", "batch_rows=\(rows)")
                var simulator = try Simulator(
                    plan.plan, seed: random.next(), stalls: (random.pick([0, 0.05]), 300))
                let outcome = simulator.run()
                let note = "\(workers) workers, \(tickets) tickets; \(Seeds.note(seed))"
                #expect(!outcome.isDeadlocked, "\(note)")
                #expect(outcome.failure == nil, "\(note)")
                #expect(outcome.statistics.isConserved, "\(note)")
                #expect(Self.result(plan) == expected, "\(note)")
            }
        }
    }

    @Test(arguments: Seeds.list(8))
    func stoppingWritesWhatWasReadAndClosesNoWindow(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let lines = Self.lines(200, seed: seed)
        let inChunk = random.int(1..<6)
        let chunks = TestPlan.chunks(lines, of: inChunk)
        let settings = [
            "settings.workers=\(random.pick([1, 2, 3]))",
            "settings.chunks_in_flight=\(random.pick([1, 2, 20]))",
        ]
        let progress = ScriptedSource.Progress()
        let plan = try TestPlan(
            Self.chain, set: settings,
            sources: ["in": { ScriptedSource(chunks, progress: progress) }])
        var simulator = try Simulator(
            plan.plan, seed: random.next(), stalls: (0.02, 100))
        let outcome = simulator.run(stopAt: random.int(0..<300))
        #expect(!outcome.isDeadlocked, "\(Seeds.note(seed))")
        #expect(outcome.statistics.isConserved)
        // The same input up to there, then silence: a live source that is stopped when all is done.
        let read = Array(chunks.prefix(progress.read))
        let shorter = try TestPlan(
            Self.chain, set: ["settings.workers=1"],
            sources: ["in": { ScriptedSource(read, isBounded: false) }])
        var reference = try Simulator(shorter.plan, seed: 1)
        let standstill = reference.run()
        #expect(standstill.isDeadlocked, "a live source has no end")
        #expect(Self.result(plan) == Self.result(shorter), "\(Seeds.note(seed))")
        #expect(plan.collected.closes == 4)
    }

    @Test(arguments: Seeds.list(6))
    func boundedSourcesInterleaveByTheirContentAlone(_ seed: UInt64) throws {
        let yaml = """
            sources:
              a:
                type: stdin
                schema: { id: string, shop: int, region: string, amount: int, ts: timestamp_ms }
                event_time: ts
                watermark: { max_delay: 3s }
              b:
                type: tcp
                listen: "127.0.0.1:1"
                schema: { id: string, ts: timestamp_ms }
                event_time: ts
                watermark: { max_delay: 0s }
              c: { type: tcp, listen: "127.0.0.1:2", schema: { id: string } }
            sinks:
              out: { type: stdout, inputs: [ a, b, c ] }
              errors: { type: stdout, inputs: [ a.errors, b.errors ] }
              more: { type: stdout, inputs: [ c.errors ] }
            """
        var random = SplitMix64(seed: seed)
        let (a, b, c) = (
            Self.lines(60, seed: seed, prefix: "a"), Self.lines(90, seed: seed + 1, prefix: "b"),
            Self.lines(20, seed: seed + 2, prefix: "c")
        )
        func plan(_ workers: Int, _ tickets: Int) throws -> TestPlan {
            try TestPlan(
                yaml,
                set: ["settings.workers=\(workers)", "settings.chunks_in_flight=\(tickets)"],
                sources: [
                    "a": { ScriptedSource(TestPlan.chunks(a, of: 3)) },
                    "b": { ScriptedSource(TestPlan.chunks(b, of: 2)) },
                    "c": { ScriptedSource(TestPlan.chunks(c, of: 5)) },
                ])
        }
        let first = try plan(1, 100)
        _ = Self.plain(first)
        #expect(first.collected.lines("out").count > 150)
        for (workers, tickets) in [(1, 1), (2, 1), (3, 10), (7, 40)] {
            let plan = try plan(workers, tickets)
            var simulator = try Simulator(plan.plan, seed: random.next())
            let outcome = simulator.run()
            #expect(!outcome.isDeadlocked && outcome.failure == nil, "\(Seeds.note(seed))")
            // Without an exchange even the order is the same.
            for sink in ["out", "errors", "more"] {
                #expect(plan.collected.text(sink) == first.collected.text(sink))
            }
        }
    }
}
