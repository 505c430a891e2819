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

    func run() throws {
        let description = try pipeline.check().describe()
        switch format {
        case .text: print(description.text())
        case .dot: print(description.dot())
        case .mermaid: print(description.mermaid())
        }
    }
}
