import TestSupport
import Testing

@testable import Storage

/// Batches that are copied out of a log, and a log that is made of such copies.
struct LogExcerptTests {
    private let files: MemoryFileSystem
    private let copies: StateFiles

    init() { self.init(over: MemoryFileSystem()) }

    /// A log of small segments, with a batch of two records for each number.
    private func log(_ count: Int, codec: BlockCodec = .none) throws -> LogWriter {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.sync = .every
        options.codec = codec
        let fixture = LogFixture(files)
        try fixture.create(options)
        let writer = try fixture.writer()
        for number in 0..<count { try writer.append(values(number)) }
        try writer.commit()
        return writer
    }

    private func values(_ number: Int) -> [String] {
        ["\(number) " + String(repeating: "x", count: 700), "\(number)"]
    }

    private func excerpt(_ offsets: Range<Int64>) throws -> LogExcerpt? {
        try LogView(LogFixture.path, fileSystem: files).excerpt(offsets)
    }

    @discardableResult
    private func copy(_ offsets: Range<Int64>, as name: String) throws -> ExcerptFile {
        try files.makeDirectories(copies.path)
        let excerpt = try #require(try excerpt(offsets))
        try copies.write(excerpt, as: name).settle()
        let file = try copies.rows(name)
        #expect(file.offsets == excerpt.offsets)
        return file
    }

    private func rebuilt() -> LogFixture { LogFixture(files) }

    private func segment(_ number: Int) -> String {
        files.paths.filter { $0.hasSuffix(".segment") }[number]
    }

    @Test(arguments: [BlockCodec.none, .lz4], Seeds.list(5))
    func aLogOfCopiesHasTheRecordsOfThen(_ codec: BlockCodec, _ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let writer = try log(40, codec: codec)
        let ends = writer.ends
        let fixture = rebuilt()
        let start = random.int(0..<20) * 2
        let before = try fixture.values(.offset(Int64(start)))
        var cuts = [start]
        while let last = cuts.last, last < 80 {
            cuts.append(min(80, last + random.int(1...12) * 2))
        }
        var names: [String] = []
        for (first, end) in zip(cuts, cuts.dropFirst()) {
            names.append("0000000000000001-0-\(names.count).row")
            try copy(Int64(first)..<Int64(end), as: names[names.count - 1])
        }
        try writer.close()
        try LogWriter.rebuild(
            LogFixture.path, from: try names.map { try copies.rows($0) }, end: 80,
            fileSystem: files)
        #expect(try fixture.values() == before)
        // It goes on at the place that a checkpoint knew, wherever that is by now.
        let next = try fixture.writer()
        #expect(next.findings.isClean)
        try next.restore(to: ends, epoch: 3)
        #expect(try fixture.values() == before)
        #expect(try next.append(["next"]) == 80..<81)
        try next.sync()
        #expect(try fixture.values() == before + ["next"])
        try next.close()
        #expect(try fixture.writer().findings.isClean)
        #expect(try fixture.values() == before + ["next"])
    }

    @Test func anEmptyLogBeginsWhereItsRowsEnded() throws {
        let ends = try log(10).ends
        try LogWriter.rebuild("other", from: [], end: 20, fileSystem: files)
        let writer = try LogWriter("other", fileSystem: files)
        try writer.restore(to: ends, epoch: 1)
        #expect(writer.mark.partitions[0].start == 20)
        #expect(try writer.append(["next"]) == 20..<21)
    }

    @Test func whatWasTrimmedIsLeftOut() throws {
        let writer = try log(40)
        try writer.trim(0, to: 30)
        #expect(try excerpt(0..<20) == nil)
        #expect(try excerpt(0..<30) == nil)
        #expect(try excerpt(0..<50)?.offsets == 30..<50)
        // A batch goes with all of its records.
        try writer.trim(0, to: 41)
        #expect(try excerpt(30..<50)?.offsets == 40..<50)
        #expect(throws: StorageError.self) { try excerpt(70..<90) }
    }

