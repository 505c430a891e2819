import Dataflow
import Storage

/// Keeps rows that a server refuses for good in an embedded log, each with the reason.
final class RefusedRows {
    private let directory: String
    private let fileSystem: any FileSystem
    private let clock: EngineClock
    private var writer: LogWriter?
    private(set) var count = 0

    init(_ directory: String, fileSystem: any FileSystem, clock: EngineClock) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.clock = clock
    }

    /// Makes a row durable in the log; the log is made with the first one.
    func add(_ row: SlabSlice, _ answer: HTTPAnswer, url: String) throws {
        let writer = try openWriter()
        var line = JSONLine()
        line.add("url", url)
        line.add("status", answer.status)
        line.add("answer", answer.text)
        line.add("row", json: String(decoding: row.slab.array(row.range), as: UTF8.self))
        let bytes = Array(line.text.utf8)
        let batch = LogBatchBuilder()
        batch.add(SlabSlice(Slab(bytes), 0..<bytes.count), timestamp: clock.wallMicroseconds())
        _ = try writer.append(batch, to: 0)
        try writer.commit()
        count += 1
    }

    private func openWriter() throws -> LogWriter {
        if let writer { return writer }
        var options = LogOptions()
        options.sync = .every
        try LogWriter.prepare(directory, options: options, fileSystem: fileSystem)
        let made = try LogWriter(directory, fileSystem: fileSystem)
        writer = made
        return made
    }

    func close() throws {
        defer { writer = nil }
        try writer?.close()
    }
}
