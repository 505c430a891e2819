import ArgumentParser
import Pipeline

/// `weir explain`
struct ExplainCommand: ParsableCommand {
    /// How the plan is shown.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, dot, mermaid
    }

    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows how a pipeline runs: tasks, exchanges, decoded fields, state and bounds.")

    @OptionGroup var pipeline: PipelineArguments

    @Option(help: "text, dot (Graphviz) or mermaid.")
    var format = Format.text

    @Option(help: PipelineWorld.sampleHelp)
    var input: String?

    func run() throws {
        var world = PipelineWorld.machine
        // It is shown whatever this build can run.
        world.hasSQLite = true
        if let input { try world.sample(from: input) }
        let description = try pipeline.check(in: world).describe()
        switch format {
        case .text: print(description.text(), terminator: "")
        case .dot: print(description.dot(), terminator: "")
        case .mermaid: print(description.mermaid(), terminator: "")
        }
    }
}
