import ArgumentParser
import Storage

/// `weir log stats`
struct LogStatsVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Shows offsets, sizes and holds of a log.")

    @OptionGroup var log: LogArguments

    @Flag(help: "As a JSON object.")
    var json = false

    func run() throws {
        try LogCommand.run {
            let statistics = try LogStatistics(try log.view())
            print(json ? statistics.json : statistics.text)
        }
    }
}

/// `weir log ls`
struct LogListVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists the logs in a directory.")

    @Argument(help: "A directory of logs, or a log.")
    var directory = "."

    func run() throws {
        try LogCommand.run {
            let files = DiskFileSystem()
            var names = try files.names(in: directory).sorted()
            names = names.map { FilePath.join(directory, $0) }
            var outcome: ExitStatus?
            for path in [directory] + names {
                do {
                    let meta = FilePath.join(path, "log.meta")
                    guard
                        try files.status(of: meta) != nil
                            || LogRemains.hasRecords(path, files)
                    else { continue }
                    print(try LogStatistics(LogView(path, fileSystem: files)).line)
                } catch let error as StorageError {
                    // The others are shown all the same.
                    StandardError.write("weir: error: \(error)")
                    let status = ExitStatus(error)
                    outcome = status == .damagedState ? status : outcome ?? status
                }
            }
            if let outcome { throw outcome }
        }
    }
}

/// `weir log trim`
struct LogTrimVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim",
        abstract: "Forgets old records, as far as no checkpoint needs them.",
        discussion: """
            Without --to, the log's own limits of age and size apply, and a log that keeps the \
            newest record of each key is compacted. Needs the log to itself: a running writer \
            trims by itself.
            """)

    @OptionGroup var log: LogArguments

    @Option(help: "Forget what is before: \(LogPoint.hint).")
    var to: LogPoint?

    @Option(help: "With --to: the partition; all of them unless given.")
    var partition: Int?

    @OptionGroup var staged: LogStagedOption

    func validate() throws {
        if partition != nil && to == nil { throw ValidationError("--partition needs --to") }
    }

    func run() throws {
        try LogCommand.run {
            let writer = try LogWriter(
                log.directory, staged: staged.choice, fileSystem: Machine.files)
            let view = try log.view()
            if let to {
                let all = Array(0..<writer.options.partitionCount)
                for number in partition.map({ [$0] }) ?? all {
                    let wanted =
                        partition == nil
                        ? try view.nearestOffset(of: to.start, partition: number)
                        : try view.offset(of: to.start, partition: number, for: "trim")
                    let start = try writer.trim(number, to: wanted)
                    print("partition \(number) begins at \(start)")
                    if start < wanted { try tellOfHolds(view, number, start) }
                }
            } else {
                print("segments removed: \(try writer.retain(now: SystemTime.wallMicroseconds()))")
                if writer.options.isCompacted {
                    var dropped = 0
                    for number in 0..<writer.options.partitionCount {
                        dropped += try writer.compact(number)
                    }
                    print("records dropped: \(dropped)")
                }
            }
            try writer.close()
        }
    }
}

extension LogTrimVerb {
    /// Says who keeps records from being trimmed.
    private func tellOfHolds(_ view: LogView, _ partition: Int, _ start: Int64) throws {
        let holds = try LogHold.all(on: view.directory, fileSystem: Machine.files)
        let names = holds.filter { hold in
            hold.offsets.indices.contains(partition) && hold.offsets[partition] <= start
        }.map(\.name)
        StandardError.write(
            "weir: partition \(partition): a checkpoint needs the records from \(start) on (hold "
                + "\(names.joined(separator: ", "))); where its pipeline is no more: weir log "
                + "release \(log.directory) \(names.first ?? "NAME")")
    }
}

/// `weir log verify`
struct LogVerifyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every batch of a log and checks it; exit code 4 for damage.")

    @OptionGroup var log: LogArguments

    func run() throws {
        try LogCommand.run {
            let view = try log.view()
            var damages: [LogDamage] = []
            var recordCount = 0
            for partition in 0..<view.options.partitionCount {
                var isRead = false
                while !isRead {
                    let reader = try LogReader(view, partition: partition, from: .earliest)
                    var count = 0
                    isRead = try Self.read(reader) { count += $0 }
                    if isRead {
                        recordCount += count
                        damages += reader.damages
                    }
                }
            }
            let marks = try view.damagedMarkCount()
            if marks > 0 {
                print("log.marks: one of the two copies of the commit mark is damaged")
            }
            for damage in damages { print(damage) }
            print("\(recordCount) records are whole, \(damages.count) places are damaged")
            if marks > 0 || !damages.isEmpty { throw ExitStatus.damagedState }
        }
    }

    /// Reads to the end; false where the log's writer trimmed what was about to be read.
    private static func read(
        _ reader: LogReader, _ count: (Int) -> Void
    ) throws(StorageError) -> Bool {
        do throws(StorageError) {
            while let batch = try reader.next() { count(Int(batch.header.recordCount)) }
            return true
        } catch {
            let start = try reader.view.mark().partitions[reader.partition].start
            guard error.kind == .notFound, start > reader.nextOffset else { throw error }
            return false
        }
    }
}

/// What a log holds.
struct LogStatistics {
    private let directory: String
    private let mark: LogMark
    private let byteCount: Int
    private let segmentCount: Int
    private let holds: [LogHold]

    init(_ view: LogView) throws {
        directory = view.directory
        mark = try view.mark()
        let files = DiskFileSystem()
        var bytes = 0
        var segments = 0
        for name in try files.names(in: view.directory) where name.hasSuffix(".segment") {
            bytes += try files.status(of: FilePath.join(view.directory, name))?.byteCount ?? 0
            segments += 1
        }
        byteCount = bytes
        segmentCount = segments
        holds = try LogHold.all(on: view.directory, fileSystem: files)
    }

    private var recordCount: Int64 {
        mark.partitions.reduce(0) { $0 + $1.end.offset - $1.start }
    }

    /// A line of a list.
    var line: String {
        "\(directory)  \(mark.partitions.count) partitions  \(recordCount) offsets  "
            + "\(byteCount) bytes"
    }

    var text: String {
        var lines = [
            "\(directory): \(byteCount) bytes in \(segmentCount) segments, epoch \(mark.epoch)"
        ]
        for (number, partition) in mark.partitions.enumerated() {
            lines.append(
                "partition \(number): offsets \(partition.start)..<\(partition.end.offset), "
                    + "durable below \(partition.synced)")
        }
        for hold in holds {
            let offsets = hold.offsets.map(String.init).joined(separator: ", ")
            lines.append("held by \(hold.name): from \(offsets)")
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        let partitions = mark.partitions.map { partition in
            "{\"start\":\(partition.start),\"end\":\(partition.end.offset),"
                + "\"synced\":\(partition.synced)}"
        }
        let held = holds.map { hold in
            let offsets = hold.offsets.map(String.init).joined(separator: ",")
            return "{\"name\":\"\(hold.name)\",\"offsets\":[\(offsets)]}"
        }
        return "{\"bytes\":\(byteCount),\"segments\":\(segmentCount),\"epoch\":\(mark.epoch),"
            + "\"partitions\":[\(partitions.joined(separator: ","))],"
            + "\"holds\":[\(held.joined(separator: ","))]}"
    }
}