    /// A trim between the look at the mark and the look at the segments.
    @Test func whatIsTrimmedMeanwhileIsNoDamage() throws {
        let writer = try log(40)
        let view = try LogView(LogFixture.path, fileSystem: files)
        let mark = try view.mark().partitions[0]
        try writer.trim(0, to: 60)
        #expect(throws: StorageError.self) { try LogExcerpt(view, 0..<50, of: 0, mark) }
        let held = try #require(try excerpt(0..<70))
        try writer.trim(0, to: 80)
        // What was found stays open.
        try files.makeDirectories(copies.path)
        try copies.write(held, as: "0000000000000001-0-1.row").settle()
        try copies.verify("0000000000000001-0-1.row")
        #expect(try excerpt(0..<70) == nil)
    }

    @Test func damageIsNamedWhereItIsAskedFor() throws {
        try log(40).close()
        let path = segment(1)
        let base = try #require(Int64(path.dropLast(8).suffix(20)))
        let next = try #require(Int64(segment(2).dropLast(8).suffix(20)))
        var bytes = files.bytes(path)
        bytes[200] ^= 1
        files.setBytes(path, bytes)
        let error = #expect(throws: StorageError.self) { try excerpt(0..<80) }
        #expect(error?.kind == .corrupt && error?.path == path)
        #expect(try excerpt(0..<base)?.offsets == 0..<base)
        #expect(try excerpt(base + 2..<80)?.offsets == base + 2..<80)
        files.setBytes(path, Array(bytes.dropLast(10)))
        #expect(throws: StorageError.self) { try excerpt(next - 2..<next) }
        files.remove(path)
        #expect(throws: StorageError.self) { try excerpt(0..<80) }
        #expect(try excerpt(next..<80)?.offsets == next..<80)
    }

    @Test func everyByteOfACopyIsChecked() throws {
        try log(3).close()
        let name = "0000000000000001-0-1.row"
        try copy(2..<4, as: name)
        let bytes = files.bytes(copies.path(of: name))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            files.setBytes(copies.path(of: name), changed)
            #expect(throws: StorageError.self, "\(index)") { try copies.verify(name) }
        }
        for count in [0, 1, 47, bytes.count - 1] {
            files.setBytes(copies.path(of: name), Array(bytes.prefix(count)))
            #expect(throws: StorageError.self) { try copies.check(name) }
            #expect(try !copies.hasRows(name, upTo: 4))
        }
        files.setBytes(copies.path(of: name), bytes)
        #expect(try copies.hasRows(name, upTo: 4))
        #expect(try !copies.hasRows(name, upTo: 6))
        #expect(try !copies.hasRows("0000000000000001-0-2.row", upTo: 4))
    }

    @Test func copiesThatDoNotJoinAreRefused() throws {
        try log(10).close()
        let first = try copy(0..<6, as: "0000000000000001-0-1.row")
        let last = try copy(8..<20, as: "0000000000000001-0-2.row")
        #expect(throws: StorageError.self) {
            try LogWriter.rebuild("other", from: [first, last], end: 20, fileSystem: files)
        }
        #expect(throws: StorageError.self) {
            try LogWriter.rebuild("other", from: [first], end: 20, fileSystem: files)
        }
        // Nothing is there that could be taken for a log.
        #expect(throws: StorageError.self) { try LogView("other", fileSystem: files) }
    }

    /// Whatever a crash leaves of it: no log, the one before, or the new one.
    @Test func noCrashLeavesHalfALog() throws {
        try CrashMatrix(seed: Seeds.base).run { files in
            let test = LogExcerptTests(over: files)
            try test.log(12).close()
            try test.copy(4..<24, as: "0000000000000001-0-1.row")
            let file = try test.copies.rows("0000000000000001-0-1.row")
            files.syncAll()
            try LogWriter.rebuild(LogFixture.path, from: [file], end: 24, fileSystem: files)
        } check: { files, crash in
            guard files.text("\(LogFixture.path)/log.meta") != nil,
                files.paths.contains("copies/0000000000000001-0-1.row")
            else { return }
            let fixture = LogFixture(files)
            let writer = try fixture.writer()
            let values = try fixture.values()
            let start = writer.mark.partitions[0].start
            if start == 4 {
                #expect(values.count == 20 && writer.findings.isClean, "\(crash)")
            } else {
                #expect(values.count == 24, "\(crash)")
            }
        }
    }

    private init(over files: MemoryFileSystem) {
        self.files = files
        copies = StateFiles("copies", fileSystem: files)
    }
}
