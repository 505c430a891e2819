import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

@Suite(.serialized)
struct BufferedSourceTests {
    private static let path = "state/buffer-in"

    private func source(
        _ feed: FeedSource.Feed, on files: MemoryFileSystem,
        _ change: (inout BufferedSource.Options) -> Void = { _ in }
    ) -> BufferedSource {
        var options = BufferedSource.Options(directory: Self.path)
        options.log.sync = .every
        change(&options)
        return BufferedSource(
            FeedSource(feed), options, fileSystem: files, clock: .system, notice: { _ in })
    }

    /// Reads until there is as much as said, for some seconds at most.
    private func read(
        _ source: BufferedSource, into reading: inout SourceReading, byteCount: Int = 1 << 16,
        until isEnough: (SourceReading) -> Bool = { $0.hasEnded }
    ) throws {
        for _ in 0..<2000 where !isEnough(reading) {
            try reading.read(source, byteCount: byteCount, waitMilliseconds: 5, until: isEnough)
        }
        #expect(isEnough(reading))
    }

    /// A whole run, which is opened, given something and then its end, and read to that: what it
    /// gave, and where it stood.
    private func run(
        on files: MemoryFileSystem, byteCount: Int = 1 << 16,
        _ change: (inout BufferedSource.Options) -> Void = { _ in },
        open: (BufferedSource) throws -> Void = { try $0.open() },
        giving give: (FeedSource.Feed) -> Void
    ) throws -> (reading: SourceReading, position: SourcePosition?) {
        let feed = FeedSource.Feed()
        let source = source(feed, on: files, change)
        try open(source)
        give(feed)
        feed.end()
        var reading = SourceReading()
        try read(source, into: &reading, byteCount: byteCount)
        let position = source.position
        source.close()
        return (reading, position)
    }

