import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

struct LogSinkTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()
    private let notices = Notices()

    private final class Notices: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }

        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func sink(isStaged: Bool) -> LogSink {
        var options = LogSink.Options(
            directory: "log", owner: LogOwner(pipeline: "p", sink: "out"))
        options.log.segmentBytes = 4 << 10
        options.log.bytesKept = 16 << 10
        options.isStaged = isStaged
        let notices = notices
        return LogSink(options, fileSystem: files, clock: time.clock) { notices.add($0) }
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

    /// Rows that a checkpoint had committed are not lost without a word.
    @Test func anEndThatIsGoneIsTold() throws {
        var staged = StagedOutput()
        for epoch in 1...2 {
            let sink = sink(isStaged: true)
            if epoch == 1 { try sink.open() } else { try sink.resume(staged.own, epoch: 1) }
            try sink.write([EncodedPart("{\"row\":\(epoch)}\n")])
            staged = try sink.stage(for: epoch)
            try staged.sync()
            try staged.commit()
            try sink.close()
            #expect(notices.all == [])
        }
        let path = try #require(files.paths.first { $0.hasSuffix(".segment") })
        files.put(path, String(decoding: files.bytes(path).prefix(40), as: UTF8.self))
        let sink = sink(isStaged: true)
        try sink.resume(staged.own, epoch: 2)
        try sink.close()
        let told = notices.all
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("\(path) at offset ") == true, "\(told)")
        #expect(told.first?.hasSuffix("records 0..<2 are lost") == true, "\(told)")
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
