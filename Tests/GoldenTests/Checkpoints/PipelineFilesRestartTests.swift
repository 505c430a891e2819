import Execution
import TestSupport
import Testing

/// Every file of `pipelines/`, undisturbed, with checkpoints, and interrupted again and again: its
/// files are the same.
///
/// What is read from a pipe or a connection cannot be read again, and so no run goes on behind what
/// an earlier one had taken from it: `shell-filter`, `csv-hourly` and `tcp-enrich` read the same
/// rows from files here, as somebody does who needs every row exactly once. Standard output and
/// TCP take no row back: files stand in for them.
struct PipelineFilesRestartTests {
    /// A file of `pipelines/`, and how it is changed.
    struct Case: Sendable, CustomTestStringConvertible {
        let title: String
        let name: String
        let set: [String]
        let input: @Sendable () throws -> [String: String]
        let chunkBytes: Int
        /// Reads of the source until a run is interrupted.
        let reads: ClosedRange<Int>

        var testDescription: String { title }
    }

    private static let states = [
        "{ path: state, memory_limit: 1MiB }", "{ path: state, backend: memory, reserve: 64KiB }",
    ]

    /// The files as their golden tests read them, in small chunks.
    private static let files = PipelineFilesTests.cases.map { file in
        Case(
            title: file.name, name: file.name, set: file.set, input: file.input,
            chunkBytes: file.name == "csv-hourly" ? 200 : 1500, reads: 2...6)
    }

    /// The files that generate their rows, with their own sources.
    private static let generated: [Case] =
        [
            generated(
                "live-orders", ["sources.orders.rate=1000000/s", "sources.orders.users=500"],
                sink: "totals"),
            generated("sensors-hourly", [], source: "readings", sink: "summary"),
        ]
        + Workload.allCases.map { workload in
            var set = ["sources.orders.users=500"]
            if workload.needsShops { set.append("sources.shops.rows=2000") }
            if let step = workload.lateStep {
                set.append("sinks.late={ type: file, inputs: \(step).late, path: late }")
            }
            return generated(workload.rawValue, set)
        }

    private static func generated(
        _ name: String, _ set: [String], source: String = "orders", sink: String = "out"
    ) -> Case {
        Case(
            title: "\(name), generated", name: name,
            set: set + [
                "sources.\(source).rows=5000", "sources.\(source).span=40m",
                "sinks.\(sink).type=file", "sinks.\(sink).path=out/\(sink)",
            ],
            input: { [:] }, chunkBytes: 20 << 10, reads: 3...14)
    }

    @Test func everyFileIsInterrupted() {
        let names = Set((Self.files + Self.generated).map(\.name))
        #expect(
            names == Set(PipelineFilesTests.cases.map(\.name) + Workload.allCases.map(\.rawValue)))
    }

    private func fileSystem(_ file: Case) throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        for (path, text) in try file.input() { files.put(path, text) }
        return files
    }

    /// Output files by path, their lines sorted; places of error rows say where a chunk starts, so
    /// they are left out.
    private func outputs(_ run: PipelineRun, _ inputs: Set<String>) -> [String: [String]] {
        var outputs: [String: [String]] = [:]
        for path in run.files.paths where !path.hasPrefix("state/") && !inputs.contains(path) {
            let name = path.split(separator: "/").last ?? ""
            // What a sink keeps beside its files.
            if name.hasSuffix(".weir-journal") || name.hasSuffix(".weir-lock") { continue }
            // Parsing takes its time: only error rows have a place.
            outputs[path] = run.lines(path).map { line in
                line.hasPrefix("{\"error\"") ? PipelineFilesTests.withoutPlace(line) : String(line)
            }.sorted()
        }
        return outputs
    }

    private func expectSame(
        _ run: PipelineRun, _ plain: PipelineRun, _ inputs: Set<String>, _ note: String
    ) {
        let (found, expected) = (outputs(run, inputs), outputs(plain, inputs))
        #expect(found.keys.sorted() == expected.keys.sorted(), "\(note)")
        for (path, lines) in expected {
            let difference = found[path, default: []].difference(from: lines)
            #expect(difference.isEmpty, "\(path) \(note)")
        }
    }

    @Test(arguments: files + generated, states)
    func checkpointsAndInterruptionsChangeNothing(_ file: Case, _ state: String) throws {
        let inputs = Set(try file.input().keys)
        let plain = try PipelineRun.run(
            try Repository.text("pipelines/\(file.name).yaml"), name: file.name,
            over: try fileSystem(file), set: file.set + ["settings.workers=1"])
        #expect(plain.failure == nil)
        #expect(outputs(plain, inputs).values.contains { !$0.isEmpty })
        let whole = try PipelineRun.run(
            try Repository.text("pipelines/\(file.name).yaml"), name: file.name,
            over: try fileSystem(file),
            set: file.set + Restarts.settings(state, chunkBytes: file.chunkBytes)
                + ["settings.workers=2"])
        #expect(whole.failure == nil)
        expectSame(whole, plain, inputs, "undisturbed")
        for seed in Seeds.list(inputs.isEmpty ? 1 : 2) {
            var random = SplitMix64(seed: seed)
            let (run, count) = try Restarts.finish(
                file.name, over: try fileSystem(file), set: file.set, state: state,
                chunkBytes: file.chunkBytes, reads: file.reads, random: &random)
            #expect(count > 1, "\(Seeds.note(seed))")
            expectSame(run, plain, inputs, "\(count) runs; \(Seeds.note(seed))")
            for (step, expected) in zip(run.statistics.steps, plain.statistics.steps) {
                #expect(step.counters == expected.counters, "\(Seeds.note(seed))")
            }
        }
    }
}
