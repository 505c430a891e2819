import ArgumentParser
import Dataflow

/// `weir-bench micro`
struct MicroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro",
        abstract: "Measures formats, kernels, tables, joins, windows, exchanges, hops.",
        discussion: """
            One thread, data of the generator in memory; the median of several runs. Allocations \
            are calls of malloc, counted in one further run.
            """)

    @Option(help: "Orders to work on.")
    var rows = 200_000

    @Option(help: "Timed runs of each measurement.")
    var runs = 7

    @Option(help: "Only measurements with this in their name.")
    var filter: String?

    @Flag(help: "Prints JSON instead of a table.")
    var json = false

    func validate() throws { try require(["rows": rows, "runs": runs]) }

    func run() throws {
        let arguments =
            ["micro", "--rows", String(rows)] + (filter.map { ["--filter", $0] } ?? [])
        let allocations =
            AllocationTrace.isOn ? [:] : try AllocationTrace.counts(arguments: arguments)
        let data = try BenchData(rowCount: rows)
        var bench = Bench(runs: runs, filter: filter, allocations: allocations)
        try FormatMeasurements(data: data).run(&bench)
        try KernelMeasurements(data: data).run(&bench)
        try StateMeasurements(data: data).run(&bench)
        EngineMeasurements(data: data).run(&bench)
        if AllocationTrace.isOn { return }
        if json {
            print("[" + bench.results.map(\.json).joined(separator: ",\n ") + "]")
        } else {
            print(Measurement.heading)
            for measurement in bench.results { print(measurement.line) }
        }
    }
}
