import ArgumentParser
import Connectors
import Execution
import Storage

/// `weir state`
struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Looks at the state that a checkpoint holds, without changing it.",
        discussion: """
            DIR is the path of settings.state, or that of a second place; a run may go on meanwhile. \
            Ends with 4 if something is damaged.
            """,
        subcommands: [
            StateListCommand.self, StateScanCommand.self, StateGetCommand.self,
            StateStatsCommand.self, StateVerifyCommand.self,
        ])
}

/// Which state a verb looks at.
struct StatePlace: ParsableArguments {
    @OptionGroup var place: CheckpointPlace

    @Option(help: "Which checkpoint; the newest otherwise.")
    var epoch: Int?

    @Flag(help: "Prints one JSON object a line.")
    var json = false

    func inspection() throws -> StateInspection {
        try place.attempt {
            try StateInspection(place.directory, epoch: epoch, fileSystem: DiskFileSystem())
        }
    }
}

/// `weir state ls`
struct StateListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists the buckets of each step's state.")

    @OptionGroup var state: StatePlace

    func run() throws {
        let inspection = try state.inspection()
        for bucket in try state.place.attempt({ try inspection.buckets() }) {
            let start = WallTime.text(bucket.start)
            guard state.json else {
                print(
                    "\(bucket.step)  \(start)  worker \(bucket.worker): \(bucket.entries) entries, "
                        + "\(bucket.byteCount) bytes in \(bucket.files.count) files")
                continue
            }
            var line = JSONLine()
            line.add("step", bucket.step)
            line.add("bucket", start)
            line.add("worker", bucket.worker)
            line.add("entries", bucket.entries)
            line.add("bytes", bucket.byteCount)
            line.add("files", bucket.files.count)
            print(line.text)
        }
    }
}

/// `weir state stats`
struct StateStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Sums the state of each step up.")

    @OptionGroup var state: StatePlace

    func run() throws {
        let inspection = try state.inspection()
        let buckets = try state.place.attempt { try inspection.buckets() }
        for step in Set(buckets.map(\.step)).sorted() {
            let own = buckets.filter { $0.step == step }
            let entries = own.reduce(0) { $0 + $1.entries }
            let byteCount = own.reduce(0) { $0 + $1.byteCount }
            let starts = Set(own.map(\.start)).count
            guard state.json else {
                print("\(step): \(entries) entries, \(byteCount) bytes in \(starts) buckets")
                continue
            }
            var line = JSONLine()
            line.add("step", step)
            line.add("checkpoint", inspection.epoch)
            line.add("entries", entries)
            line.add("bytes", byteCount)
            line.add("buckets", starts)
            print(line.text)
        }
    }
}

/// `weir state verify`
struct StateVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every block of the state, and names file, offset and step of any damage.")

    @OptionGroup var place: CheckpointPlace

    func run() throws {
        let problems = try place.attempt { try place.inspection.verify() }
        for problem in problems {
            StandardError.write("weir: error: checkpoint \(problem.epoch): \(problem)")
        }
        if !problems.isEmpty { throw ExitStatus.damagedState }
        print("\(place.directory): ok")
    }
}
