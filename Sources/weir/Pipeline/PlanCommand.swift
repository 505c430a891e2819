import ArgumentParser
import Connectors
import Dataflow
import Execution
import Pipeline
import Storage

/// `weir plan`
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Says what becomes of state when a pipeline goes on with an edited file.",
        discussion: """
            Looks at the newest checkpoint of OLD and says of each source, step and sink whether it \
            is kept, migrated, reset, dropped or added, and how many bytes of state it has. Changes \
            nothing. Ends with 3 if state would be lost that no --allow-reset names; weir run \
            refuses the same.
            """)

    @Argument(help: ArgumentHelp("The pipeline file as it ran.", valueName: "old"))
    var old: String

    @Argument(help: ArgumentHelp("The edited pipeline file.", valueName: "new"))
    var new: String

    @Option(
        name: .customLong("allow-reset"),
        help: ArgumentHelp("Lets a step, source or sink begin anew.", valueName: "name"))
    var allowedResets: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Sets a value of both files, as weir run is told to.", valueName: "a.b.c=value"))
    var overrides: [String] = []

    @Flag(help: "Prints one JSON object a line.")
    var json = false

    func run() throws {
        let edits: PlanEdits
        do {
            let (before, after) = (try plan(old), try plan(new))
            try ResetNames.check(allowedResets, of: before, after)
            edits = try PlanEdits(from: before, to: after)
        } catch let status as ExitStatus {
            throw status
        } catch {
            StandardError.write("weir: error: \(error)")
            throw (error as? StorageError).map { ExitStatus($0) } ?? .damagedState
        }
        if json {
            for edit in edits.edits { print(Self.line(edit).text) }
        } else {
            for line in edits.lines { print(line) }
            if edits.epoch == nil { print("there is no checkpoint yet: nothing can be lost") }
        }
        let losses = edits.losses(allowing: Set(allowedResets))
        for loss in losses { StandardError.write("weir: error: \(loss)") }
        if !losses.isEmpty { throw ExitStatus.wouldLoseState }
    }

    private func plan(_ file: String) throws -> Plan {
        let world = PipelineWorld.machine
        let result = try PipelineChecking.check(file, overrides: overrides, world: world)
        let checked = try PipelineChecking.accept(result, of: file)
        do {
            return try checked.plan(
                in: Surroundings(
                    fileSystem: DiskFileSystem(), clock: .system, zones: world.zones,
                    notice: { _ in }))
        } catch {
            StandardError.write("\(file): error: \(error)")
            throw ExitStatus.badConfiguration
        }
    }

    private static func line(_ edit: PlanEdits.Edit) -> JSONLine {
        var line = JSONLine()
        line.add("kind", edit.kind.rawValue)
        line.add("name", edit.name)
        line.add("fate", edit.fate.rawValue)
        line.add("bytes", edit.byteCount)
        line.add("loses_state", edit.losesState)
        if let change = edit.change { line.add("change", change) }
        return line
    }
}
