import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

struct FileSourceTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func source(
        _ patterns: [String], framing: Framing = .newline, recordBytesMax: Int = 1 << 20,
        partitionPerFile: Bool = false
    ) -> FileSource {
        var options = FileSource.Options(patterns: patterns)
        options.framing = framing
        options.recordBytesMax = recordBytesMax
        options.partitionPerFile = partitionPerFile
        return FileSource(options, fileSystem: files, clock: time.clock)
    }

    @Test func filesAreOneStreamInOrderAndChunksNeverSpanTwo() throws {
        files.put("in/b.x", "b1\nb2")
        files.put("in/a.x", "a1\na2\n")
        files.put("in/c.x", "")
        files.put("z.x", "z\n")
        let source = source(["z.x", "in/*.x", "in/a.x"])
        try source.open()
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.chunks == ["z\n", "a1\na2\n", "b1\n", "b2"])
        #expect(reading.places == ["z.x:0", "in/a.x:0", "in/b.x:0", "in/b.x:3"])
        #expect(reading.partitions == [0, 0, 0, 0])
        #expect(reading.events.isEmpty)
        #expect(reading.hasEnded)
        #expect(source.isBounded)
    }

    @Test func everyFileCanBeAPartition() throws {
        files.put("a", "1\n")
        files.put("b", "")
        files.put("c", "3\n")
        let source = source(["a", "b", "c"], partitionPerFile: true)
        try source.open()
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.partitions == [0, 2])
        #expect(
            reading.events == [
                .opened(0), .opened(1), .opened(2), .finished(0), .finished(1), .finished(2),
            ])
    }

    @Test(arguments: [1, 10, 50, 1000, 1 << 16])
    func everyReadSizeGivesTheSameRecords(byteCount: Int) throws {
        var random = SplitMix64(seed: 11)
        let lines = (0..<2000).map { line in
            "\(line) " + String(repeating: "x", count: Int.random(in: 0...60, using: &random))
                + "\n"
        }
        files.put("a", lines.joined())
        let source = source(["a"])
        try source.open()
        var reading = SourceReading()
        try reading.read(source, byteCount: byteCount)
        #expect(reading.text == lines.joined())
        #expect(reading.chunks.allSatisfy { $0.hasSuffix("\n") })
        if byteCount == 1 { #expect(reading.chunks == lines) }
        var offset = 0
        for (chunk, place) in zip(reading.chunks, reading.places) {
            #expect(place == "a:\(offset)")
            offset += chunk.utf8.count
        }
    }

    @Test func longRecordIsRejectedAndTheRestIsRead() throws {
        files.put("a", "one\n" + String(repeating: "y", count: 100_000) + "\ntwo\n")
        let source = source(["a"], recordBytesMax: 1000)
        try source.open()
        var reading = SourceReading()
        try reading.read(source, byteCount: 5000)
        #expect(reading.chunks == ["one\n", "two\n"])
        #expect(reading.rejected == ["a:4 the record is longer than max_record (1000 bytes)"])
    }

    @Test func readInsideAnEndlessRecordReturnsNowAndThen() throws {
        files.put("a", String(repeating: "y", count: 1 << 20) + "\ntwo\n")
        let source = source(["a"], recordBytesMax: 1000)
        try source.open()
        var reading = SourceReading()
        try reading.read(source, byteCount: 4096)
        #expect(reading.rejected == ["a:0 the record is longer than max_record (1000 bytes)"])
        #expect(!reading.hasEnded, "a stop must be heard while the record is passed over")
        for _ in 0..<100 where !reading.hasEnded { try reading.read(source, byteCount: 4096) }
        #expect(reading.chunks == ["two\n"])
        #expect(reading.hasEnded)
    }

    @Test func newlineInsideQuotesEndsNoRecord() throws {
        files.put("a.csv", "h1,h2\n\"a\nb\",c\nd,e\n")
        let source = source(["a.csv"], framing: .csv())
        try source.open()
        var reading = SourceReading()
        try reading.read(source, byteCount: 1)
        #expect(reading.chunks == ["h1,h2\n", "\"a\nb\",c\n", "d,e\n"])
    }

    @Test func recordCutOffByTheEndOfAPrefixedFileIsRejected() throws {
        try files.write([0, 0, 0, 1, 65, 0, 0, 0, 9, 66], to: "a")
        let source = source(["a"], framing: .lengthPrefixed)
        try source.open()
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.chunks == ["\0\0\0\u{1}A"])
        #expect(reading.rejected == ["a:5 the input ends inside a record"])
    }

    @Test func whatIsMissingIsSaidAtTheStart() throws {
        files.put("dir/a", "")
        let missing = #expect(throws: StorageError.self) { try source(["none"]).open() }
        #expect(
            missing?.description == "cannot read none: there is no such file; "
                + "check the path, or set follow: true to wait for it")
        let pattern = #expect(throws: StorageError.self) { try source(["dir/*.json"]).open() }
        #expect(pattern?.cause == "no file matches")
        let folder = #expect(throws: StorageError.self) { try source(["dir"]).open() }
        #expect(folder?.kind == .isDirectory)
    }

    @Test func readErrorIsNoEndOfFile() throws {
        files.put("a", "one\ntwo\n")
        let source = source(["a"])
        try source.open()
        files.inject(.short(5), on: .read)
        files.inject(.error(.inputOutput), on: .read)
        var reading = SourceReading()
        #expect(throws: StorageError.self) { try reading.read(source) }
        #expect(reading.text == "one\n")
    }

    @Test func compressedFilesAreReadByTheirEndings() throws {
        // `printf 'one\ntwo\n' | zstd`.
        let zstd: [UInt8] = [
            0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x6f, 0x6e, 0x65, 0x0a, 0x74,
            0x77, 0x6f, 0x0a, 0xe6, 0xa6, 0x0e, 0x40,
        ]
        try files.write(zstd, to: "a.zst")
        try files.write(Array(zstd.dropLast(3)), to: "b.zst")
        let whole = source(["a.zst"])
        try whole.open()
        var reading = SourceReading()
        try reading.read(whole, byteCount: 1)
        #expect(reading.chunks == ["one\n", "two\n"])
        #expect(reading.places == ["a.zst:0", "a.zst:4"])
        let cut = source(["b.zst"])
        try cut.open()
        var cutReading = SourceReading()
        let error = #expect(throws: StorageError.self) { try cutReading.read(cut) }
        #expect(error?.kind == .corrupt)
    }

    /// A run that is stopped before the next read would otherwise go on from an older place.
    @Test func aPositionThatCannotBeReadIsAnErrorAndNotNone() throws {
        files.put("in.x", "1\n2\n3\n")
        let source = source(["in.x"])
        try source.open()
        _ = try source.read(byteCount: 2, waitMilliseconds: 0)
        #expect(try source.position != nil)
        files.fail(read: files.readCount + 1, with: .error(.inputOutput))
        #expect(throws: StorageError.self) { try source.position }
        #expect(try source.position != nil)
    }
}
