import ArgumentParser
import Dataflow
import Execution
import Foundation
import Pipeline
import Storage

/// `weir-bench batches`
struct BatchesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batches",
        abstract: "Measures how long the batches of a step take within a running pipeline.",
        discussion: """
            Runs the pipeline in this process, to its end, with the named step between two looks \
            at the clock; prints a JSON object. Its sinks write as they are told to.
            """)

    @Argument(help: "The pipeline file.")
    var file: String

    @Option(help: "The step that is measured.")
    var step: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Sets a value of the file.", valueName: "a.b.c=value"))
    var overrides: [String] = []

    func run() throws {
        let files = DiskFileSystem()
        let environment = ProcessInfo.processInfo.environment
        let world = PipelineWorld.system(
            fileSystem: files, coreCount: ProcessInfo.processInfo.activeProcessorCount
        ) { environment[$0] }
        let result = Planner.check(
            Array(try Data(contentsOf: URL(filePath: file))), name: file,
            overrides: overrides.map(Override.init), world: world)
        guard !result.hasErrors, let pipeline = result.pipeline else {
            let texts = result.diagnostics.map(\.description)
            throw ValidationError(texts.joined(separator: "\n"))
        }
        let notice: @Sendable (String) -> Void = {
            FileHandle.standardError.write(Data("\($0)\n".utf8))
        }
        var plan = try pipeline.plan(
            in: Surroundings(
                fileSystem: files, clock: .system, zones: world.zones, notice: notice))
        guard let times = plan.time(step) else {
            throw ValidationError("\(file) has no step '\(step)'")
        }
        let outcome = Engine(plan, clock: .system, log: notice).run()
        if let failure = outcome.failure { throw failure }
        print(report(times.timer, outcome.statistics).text)
    }

    private func report(_ timer: BatchTimer, _ statistics: Statistics) -> ResultJSON {
        let rows = statistics.steps.first { $0.name == step }?.counters.received ?? 0
        return [
            "step": .text(step), "rows": .int(rows), "batches": .int(timer.batches.count),
            "seconds": .number(Double(timer.nanoseconds) / 1e9, digits: 3),
            "batchMedianMicros": .number(timer.batchMicroseconds(0.5), digits: 1),
            "batchP99Micros": .number(timer.batchMicroseconds(0.99), digits: 1),
            "batchMaxMicros": .number(timer.batchMicroseconds(1), digits: 1),
            "threadMedianMicros": .number(timer.threadMicroseconds(0.5), digits: 1),
            "threadP99Micros": .number(timer.threadMicroseconds(0.99), digits: 1),
            "checkpoints": .int(statistics.checkpoints?.completed ?? 0),
            "bytesFlushed": .int(statistics.stateBytes.flushed),
            "bytesMerged": .int(statistics.stateBytes.merged),
        ]
    }
}
