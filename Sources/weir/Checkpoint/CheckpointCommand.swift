import ArgumentParser
import Connectors
import Execution
import Storage

/// `weir checkpoint`
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Shows, checks, copies and removes the checkpoints of a pipeline.",
        discussion: """
            DIR is the path of settings.state, or that of a second place. Ends with 4 if a \
            checkpoint is damaged.
            """,
        subcommands: [
            CheckpointListCommand.self, CheckpointVerifyCommand.self, CheckpointNowCommand.self,
            CheckpointPruneCommand.self, CheckpointExportCommand.self,
            CheckpointRestoreCommand.self,
        ])
}

/// The directory that a verb looks at.
struct CheckpointPlace: ParsableArguments {
    @Argument(help: ArgumentHelp("The directory of the checkpoints.", valueName: "dir"))
    var directory: String

    func validate() throws {
        // It would be the working directory.
        if directory.isEmpty { throw ValidationError("the directory has no name") }
    }

    var inspection: CheckpointInspection {
        CheckpointInspection(directory, fileSystem: DiskFileSystem())
    }

    /// Does something with checkpoints; damage ends with the exit code for that, and one that is
    /// not there with that for a bad argument.
    func attempt<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StorageError {
            StandardError.write("weir: error: \(error)")
            throw ExitStatus(error)
        } catch let error as RestoreError {
            StandardError.write("weir: error: \(error)")
            throw ExitStatus.damagedState
        } catch let error as NoSuchCheckpoint {
            StandardError.write("weir: error: \(error)")
            throw ExitStatus.badConfiguration
        }
    }

    /// Refuses to change what a run uses.
    func refuseIfInUse() throws {
        let process = try attempt {
            try StateDirectory.process(using: directory, in: DiskFileSystem())
        }
        if let process {
            StandardError.write("weir: error: process \(process) uses \(directory); stop it first")
            throw ExitStatus.failed
        }
    }
}

/// `weir checkpoint list`
struct CheckpointListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the checkpoints of a directory, the oldest first.")

    @OptionGroup var place: CheckpointPlace

    @Flag(help: "Prints one JSON object a line.")
    var json = false

    func run() throws {
        let found = try place.attempt { try place.inspection.list() }
        for checkpoint in found.checkpoints {
            print(json ? Self.line(checkpoint).text : Self.text(checkpoint))
        }
        for problem in found.problems { StandardError.write("weir: error: \(problem)") }
        if !found.problems.isEmpty { throw ExitStatus.damagedState }
    }

    private static func text(_ checkpoint: CheckpointInspection.Summary) -> String {
        let state =
            checkpoint.hasEnded
            ? ", finished" : checkpoint.isFinished ? ", at the end of the input" : ""
        return "\(checkpoint.epoch)  \(WallTime.text(checkpoint.writtenAt))  "
            + "\(checkpoint.pipeline): \(checkpoint.byteCount) bytes in \(checkpoint.files) files, "
            + "\(checkpoint.workers) workers, behind chunk \(checkpoint.chunks)\(state)"
    }

    private static func line(_ checkpoint: CheckpointInspection.Summary) -> JSONLine {
        var line = JSONLine()
        line.add("epoch", checkpoint.epoch)
        line.add("pipeline", checkpoint.pipeline)
        line.add("written_at", WallTime.text(checkpoint.writtenAt))
        line.add("finished", checkpoint.isFinished)
        line.add("ended", checkpoint.hasEnded)
        line.add("workers", checkpoint.workers)
        line.add("chunks", checkpoint.chunks)
        line.add("files", checkpoint.files)
        line.add("bytes", checkpoint.byteCount)
        return line
    }
}

/// `weir checkpoint verify`
struct CheckpointVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every byte of all checkpoints, and names what is damaged.")

    @OptionGroup var place: CheckpointPlace

    @Option(help: "Only this checkpoint.")
    var epoch: Int?

    func run() throws {
        let problems = try place.attempt { try place.inspection.verify(epoch: epoch) }
        for problem in problems {
            StandardError.write("weir: error: checkpoint \(problem.epoch): \(problem)")
        }
        if !problems.isEmpty { throw ExitStatus.damagedState }
        print("\(place.directory): ok")
    }
}

/// `weir checkpoint prune`
struct CheckpointPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Removes all but the newest checkpoints, and the files that only they need.")

    @OptionGroup var place: CheckpointPlace

    @Option(help: "How many to keep.")
    var keep = 1

    func validate() throws {
        if keep < 1 { throw ValidationError("--keep takes 1 or more") }
    }

    func run() throws {
        try place.refuseIfInUse()
        try place.attempt {
            try place.inspection.prune(keeping: keep) { StandardError.write("weir: \($0)") }
        }
    }
}

/// `weir checkpoint export`
struct CheckpointExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Copies a checkpoint with everything it needs to another directory.")

    @OptionGroup var place: CheckpointPlace

    @Option(help: ArgumentHelp("Where to.", valueName: "dir"))
    var to: String

    @Option(help: "Which one; the newest otherwise.")
    var epoch: Int?

    func validate() throws {
        if to.isEmpty { throw ValidationError("--to takes a directory") }
    }

    func run() throws {
        let copied = try place.attempt { try place.inspection.copy(epoch: epoch, to: to) }
        print("checkpoint \(copied.epoch): \(copied.byteCount) bytes written to \(to)")
    }
}

/// `weir checkpoint restore`
struct CheckpointRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Brings a checkpoint of another directory here.",
        discussion: """
            Every byte of it is checked before anything is written. The next run goes on from the \
            newest checkpoint that it finds, here or in its second place.
            """,
        aliases: ["import"])

    @OptionGroup var place: CheckpointPlace

    @Option(help: ArgumentHelp("Where from.", valueName: "dir"))
    var from: String

    @Option(help: "Which one; the newest otherwise.")
    var epoch: Int?

    func validate() throws {
        if from.isEmpty { throw ValidationError("--from takes a directory") }
    }

    func run() throws {
        try place.refuseIfInUse()
        let source = CheckpointInspection(from, fileSystem: DiskFileSystem())
        let copied = try place.attempt { try source.copy(epoch: epoch, to: place.directory) }
        print("checkpoint \(copied.epoch): \(copied.byteCount) bytes written to \(place.directory)")
    }
}
