import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

struct FileSinkTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func sink(
        _ path: String?, _ change: (inout FileSink.Options) -> Void = { _ in }
    ) throws -> FileSink {
        var options = FileSink.Options(path: path)
        change(&options)
        let sink = FileSink(options, fileSystem: files, clock: time.clock)
        try sink.open()
        return sink
    }

    @Test func literalPathIsEmptiedAtTheStartAndHoldsEveryPart() throws {
        files.put("out/a", "what was there before")
        let sink = try sink("out/a")
        #expect(files.text("out/a") == "")
        try sink.write([EncodedPart("one\n"), EncodedPart(""), EncodedPart("two\n")])
        try sink.write([EncodedPart("three\n")])
        try sink.flush()
        #expect(files.text("out/a") == "one\ntwo\nthree\n")
        try sink.close()
    }

    @Test func directoriesAreMade() throws {
        let directory = TemporaryDirectory()
        var options = FileSink.Options(path: directory("a/b/c.ndjson"))
        options.openFilesMax = 1
        let sink = FileSink(options, fileSystem: DiskFileSystem(), clock: time.clock)
        try sink.open()
        try sink.write([EncodedPart("x\n"), EncodedPart("y\n", target: directory("d/e"))])
        try sink.write([EncodedPart("z\n")])
        try sink.close()
        #expect(try DiskFileSystem().text(of: directory("a/b/c.ndjson")) == "x\nz\n")
        #expect(try DiskFileSystem().text(of: directory("d/e")) == "y\n")
    }

    @Test func manyTargetsShareFewOpenFiles() throws {
        let sink = try sink(nil) { $0.openFilesMax = 3 }
        for round in 0..<4 {
            try sink.write((0..<10).map { EncodedPart("\(round)\n", target: "out/\($0)") })
        }
        for index in 0..<10 { #expect(files.text("out/\(index)") == "0\n1\n2\n3\n") }
        #expect(files.openCountMax <= 3)
    }

    @Test func rollsBySizeAtPartsAndNumbersOn() throws {
        files.put("out/a-000007.x.y", "old")
        files.put("out/a-12.x.y", "not one of these")
        let sink = try sink("out/a.x.y") { $0.rollBytes = 10 }
        try sink.write(
            ["aaaa\n", "bbbb\n", "c\n", "very long line\n", "d\n"].map { EncodedPart($0) })
        try sink.close()
        #expect(files.text("out/a-000007.x.y") == "old")
        #expect(files.text("out/a-000008.x.y") == "aaaa\nbbbb\n")
        #expect(files.text("out/a-000009.x.y") == "c\n")
        #expect(files.text("out/a-000010.x.y") == "very long line\n")
        #expect(files.text("out/a-000011.x.y") == "d\n")
    }

    @Test func rollsByAge() throws {
        let sink = try sink("a") { $0.rollNanoseconds = 60_000_000_000 }
        try sink.write([EncodedPart("1\n")])
        time.advance(nanoseconds: 59_000_000_000)
        try sink.write([EncodedPart("2\n")])
        time.advance(nanoseconds: 1_000_000_000)
        try sink.write([EncodedPart("3\n")])
        #expect(files.text("a-000001") == "1\n2\n")
        #expect(files.text("a-000002") == "3\n")
    }

    @Test func shortWritesAreCarriedOnAndFullDiskIsSaid() throws {
        let sink = try sink("a")
        files.inject(.short(1), on: .write)
        files.inject(.short(4), on: .write)
        try sink.write([EncodedPart("one\n"), EncodedPart("two\n")])
        #expect(files.text("a") == "one\ntwo\n")
        files.inject(.error(.noSpace), on: .write)
        let error = #expect(throws: StorageError.self) { try sink.write([EncodedPart("three\n")]) }
        #expect(error?.kind == .noSpace)
        #expect(error?.path == "a")
    }

    @Test func everySequenceOfPartsEndsUpInItsFile() throws {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            let files = MemoryFileSystem()
            var options = FileSink.Options(path: nil)
            options.openFilesMax = Int.random(in: 1...4, using: &random)
            let sink = FileSink(options, fileSystem: files, clock: time.clock)
            try sink.open()
            var expected: [String: String] = [:]
            for step in 0..<30 {
                let parts = (0..<Int.random(in: 0...6, using: &random)).map { part in
                    EncodedPart(
                        "\(step).\(part)\n", target: "t\(Int.random(in: 0..<5, using: &random))")
                }
                for part in parts {
                    expected[part.target, default: ""] +=
                        SlabSlice(part.slab, 0..<part.byteCount).text
                }
                if Bool.random(using: &random) { files.inject(.short(2), on: .write) }
                try sink.write(parts)
            }
            for (path, text) in expected { #expect(files.text(path) == text, "seed \(seed)") }
        }
    }
}
