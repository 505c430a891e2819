import ArgumentParser
import Storage

/// `weir log release`
struct LogReleaseVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Lets go of what a pipeline that is no more holds of a log.",
        discussion: """
            The checkpoints of a pipeline hold the records of a log that they begin at, and nobody \
            trims those. A pipeline that was removed, or whose state was, holds them for ever: weir \
            log stats says which there are. One that is in use is set again by its pipeline.
            """)

    @OptionGroup var log: LogArguments

    @Argument(help: "The hold, as weir log stats and weir log trim name it.")
    var hold: String

    func run() throws {
        try LogCommand.run {
            let (view, files) = (try log.view(), Machine.files)
            let names = try LogHold.all(on: view.directory, fileSystem: files).map(\.name)
            guard names.contains(hold) else {
                let there = names.isEmpty ? "there is none" : names.joined(separator: ", ")
                StandardError.write(
                    "weir: error: there is no hold '\(hold)' of \(log.directory): \(there)")
                throw ExitStatus.badConfiguration
            }
            try LogHold.release(hold, on: view.directory, fileSystem: files)
        }
    }
}
