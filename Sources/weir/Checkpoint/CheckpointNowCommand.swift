import ArgumentParser
import Execution
import Glibc
import Storage

/// `weir checkpoint now`
struct CheckpointNowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now",
        abstract: "Has a running pipeline make a checkpoint, and waits until it is complete.")

    @OptionGroup var place: CheckpointPlace

    @Option(help: "Seconds to wait.")
    var timeout = 60

    /// A year.
    private static let timeoutMax = 31_536_000
    private static let pauseMicroseconds: UInt32 = 20_000

    func validate() throws {
        if !(0...Self.timeoutMax).contains(timeout) {
            throw ValidationError("--timeout takes 0 to \(Self.timeoutMax) seconds")
        }
    }

    func run() throws {
        let process = try place.attempt {
            try StateDirectory.process(using: place.directory, in: DiskFileSystem())
        }
        guard let process else {
            StandardError.write("weir: error: no run uses \(place.directory)")
            throw ExitStatus.failed
        }
        let before = try newest()
        guard kill(process, SIGUSR1) == 0 else {
            StandardError.write("weir: error: process \(process) cannot be told")
            throw ExitStatus.failed
        }
        let clock = SystemTime.monotonicNanoseconds
        let deadline = clock() + Int64(timeout) * 1_000_000_000
        while clock() < deadline {
            let epoch = try newest()
            if epoch > before {
                print("checkpoint \(epoch)")
                return
            }
            usleep(Self.pauseMicroseconds)
        }
        StandardError.write("weir: error: no checkpoint was complete within \(timeout) s")
        throw ExitStatus.failed
    }

    private func newest() throws -> Int {
        try place.attempt { try place.inspection.list().checkpoints.last?.epoch ?? 0 }
    }
}
