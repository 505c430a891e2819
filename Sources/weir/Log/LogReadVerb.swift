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

    @OptionGroup var key: LogKeyOption

    func run() throws {
        try LogCommand.run {
            let view = try log.view()
            var printer = LogPrinter(separator: key.separator)
            let isOne = partition.given != nil
            for partition in partition.numbers(of: view) {
                // Of several, some may end before.
                let (first, last) = (from.start, to?.start ?? .latest)
                let start =
                    isOne ? first : try view.upToTheEnd(first, partition: partition)
                let reader = try LogReader(view, partition: partition, from: start)
                let stop = isOne ? last : try view.upToTheEnd(last, partition: partition)
                let end = try view.offset(of: stop, partition: partition)
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

    @OptionGroup var key: LogKeyOption

    @Option(help: "End after so many records.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes 1 or more") }
    }

    func run() throws {
        try LogCommand.run {
            let view = try log.view()
            var printer = LogPrinter(separator: key.separator, countMax: count)
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
    /// What stands between key and value; nil where keys are not written.
    private let separator: UInt8?
    private var left: Int?
    /// Places of damage that were told, by partition.
    private var told: [Int: Int] = [:]

    init(separator: UInt8?, countMax: Int? = nil) {
        self.separator = separator
        left = countMax
    }

    /// Whether it has written as many records as it should.
    var isDone: Bool { left == 0 }

    /// Whether nobody will read what is written.
    var isClosed: Bool { output.isClosed }

    /// Writes what a reader finds below an offset.
    mutating func print(_ reader: LogReader, upTo end: Int64) throws {
        batches: while reader.nextOffset < end, !isDone, let batch = try reader.next() {
            var records = batch.records
            while let record = try records.next() {
                if record.offset >= end || isDone { break batches }
                if try write(record, of: batch) { left = left.map { $0 - 1 } }
            }
        }
        let known = told[reader.partition] ?? 0
        for damage in reader.damages.dropFirst(known) { StandardError.write("weir: \(damage)") }
        told[reader.partition] = reader.damages.count
    }

    /// Writes a record; false for one of which there is nothing to write.
    private mutating func write(_ record: LogRecord, of batch: LogBatch) throws -> Bool {
        if let separator {
            let key = batch.slice(record.key ?? 0..<0)
            try output.write(key, then: record.value == nil ? "\n" : Unicode.Scalar(separator))
        }
        guard let value = record.value else { return separator != nil }
        try output.write(batch.slice(value), then: "\n")
        return true
    }

    mutating func flush() throws { try output.flush() }

    /// Ends with the exit code for damage where there was some.
    mutating func finish() throws {
        try flush()
        if told.values.contains(where: { $0 > 0 }) { throw ExitStatus.damagedState }
    }
}
