import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// Files that another run goes on reading.
struct FileSourceResumeTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func source(_ change: (inout FileSource.Options) -> Void = { _ in }) -> FileSource {
        var options = FileSource.Options(patterns: ["a*"])
        options.recordBytesMax = 1000
        change(&options)
        return FileSource(options, fileSystem: files, clock: time.clock)
    }

    /// What is read from a position on, until there is nothing more.
    private func rest(
        from position: SourcePosition, of source: FileSource
    ) throws -> SourceReading {
        var reading = SourceReading()
        try source.resume(at: position)
        for _ in 0..<200 where !reading.hasEnded { try reading.read(source, byteCount: 300) }
        return reading
    }

    /// From each of its positions on, what comes is what came behind it the first time: a record
    /// that was rejected is not rejected again.
    @Test(arguments: [Framing.newline, .lengthPrefixed, .csv()])
    func everyPositionCanBeResumedAt(_ framing: Framing) throws {
        let (short, long) = (["one", "two", "three"], String(repeating: "y", count: 50_000))
        let records = [long, short[0], long, long, short[1], short[2], long]
        files.put("a", bytes: records.flatMap { Self.framed($0, framing) })
        let make = { self.source { $0.framing = framing } }
        let first = make()
        try first.open()
        var reading = SourceReading()
        var places: [(position: SourcePosition, before: SourceReading)] = []
        for _ in 0..<2000 where !reading.hasEnded {
            let before = reading
            try reading.read(first, byteCount: 300) { $0 != before }
            places.append((try #require(try first.position), reading))
        }
        #expect(reading.rejected.count == 4)
        #expect(reading.hasEnded && places.count >= 7)
        for (position, before) in places {
            let rest = try rest(from: position, of: make())
            #expect(before.text + rest.text == reading.text)
            #expect(before.rejected + rest.rejected == reading.rejected)
        }
    }

    /// Who adds a path to the pipeline file wants it read; files that merely came to match are
    /// left to the next pass.
    @Test func addedPatternsAreReadBehindTheOthers() throws {
        files.put("a1", "one\ntwo\n")
        files.put("b1", "three\n")
        let first = source()
        try first.open()
        var reading = SourceReading()
        try reading.read(first, byteCount: 4) { !$0.text.isEmpty }
        let position = try #require(try first.position)
        files.put("a2", "four\n")
        let rest = try rest(from: position, of: source { $0.patterns = ["a*", "b*"] })
        #expect(reading.text + rest.text == "one\ntwo\nthree\n")
        #expect(throws: StorageError.self) {
            try self.rest(from: position, of: source { $0.patterns = ["a*", "c*"] })
        }
        // The same files under another name are not read again.
        let again = try self.rest(from: position, of: source { $0.patterns = ["./a1"] })
        #expect(reading.text + again.text == "one\ntwo\n")
        try files.rename("a1", to: "b0")
        #expect(throws: StorageError.self) {
            try self.rest(from: position, of: source { $0.patterns = ["b*"] })
        }
    }

    private static func framed(_ record: String, _ framing: Framing) -> [UInt8] {
        let bytes = Array(record.utf8)
        guard framing == .lengthPrefixed else { return bytes + [UInt8(ascii: "\n")] }
        return (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (24 - $0 * 8)) } + bytes
    }

    /// What comes of a rejected record later is still a part of it.
    @Test func theRestOfARejectedRecordIsNoRecord() throws {
        let text = "one\n" + String(repeating: "y", count: 3000)
        files.put("a", text)
        let first = source { $0.isFollowing = true }
        try first.open()
        var reading = SourceReading()
        for _ in 0..<3 { try reading.read(first, byteCount: 300) }
        #expect(reading.chunks == ["one\n"] && reading.rejected.count == 1)
        let position = try #require(try first.position)
        files.append("a", "yyy\ntwo\n")
        let rest = try rest(from: position, of: source { $0.isFollowing = true })
        #expect(rest.chunks == ["two\n"])
        #expect(rest.rejected == [])
    }

    /// A file is known by its first record though that was rejected: one that is gone is missed.
    @Test func aFileThatBeginsWithARejectedRecordIsKnownAgain() throws {
        files.put("a", String(repeating: "y", count: 3000))
        let first = source { $0.isFollowing = true }
        try first.open()
        var reading = SourceReading()
        for _ in 0..<3 { try reading.read(first, byteCount: 300) }
        #expect(reading.rejected.count == 1)
        let position = try #require(try first.position)
        files.put("old", String(repeating: "y", count: 3003) + "\ntwo\n")
        files.remove("a")
        files.put("a", "three\n")
        let rest = try rest(from: position, of: source { $0.isFollowing = true })
        #expect(rest.chunks.sorted() == ["three\n", "two\n"] && rest.rejected == [])
        files.remove("old")
        #expect(throws: StorageError.self) {
            try source { $0.isFollowing = true }.resume(at: position)
        }
    }

    /// Files of the system have no length, and are no shorter than what was read of them.
    @Test func aFileThatTellsNoLengthIsReadToItsEnd() throws {
        let source = FileSource(
            FileSource.Options(patterns: ["/proc/self/limits"]), fileSystem: DiskFileSystem(),
            clock: time.clock)
        try source.open()
        var reading = SourceReading()
        for _ in 0..<20 where !reading.hasEnded { try reading.read(source, byteCount: 300) }
        #expect(reading.hasEnded && reading.text.hasPrefix("Limit"))
    }

    /// Files that are not read yet hold the watermark back, whatever came first.
    @Test func filesThatAreNotReadYetAreOpenedAgain() throws {
        files.put("a1", String(repeating: "y", count: 2000) + "\n1\n")
        files.put("a2", "2\n")
        let make = { self.source { $0.partitionPerFile = true } }
        let first = make()
        try first.open()
        var reading = SourceReading()
        try reading.read(first, byteCount: 300) { !$0.rejected.isEmpty }
        let rest = try rest(from: try #require(try first.position), of: make())
        #expect(rest.chunks == ["1\n", "2\n"])
        #expect(rest.events == [.opened(0), .opened(1), .finished(0), .finished(1)])
    }

    /// What was cut off is missing: the file has not come to its end.
    @Test(arguments: ["", "one\nt", "one\ntwo\n"])
    func aFileThatIsCutShortWhileItIsReadIsAnError(_ left: String) throws {
        files.put("a", "one\ntwo\nthree\n")
        let cut = source()
        try cut.open()
        var reading = SourceReading()
        try reading.read(cut, byteCount: 4) { $0.chunks == ["one\n"] }
        files.overwrite("a", left)
        let error = #expect(throws: StorageError.self) { try reading.read(cut, byteCount: 4) }
        #expect(error?.description.contains("cut short") == true, "\(error?.description ?? "")")
        #expect(error?.path == "a" && error?.offset == left.utf8.count)
    }
}
