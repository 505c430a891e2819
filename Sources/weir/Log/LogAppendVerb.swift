import ArgumentParser
import Storage

/// `weir log append`
struct LogAppendVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Appends the lines of standard input, a record each.",
        discussion: """
            What is read counts as soon as it is appended, and is durable as the log was made to \
            be; when the input ends, all of it is.
            """)

    @OptionGroup var log: LogArguments

    @Option(help: "The partition.")
    var partition = 0

    @OptionGroup var key: LogKeyOption

    @Flag(help: "Make the log where there is none.")
    var create = false

    @OptionGroup var staged: LogStagedOption

    @OptionGroup(title: "Of a log that is made") var options: LogCreateOptions

    func validate() throws { _ = try options.options() }

    /// Bytes of records of a batch, about.
    private static let batchBytes = 1 << 20
    private static let lineBytesMax = 16 << 20

    func run() throws {
        try LogCommand.run {
            let files = Machine.files
            let meta = try? LogView(log.directory, fileSystem: files)
            if create && meta == nil {
                do throws(StorageError) {
                    let made = try? options.options()
                    try LogWriter.create(
                        log.directory, options: made ?? LogOptions(), fileSystem: files)
                } catch {
                    // Another process may have made it just now.
                    guard error.kind == .alreadyExists else { throw error }
                }
            }
            let writer = try LogWriter(
                log.directory, staged: staged.choice, fileSystem: files)
            guard (0..<writer.options.partitionCount).contains(partition) else {
                throw StorageError(
                    .notFound, operation: "append to", path: log.directory,
                    cause: "there is no partition \(partition)",
                    advice: "the log has \(writer.options.partitionCount), numbered from 0")
            }
            for note in writer.findings.notes(of: log.directory) {
                StandardError.write("weir: \(note)")
            }
            try append(to: writer)
            try writer.retain(now: SystemTime.wallMicroseconds())
            try writer.close(durably: true)
        }
    }

    /// Reads to the end of the input.
    private func append(to writer: LogWriter) throws {
        let input = StandardStream.input()
        let batch = LogBatchBuilder()
        var slab = Slab(byteCount: Self.batchBytes)
        var held = 0
        while true {
            if held == slab.byteCount {
                guard held < Self.lineBytesMax else {
                    throw StorageError(
                        .other, operation: "append to", path: log.directory,
                        cause: "a line has more than \(Self.lineBytesMax) bytes")
                }
                let larger = Slab(byteCount: held * 2)
                larger.copy(SlabSlice(slab, 0..<held), to: 0)
                slab = larger
            }
            let outcome = try input.read(
                into: slab, held..<slab.byteCount, waitMilliseconds: 200)
            var isEnd = false
            switch outcome {
            case .bytes(let got): held += got
            case .nothing:
                try writer.tick()
                continue
            case .end: isEnd = true
            }
            held = try takeLines(of: &slab, held, isEnd: isEnd, batch)
            if batch.recordCount > 0 {
                _ = try writer.append(batch, to: partition)
                try writer.commit()
                batch.reset()
            }
            if isEnd { return }
        }
    }

    /// Makes records of whole lines; gives how many bytes are left over, at the front of the slab.
    private func takeLines(
        of slab: inout Slab, _ held: Int, isEnd: Bool, _ batch: LogBatchBuilder
    ) throws -> Int {
        let now = SystemTime.wallMicroseconds()
        var start = 0
        while start < held {
            let found = ByteScan.first(
                UInt8(ascii: "\n"), in: slab.bytes(0..<held), start..<held)
            guard let end = found ?? (isEnd ? held : nil) else { break }
            try add(slab, start..<end, now, batch)
            start = end + 1
        }
        let rest = max(held - start, 0)
        if start > 0 && rest > 0 { slab.copy(SlabSlice(slab, start..<held), to: 0) }
        return rest
    }

    private func add(
        _ slab: Slab, _ line: Range<Int>, _ now: Int64, _ batch: LogBatchBuilder
    ) throws {
        guard let separator = key.separator else {
            batch.add(SlabSlice(slab, line), timestamp: now)
            return
        }
        let bytes = slab.bytes(0..<line.upperBound)
        guard let place = ByteScan.first(separator, in: bytes, line) else {
            // A key alone says that it is gone.
            batch.add(key: SlabSlice(slab, line), value: nil, timestamp: now)
            return
        }
        batch.add(
            key: SlabSlice(slab, line.lowerBound..<place),
            value: SlabSlice(slab, place + 1..<line.upperBound), timestamp: now)
    }
}