    @Test(arguments: [BlockCodec.none, .lz4])
    func itGivesWhatTheSourceGave(_ codec: BlockCodec) throws {
        let reading = try run(on: MemoryFileSystem()) {
            $0.log.codec = codec
        } giving: { feed in
            feed.put("a\nb\n", partition: 7, at: 0, .opened(7))
            feed.put(
                .rejected([
                    RejectedRecord(
                        error: "too long", place: SourcePlace(name: "peer", offset: 9),
                        raw: [1, 2])
                ]))
            feed.put("c\n", partition: 8, at: 0, .opened(8))
            feed.put("d\n", partition: 7, at: 4, .idle(7), .active(7))
            feed.put(.chunk(RawChunk(events: [.finished(8)])))
        }.reading
        #expect(reading.chunks == ["a\nb\n", "c\n", "d\n"])
        #expect(reading.places == ["peer 7:0", "peer 8:0", "peer 7:4"])
        #expect(reading.partitions == [0, 1, 0])
        #expect(reading.rejected == ["peer:9 too long"])
        #expect(
            reading.events
                == [.opened(0), .opened(1), .idle(0), .active(0), .finished(1)])
    }

    @Test func largeChunksAreCutBetweenRecords() throws {
        let text = (0..<100).map { "record \($0)\n" }.joined()
        let reading = try run(on: MemoryFileSystem(), byteCount: 30) { $0.put(text) }.reading
        #expect(reading.text == text)
        #expect(reading.chunks.allSatisfy { $0.utf8.count <= 30 && $0.hasSuffix("\n") })
    }

    /// From each of its positions on, what comes is what came behind it the first time.
    @Test func everyPositionCanBeResumedAt() throws {
        let files = MemoryFileSystem()
        let feed = FeedSource.Feed()
        let first = source(feed, on: files)
        try first.open()
        for number in 0..<20 {
            let lines = (0...number).map { "\(number).\($0)\n" }.joined()
            feed.put(lines, partition: number, .opened(number))
        }
        var reading = SourceReading()
        var places: [(position: SourcePosition, before: String)] = []
        let all = (0..<20).map { n in (0...n).map { "\(n).\($0)\n" }.joined() }.joined()
        // One position for each piece.
        try read(first, into: &reading, byteCount: 25) { reading in
            if let position = first.position { places.append((position, reading.text)) }
            return reading.text == all
        }
        first.close()
        #expect(places.count > 40)
        for (position, before) in places.enumerated().filter({ $0.offset % 7 == 0 }).map(\.element)
        {
            let open = { (source: BufferedSource) in try source.resume(at: position) }
            let rest = try run(on: files, byteCount: 1000, open: open) { _ in }.reading
            #expect(before + rest.text == all)
        }
    }

    /// Connections of a run that has ended are finished, and the numbers of new ones are new; also
    /// where nothing is left in the buffer of what they sent.
    @Test(arguments: [false, true])
    func connectionsEndWithTheirRun(_ isTrimmed: Bool) throws {
        let files = MemoryFileSystem()
        let feed = FeedSource.Feed()
        let first = source(feed, on: files)
        try first.open()
        feed.put("a\n", partition: 0, .opened(0))
        feed.put("b\n", partition: 1, .opened(1))
        var reading = SourceReading()
        try read(first, into: &reading) { $0.text == "a\nb\n" }
        let position = try #require(first.position)
        if isTrimmed { try first.keep(from: [position], isFinished: false) }
        first.close()
        reading = try run(on: files, open: { try $0.resume(at: position) }) {
            $0.put("c\n", partition: 0, .opened(0))
        }.reading
        #expect(reading.chunks == ["c\n"] && reading.partitions == [2])
        #expect(reading.events == [.finished(0), .finished(1), .opened(2)])
    }

    /// A source that was never in a checkpoint is read again from the buffer's oldest record.
    @Test func withoutACheckpointAllIsReadAgain() throws {
        let files = MemoryFileSystem()
        let feed = FeedSource.Feed()
        let first = source(feed, on: files)
        try first.open()
        feed.put("a\n")
        var reading = SourceReading()
        try read(first, into: &reading) { $0.text == "a\n" }
        first.close()
        let second = try run(on: files) { $0.put("b\n") }.reading
        #expect(second.text == "a\nb\n")
    }

    @Test func whatAllCheckpointsHaveBehindThemIsTrimmed() throws {
        let files = MemoryFileSystem()
        let feed = FeedSource.Feed()
        let source = source(feed, on: files) { $0.log.segmentBytes = 4096 }
        try source.open()
        var reading = SourceReading()
        var positions: [SourcePosition] = []
        let line = String(repeating: "x", count: 3000) + "\n"
        for round in 1...10 {
            feed.put(line)
            try read(source, into: &reading) { $0.chunks.count == round }
            positions.append(try #require(source.position))
        }
        let view = try LogView(Self.path, fileSystem: files)
        try source.keep(from: [positions[7], positions[4], positions[9]], isFinished: false)
        #expect(try view.mark().partitions[0].start == 5)
        // The oldest is gone: so is what it needed.
        try source.keep(from: [positions[7], positions[9]], isFinished: false)
        #expect(try view.mark().partitions[0].start == 8)
        source.close()
        #expect(files.paths.count { $0.hasSuffix(".segment") } == 1)
    }

    /// The next run of a pipeline that came to its end begins with what is new.
    @Test func whatAFinishedRunHasReadIsNotReadAgain() throws {
        let files = MemoryFileSystem()
        let position = try #require(try run(on: files) { $0.put("a\n") }.position)
        let open = { (source: BufferedSource) in
            try source.keep(from: [position], isFinished: true)
            try source.open()
        }
        let second = try run(on: files, open: open) { $0.put("b\n") }.reading
        #expect(second.text == "b\n")
    }

    /// A full buffer lets its senders wait, and goes on by itself when checkpoints make room.
    @Test func fullBufferWaitsAndGoesOn() throws {
        let files = MemoryFileSystem()
        let feed = FeedSource.Feed()
        let source = source(feed, on: files) {
            $0.log.quota = 20_000
            $0.log.segmentBytes = 4096
        }
        try source.open()
        let line = String(repeating: "x", count: 1000) + "\n"
        for _ in 0..<100 { feed.put(line) }
        feed.end()
        var reading = SourceReading()
        var sizes: [Int] = []
        var ticks = 0
        for _ in 0..<5000 where !reading.hasEnded {
            let before = reading
            try reading.read(source, waitMilliseconds: 5) { $0 != before }
            if reading == before { ticks += 1 }
            let segments = files.paths.filter { $0.hasSuffix(".segment") }
            sizes.append(segments.reduce(0) { $0 + files.bytes($1).count })
            if let position = source.position {
                try source.keep(from: [position], isFinished: false)
            }
        }
        source.close()
        #expect(reading.hasEnded && reading.chunks.count == 100)
        #expect(sizes.allSatisfy { $0 <= 20_000 })
    }

    @Test(arguments: Seeds.list(10))
    func noCrashCostsWhatWasAppended(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        let clones = Mutex<[MemoryFileSystem]>([])
        let coin = Mutex(SplitMix64(seed: seed &+ 1))
        files.observe { [weak files] _ in
            guard let files else { return }
            let choice = coin.withLock { ($0.int(0..<12), $0.next()) }
            guard choice.0 == 0 else { return }
            // One that is killed keeps what the system has; one that loses power what is durable.
            let clone =
                choice.1 % 2 == 0 ? files.crashKeepingWritten() : files.crash(seed: choice.1)
            clones.withLock { $0.append(clone) }
        }
        let feed = FeedSource.Feed()
        let source = source(feed, on: files) { $0.log.segmentBytes = 4096 }
        try source.open()
        var reading = SourceReading()
        var given: [(text: String, position: SourcePosition, clones: Int)] = []
        for number in 0..<30 {
            feed.put(String(repeating: "\(number)", count: random.int(1...900)) + "\n")
            try read(source, into: &reading) { $0.chunks.count == number + 1 }
            // As a checkpoint does before it is complete.
            let position = try #require(source.position)
            try source.sync()
            given.append((reading.text, position, clones.withLock { $0.count }))
        }
        source.close()
        files.observe(nil)
        #expect(clones.withLock { $0.count } > 5)
        for (number, clone) in clones.withLock({ $0 }).enumerated() {
            // What a checkpoint may stand on is there.
            let before = given.last { $0.clones <= number }
            let rest = try run(on: clone) { _ in }.reading
            #expect(reading.text.hasPrefix(rest.text), "\(Seeds.note(seed))")
            #expect(rest.text.hasPrefix(before?.text ?? ""), "\(Seeds.note(seed))")
            guard let before else { continue }
            let resumed = self.source(FeedSource.Feed(), on: clone)
            try resumed.resume(at: before.position)
            resumed.close()
        }
    }
}
