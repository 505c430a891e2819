import ArgumentParser
import Storage

/// `weir log read`
struct LogReadVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Writes the records of a log to standard output, one a line.",
        discussion: """
            Reads what counts when it starts, partition after partition, and steps over damage, \
            which is told on standard error and by the exit code 4.
            """)

    @OptionGroup var log: LogArguments

    @Option(help: "Where to begin: \(LogPoint.hint).")
    var from = LogPoint(.earliest)

    @Option(help: "Where to end, which is not read: \(LogPoint.hint).")
    var to: LogPoint?

    @OptionGroup var partition: LogPartitionOption

    func run() throws {
        try LogCommand.run {
            let view = try log.view()
            var printer = LogPrinter()
            for partition in partition.numbers(of: view) {
                let reader = try LogReader(view, partition: partition, from: from.start)
                let end = try view.offset(of: to?.start ?? .latest, partition: partition)
                try printer.print(reader, upTo: end)
            }
            try printer.finish()
        }
    }
}

/// `weir log tail`
struct LogTailVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Writes records to standard output as they come, until it is stopped.")

    @OptionGroup var log: LogArguments

    @Option(help: "Where to begin: \(LogPoint.hint).")
    var from = LogPoint(.latest)

    @OptionGroup var partition: LogPartitionOption

    @Option(help: "End after so many records.")
    var count: Int?

    func run() throws {
        try LogCommand.run {
            let view = try log.view()
            var printer = LogPrinter(countMax: count)
            let wait = LogWait(view)
            let waker = Waker()
            var readers: [LogReader] = []
            for partition in partition.numbers(of: view) {
                readers.append(
                    try LogReader(view, partition: partition, from: from.start))
            }
            // With no new record to write, a closed pipe would not be noticed.
            while !printer.isDone && !printer.isClosed {
                for reader in readers { try printer.print(reader, upTo: .max) }
                try printer.flush()
                if !printer.isDone { _ = wait.wait(waker, milliseconds: 60_000) }
            }
        }
    }
}

/// Which partitions of a log are read.
struct LogPartitionOption: ParsableArguments {
    @Option(name: .customLong("partition"), help: "The partition; all of them unless given.")
    var given: Int?

    func numbers(of view: LogView) -> [Int] {
        given.map { [$0] } ?? Array(0..<view.options.partitionCount)
    }
}

/// Records as lines, and damage on standard error.
struct LogPrinter: ~Copyable {
    private var output = LogOutput()
    private var left: Int?
    private var damageCount = 0

    init(countMax: Int? = nil) { left = countMax }

    /// Whether it has written as many records as it should.
    var isDone: Bool { left == 0 }

    /// Whether nobody will read what is written.
    var isClosed: Bool { output.isClosed }

    /// Writes what a reader finds below an offset.
    mutating func print(_ reader: LogReader, upTo end: Int64) throws {
        var told = 0
        batches: while reader.nextOffset < end, !isDone, let batch = try reader.next() {
            var records = batch.records
            while let record = try records.next() {
                if record.offset >= end || isDone { break batches }
                guard let value = record.value else { continue }
                try output.writeLine(batch.slice(value))
                left = left.map { $0 - 1 }
            }
        }
        for damage in reader.damages.dropFirst(told) {
            StandardError.write("weir: \(damage)")
            told += 1
        }
        damageCount += told
    }

    mutating func flush() throws { try output.flush() }

    /// Ends with the exit code for damage where there was some.
    mutating func finish() throws {
        try flush()
        if damageCount > 0 { throw ExitStatus.damagedState }
    }
}
