import ArgumentParser
import Glibc
import Storage

/// The command line: one verb a file.
@main
struct Weir: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "A stream processor in one executable: sources through steps into sinks.",
        version: Version.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, ExplainCommand.self, PlanCommand.self,
            GenerateCommand.self,
            LogCommand.self, StateCommand.self, CheckpointCommand.self, VersionCommand.self,
        ])

    /// Parses and runs; mistakes on the command line count as bad configuration.
    static func main() {
        StandardStream.holdMissing()
        StopSignals.ignoreSizeLimit()
        do {
            var command = try parseAsRoot()
            try command.run()
            try StandardOutput.finish()
        } catch let status as ExitStatus {
            leave(status)
        } catch {
            let code = exitCode(for: error)
            if code == .success { exit(withError: error) }
            StandardError.write(fullMessage(for: error))
            leave(code == .validationFailure ? .badConfiguration : .failed)
        }
    }

    private static func leave(_ status: ExitStatus) -> Never { Glibc.exit(status.rawValue) }
}

/// How the process ends, for scripts.
enum ExitStatus: Int32, Error {
    case failed = 1
    case badConfiguration = 2
    case wouldLoseState = 3
    case damagedState = 4

    /// How a verb ends that failed so: damage and losses are told apart.
    init(_ error: StorageError) {
        switch error.kind {
        case .corrupt: self = .damagedState
        case .wouldLose: self = .wouldLoseState
        default: self = .failed
        }
    }
}

/// What `weir version` prints.
enum Version {
    static let number = "0.1.0"
    static let text = "weir \(number)"
}
