import ArgumentParser
import Pipeline
import Storage

/// `weir log`
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Makes, writes and reads embedded logs, while others write to them, too.",
        subcommands: [
            LogListVerb.self, LogCreateVerb.self, LogAppendVerb.self, LogReadVerb.self,
            LogTailVerb.self, LogTrimVerb.self, LogReleaseVerb.self, LogVerifyVerb.self,
            LogStatsVerb.self,
        ])

    /// Runs a verb: says what went wrong, and how the process ends. A closed pipe is no mistake.
    static func run(_ body: () throws -> Void) throws {
        StopSignals.ignoreBrokenPipe()
        do {
            try body()
        } catch let error as StorageError {
            if error.kind == .brokenPipe { return }
            StandardError.write("weir: error: \(error)")
            throw ExitStatus(error)
        }
    }
}

/// The directory of a log, as an argument.
struct LogArguments: ParsableArguments {
    @Argument(help: "The log's directory.")
    var directory: String

    func validate() throws {
        // It would be the working directory.
        if directory.isEmpty { throw ValidationError("the log's directory has no name") }
    }

    /// The log, for reading.
    func view() throws -> LogView { try LogView(directory, fileSystem: DiskFileSystem()) }
}

/// Where reading a log begins or ends: `earliest`, `latest`, an offset, or a time.
struct LogPoint: ExpressibleByArgument {
    let start: LogStart

    /// How a default is shown.
    var defaultValueDescription: String {
        switch start {
        case .earliest: "earliest"
        case .latest: "latest"
        case .offset(let offset): "\(offset)"
        case .timestamp(let time): WallTime.text(time)
        }
    }

    init(_ start: LogStart) { self.start = start }

    init?(argument: String) {
        guard let start = LogStart(text: argument) else { return nil }
        self.start = start
    }

    static let hint = "earliest, latest, an offset, or a time such as 2026-01-01T00:00:00Z"
}

/// How the key of a record stands on its line.
struct LogKeyOption: ParsableArguments {
    @Option(
        help: """
            Lines are key and value with this between them: --key : (or tab). A key alone says that \
            it is gone.
            """)
    var key: String?

    func validate() throws {
        if let key, key != "tab", key.utf8.count != 1 {
            throw ValidationError("--key takes a character, or tab")
        }
    }

    /// What stands between key and value; nil where lines are values.
    var separator: UInt8? { key.flatMap { $0 == "tab" ? UInt8(ascii: "\t") : $0.utf8.first } }
}

/// What becomes of output that a pipeline has staged in a log.
struct LogStagedOption: ParsableArguments {
    @Flag(
        help: """
            Remove output that a pipeline has staged and not committed; without it, the log is \
            left alone, with exit code 3.
            """)
    var discardStaged = false

    var choice: StagedByOthers { discardStaged ? .discarded : .refused }
}

/// Text on standard output, a block at a time.
struct LogOutput: ~Copyable {
    private let output = StandardStream.output()
    private var slab = Slab(byteCount: LogOutput.blockBytes)
    private var count = 0

    private static let blockBytes = 1 << 20

    /// Adds bytes, and one more.
    mutating func write(_ bytes: SlabSlice, then last: Unicode.Scalar) throws(StorageError) {
        let needed = bytes.byteCount + 1
        if count + needed > slab.byteCount { try flush() }
        if needed > slab.byteCount { slab = Slab(byteCount: needed) }
        slab.copy(bytes, to: count)
        slab.copy(String(last), to: count + bytes.byteCount)
        count += needed
    }

    /// Whether nobody will read what is written.
    var isClosed: Bool { output.isClosedByReader }

    mutating func flush() throws(StorageError) {
        if count == 0 { return }
        _ = try output.write([SlabSlice(slab, 0..<count)])
        slab = Slab(byteCount: Self.blockBytes)
        count = 0
    }
}
