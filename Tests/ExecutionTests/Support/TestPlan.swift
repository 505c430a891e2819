import Connectors
import Dataflow
import Operators
import Pipeline
import Storage
import TestSupport
import Testing

/// Plans for tests: checked from the text of a pipeline file, with scripted sources and sinks that
/// collect.
struct TestPlan {
    var plan: Plan
    let collected = Collected()

    /// A plan of `yaml`, whose sources are of type stdin or file and are given by `sources`; `set`
    /// as on the command line. Sinks may be of any type.
    init(
        _ yaml: String, set: [String] = [], faults: [String: CollectingWriter.Fault] = [:],
        sources: [String: @Sendable () -> any Source],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let files = MemoryFileSystem()
        let world = PipelineWorld.system(fileSystem: files, coreCount: 2) { _ in nil }
        let result = Planner.check(
            Array(yaml.utf8), name: "test", overrides: set.map { Override($0) }, world: world)
        let errors = result.diagnostics.map(\.description)
        #expect(errors == [], sourceLocation: sourceLocation)
        let pipeline = try #require(result.pipeline, sourceLocation: sourceLocation)
        var plan = try pipeline.plan(
            in: Surroundings(
                fileSystem: files, clock: VirtualClock().clock, zones: world.zones,
                notice: { _ in }))
        plan.sources = try plan.sources.map { node in
            let make = try #require(sources[node.name], sourceLocation: sourceLocation)
            return Plan.SourceNode(
                name: node.name, schema: node.schema, watermark: node.watermark,
                makeSource: make, makeDecoder: node.makeDecoder, table: node.table)
        }
        let collected = collected
        plan.sinks = plan.sinks.map { node in
            let (name, fault) = (node.name, faults[node.name] ?? .none)
            return Plan.SinkNode(name: name, inputs: node.inputs) {
                CollectingWriter(name, into: collected, fault: fault)
            }
        }
        self.plan = plan
    }

    /// The lines of a text in chunks of `count` lines.
    static func chunks(_ lines: [String], of count: Int) -> [ScriptedSource.Entry] {
        stride(from: 0, to: lines.count, by: count).map { start in
            let run = lines[start..<min(start + count, lines.count)]
            return .text(run.map { "\($0)\n" }.joined())
        }
    }
}
