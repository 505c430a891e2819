import Dataflow
import TestSupport
import Testing

@testable import Execution

/// Tables whose rows change while the stream passes.
struct LiveTableTests {
    private static let yaml = """
        sources:
          in: { type: stdin, schema: { id: string, key: int } }
          versions:
            type: file
            paths: [ "versions*" ]
            follow: true
            schema: { key: int, version: int }
            table: { key: key }
        steps:
          joined: { type: broadcast_join, table: versions, on: key, kind: left }
        sinks:
          out: { type: stdout }
          rejects: { type: stdout, inputs: versions.errors }
        """

    /// Every version of the table sets all keys to one number, so that a row that saw a table half
    /// changed, or rows of one chunk that saw different ones, would show.
    private func run(_ seed: UInt64, workers: Int, tickets: Int) throws -> [(
        row: Int, version: Int
    )] {
        let keys = 0..<5
        let versions: [ScriptedSource.Entry] = (1...30).flatMap {
            version -> [ScriptedSource.Entry] in
            let rows = keys.map { "{\"key\":\($0),\"version\":\(version)}\n" }.joined()
            let bad = version % 10 == 0 ? "{\"key\":null,\"version\":1}\n" : ""
            let pause: [ScriptedSource.Entry] = version == 1 ? [] : [.nothing(2)]
            return pause + [.text(rows + bad)]
        }
        let rows = (0..<300).map { "{\"id\":\"\($0)\",\"key\":\($0 % 5)}" }
        let plan = try TestPlan(
            Self.yaml,
            set: ["settings.workers=\(workers)", "settings.chunks_in_flight=\(tickets)"],
            sources: [
                "in": { ScriptedSource(TestPlan.chunks(rows, of: 4)) },
                "versions": { ScriptedSource(versions, isBounded: false) },
            ])
        var simulator = try Simulator(plan.plan, seed: seed, stalls: (0.05, 30))
        let outcome = simulator.run()
        #expect(!outcome.isDeadlocked && outcome.failure == nil, "\(Seeds.note(seed))")
        return plan.collected.lines("out").map { line in
            let value = try? JSONValue(line)
            guard case .string(let id)? = value?["id"],
                case .number(let version)? = value?["version"]
            else { return (-1, -1) }
            return (Int(id) ?? -1, Int(version) ?? -1)
        }
    }

    @Test(arguments: Seeds.list(10))
    func versionsTakeEffectBetweenChunksForAllWorkersAtOnce(_ seed: UInt64) throws {
        var seen: Set<Int> = []
        for (workers, tickets) in [(1, 1), (2, 3), (3, 20), (7, 2)] {
            let rows = try run(seed, workers: workers, tickets: tickets)
            #expect(rows.map(\.row) == Array(0..<300), "\(Seeds.note(seed))")
            // The table is whole before the first row, and never falls back.
            #expect(rows.allSatisfy { $0.version >= 1 })
            let versions = rows.map(\.version)
            #expect(versions == versions.sorted(), "\(Seeds.note(seed))")
            for start in stride(from: 0, to: 300, by: 4) {
                #expect(Set(versions[start..<min(start + 4, 300)]).count == 1)
            }
            seen.formUnion(versions)
        }
        #expect(seen.count > 1, "some update came while rows passed; \(Seeds.note(seed))")
    }

    @Test func rowsWithoutAKeyGoToTheErrorsOfTheTable() throws {
        let plan = try TestPlan(
            Self.yaml,
            sources: [
                "in": { ScriptedSource([.text("{\"id\":\"a\",\"key\":1}\n")]) },
                "versions": {
                    ScriptedSource([
                        .text("{\"key\":null,\"version\":1}\n{\"key\":1,\"version\":1}\nx\n"),
                        .rejected("too long"),
                    ])
                },
            ])
        let outcome = Engine(plan.plan, clock: VirtualClock().clock) { _ in }.run()
        #expect(outcome.failure == nil)
        #expect(plan.collected.lines("out") == ["{\"id\":\"a\",\"key\":1,\"version\":1}"])
        #expect(plan.collected.lines("rejects").count == 3)
        #expect(outcome.statistics.sources[1].counters.errors == 3)
    }
}
