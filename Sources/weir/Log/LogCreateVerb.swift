import ArgumentParser
import Pipeline
import Storage

/// How a log is made, as options.
struct LogCreateOptions: ParsableArguments {
    @Option(help: "How many partitions it has.")
    var partitions = 1

    @Option(help: "How batches are compressed: none, lz4 or zstd.")
    var compression = "none"

    @Option(help: "When what is committed becomes durable: every, os, or an interval such as 1s.")
    var sync = "1s"

    @Option(help: "The size of a segment.")
    var segment = "64MiB"

    @Option(help: "Old segments go while the log is larger: 10GiB.")
    var keepSize: String?

    @Option(help: "Segments go when they are older: 7d.")
    var keepAge: String?

    @Option(help: "The size beyond which appends are refused.")
    var quota: String?

    @Flag(help: "Keep the newest record of each key only.")
    var compacted = false

    private func size(_ text: String?, _ name: String) throws -> Int? {
        guard let text else { return nil }
        guard let value = Quantity.size(text) else {
            throw ValidationError("--\(name) takes a size such as 64MiB")
        }
        return value
    }

    /// The options, checked.
    func options() throws -> LogOptions {
        var options = LogOptions()
        options.partitionCount = partitions
        switch compression {
        case "none": options.codec = .none
        case "lz4": options.codec = .lz4
        case "zstd": options.codec = .zstd(level: 3)
        default: throw ValidationError("--compression takes none, lz4 or zstd")
        }
        switch sync {
        case "every": options.sync = .every
        case "os": options.sync = .os
        default:
            guard let interval = Quantity.duration(sync) else {
                throw ValidationError("--sync takes every, os, or an interval such as 1s")
            }
            options.sync = .interval(interval)
        }
        options.segmentBytes = try size(segment, "segment") ?? options.segmentBytes
        options.bytesKept = try size(keepSize, "keep-size")
        options.quota = try size(quota, "quota")
        options.isCompacted = compacted
        if let keepAge {
            guard let age = Quantity.duration(keepAge) else {
                throw ValidationError("--keep-age takes a duration such as 7d")
            }
            options.ageKept = age
        }
        if let fault = options.fault { throw ValidationError(fault) }
        return options
    }
}

/// `weir log create`
struct LogCreateVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an empty log in a directory.",
        discussion: """
            Where a log has lost its description (log.meta), or that is damaged, it is made anew \
            with these options; the records and the number of partitions stay.
            """)

    @OptionGroup var log: LogArguments
    @OptionGroup var options: LogCreateOptions

    func validate() throws { _ = try options.options() }

    func run() throws {
        try LogCommand.run {
            let (options, files) = (try options.options(), DiskFileSystem())
            let described = try LogWriter.describe(
                log.directory, options: options, fileSystem: files)
            if let described {
                StandardError.write(
                    "weir: the description of \(log.directory) was made anew: partitions: "
                        + "\(described.partitionCount); all else is as given here, or the default")
                return
            }
            try LogWriter.create(log.directory, options: options, fileSystem: files)
        }
    }
}
