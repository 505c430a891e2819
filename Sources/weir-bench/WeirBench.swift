import ArgumentParser

/// Measurements of the parts of weir, of its state store, and of its latency as a whole.
///
/// Throughput of whole pipelines is the business of `scripts/bench`, which runs the executable.
@main
struct WeirBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-bench",
        abstract: "Measures the parts of weir, its state store, and its latency.",
        subcommands: [
            MicroCommand.self, LatencyCommand.self, StoreCommand.self, LogCommand.self,
            BatchesCommand.self,
            SoakCommand.self,
        ],
        defaultSubcommand: MicroCommand.self)
}
