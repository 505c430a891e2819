import Dataflow
import TestSupport
import Testing

@testable import Execution

struct TopologyTests {
    private func topology(workers: Int) throws -> Topology {
        let plan = try TestPlan(
            SimulationTests.chain, set: ["settings.workers=\(workers)"],
            sources: ["in": { ScriptedSource([]) }])
        return Topology(plan.plan)
    }

    @Test func oneWorkerChainsEverything() throws {
        let topology = try topology(workers: 1)
        #expect(topology.tasks.count == 1)
        #expect(topology.tasks[0].steps == [0, 1, 2, 3, 4])
        for route in topology.tasks[0].allRoutes {
            if case .exchange = route { Issue.record("one worker has nobody to exchange with") }
        }
        // The run of the task, and a piece for each input of a sink.
        let inputs = topology.plan.sinks.reduce(0) { $0 + $1.inputs.count }
        #expect(topology.completions(ofSource: 0) == 1 + inputs)
    }

    @Test func rowsMeetBehindAnExchangeBeforeEachStepWithAKey() throws {
        let topology = try topology(workers: 3)
        #expect(topology.tasks.map(\.steps) == [[], [0, 1], [2, 3], [4]])
        #expect(topology.tasks.map(\.upstream) == [nil, 0, 1, 2])
        #expect(topology.tasks.indices.map(topology.pieces) == [1, 3, 3, 3])
        #expect(topology.tasks.indices.map(topology.senders) == [0, 1, 3, 3])
    }

    @Test func aStepWithoutAKeyStaysWithItsInput() throws {
        let yaml = """
            sources: { in: { type: stdin, schema: { id: int } } }
            steps:
              a: { type: filter, where: "id > 1" }
              b: { type: map, set: { x: id + 1 } }
            sinks: { out: { type: stdout }, more: { type: stdout, inputs: a } }
            """
        let plan = try TestPlan(
            yaml, set: ["settings.workers=4"], sources: ["in": { ScriptedSource([]) }])
        let topology = Topology(plan.plan)
        #expect(topology.tasks.count == 1)
        #expect(topology.tasks[0].inputRoutes[.main] == [.node(0)])
        #expect(topology.tasks[0].stepRoutes[0][.main] == [.node(1), .sink(1, input: 0)])
        #expect(topology.sinkTasks == [[0], [0]])
    }
}
