import ArgumentParser
import Pipeline

/// `weir check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks pipeline files and shows everything that is wrong with them, at once.",
        discussion: """
            Ends with 0 if all files are good, with 2 if one is not. Diagnostics go to standard \
            error as file:line:column; with --json they go to standard output, one object a line.
            """)

    @Argument(help: "Pipeline files.")
    var files: [String]

    @Flag(help: "Prints diagnostics as JSON on standard output.")
    var json = false

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Sets a value of the files, as if it stood there.", valueName: "a.b.c=value"))
    var overrides: [String] = []

    @Option(help: PipelineWorld.sampleHelp)
    var input: String?

    func run() throws {
        var world = PipelineWorld.machine
        if let input { try world.sample(from: input) }
        var isGood = true
        for file in files {
            let result: Planner.Result
            do throws(ExitStatus) {
                result = try PipelineChecking.check(file, overrides: overrides, world: world)
            } catch {
                isGood = false
                continue
            }
            for diagnostic in result.diagnostics {
                if json {
                    print(diagnostic.json)
                } else {
                    StandardError.write(diagnostic.description)
                }
            }
            if result.hasErrors { isGood = false } else if !json { print("\(file): ok") }
        }
        if !isGood { throw ExitStatus.badConfiguration }
    }
}
