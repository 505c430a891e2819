import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

struct LogSinkTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func sink(isStaged: Bool) -> LogSink {
        var options = LogSink.Options(directory: "log")
        options.log.segmentBytes = 4 << 10
        options.log.bytesKept = 16 << 10
        options.isStaged = isStaged
        return LogSink(options, fileSystem: files, clock: time.clock)
    }

    private var byteCount: Int {
        files.paths.filter { $0.hasSuffix(".segment") }.map { files.bytes($0).count }
            .reduce(0, +)
    }

    /// Writes many times what the log keeps; `commit` makes it count.
    private func fill(_ sink: LogSink, commit: (Int) throws -> Void) throws {
        for round in 1...100 {
            let line = String(repeating: "x", count: 99) + "\n"
            try sink.write((0..<10).map { _ in EncodedPart(line) })
            try commit(round)
            #expect(byteCount <= 24 << 10, "after \(round) rounds")
        }
    }

    @Test func aRunKeepsTheLimitsOfTheLogAllTheTime() throws {
        let sink = sink(isStaged: false)
        try sink.open()
        try fill(sink) { _ in try sink.flush() }
        try sink.close()
    }

    @Test func checkpointsKeepTheLimitsOfTheLog() throws {
        let sink = sink(isStaged: true)
        try sink.open()
        try fill(sink) { epoch in
            let staged = try sink.stage(for: epoch)
            try staged.sync()
            try staged.commit()
        }
        try sink.close()
        let view = try LogView("log", fileSystem: files)
        #expect(try view.mark().partitions[0].end.offset == 1000)
        #expect(try view.mark().partitions[0].start > 0)
    }
}
