import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

extension FileSource.Options {
    /// Of files that are followed, and looked for at every read.
    static func following(_ pattern: String, partitionPerFile: Bool = false) -> Self {
        var options = Self(patterns: [pattern])
        options.isFollowing = true
        options.scanMilliseconds = 0
        options.partitionPerFile = partitionPerFile
        return options
    }
}

struct FileSourceFollowTests {
    private let directory = TemporaryDirectory()
    private let disk = DiskFileSystem()
    private let time = VirtualClock()

    private func source(
        _ pattern: String, partitionPerFile: Bool = false,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> FileSource {
        let source = FileSource(
            .following(directory(pattern), partitionPerFile: partitionPerFile), fileSystem: disk,
            clock: time.clock, notice: notice)
        try source.open()
        return source
    }

    private func pass(seconds: Int64) { time.advance(nanoseconds: seconds * 1_000_000_000) }

    @Test func growingFileIsReadInWholeRecords() throws {
        let path = directory("log")
        let source = try source("log")
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.isEmpty)
        try disk.append("one\ntw", to: path)
        try reading.read(source)
        try disk.append("o\nthree\n", to: path)
        try reading.read(source)
        #expect(reading.chunks == ["one\n", "two\nthree\n"])
        #expect(reading.places == ["\(path):0", "\(path):4"])
        #expect(!source.isBounded && !reading.hasEnded)
    }

    @Test func rotationByRenameLosesNothing() throws {
        let path = directory("log")
        try disk.write("a1\n", to: path)
        let source = try source("log", partitionPerFile: true)
        var reading = SourceReading()
        try reading.read(source)
        try disk.append("a2\n", to: path)
        try disk.rename(path, to: directory("log.1"))
        try disk.append("a3\n", to: directory("log.1"))
        try disk.write("b1\n", to: path)
        try reading.read(source)
        #expect(reading.chunks == ["a1\n", "a2\na3\n", "b1\n"])
        #expect(reading.partitions == [0, 0, 1])
        // A writer that still has the old file open.
        try disk.append("a4\nrest", to: directory("log.1"))
        try disk.append("b2\n", to: path)
        try reading.read(source)
        #expect(Set(reading.chunks.suffix(2)) == ["a4\n", "b2\n"])
        #expect(reading.events == [.opened(0), .opened(1)])
        pass(seconds: 6)
        try reading.read(source)
        #expect(reading.chunks.last == "rest")
        #expect(reading.events == [.opened(0), .opened(1), .finished(0)])
        try disk.append("a5\n", to: directory("log.1"))
        try disk.append("b3\n", to: path)
        try reading.read(source)
        #expect(reading.chunks.last == "b3\n")
    }

    @Test func renamedFileThatStillMatchesIsNotReadTwice() throws {
        try disk.write("a1\n", to: directory("log"))
        let source = try source("log*")
        var reading = SourceReading()
        try reading.read(source)
        try disk.rename(directory("log"), to: directory("log.1"))
        try reading.read(source)
        try disk.write("b1\n", to: directory("log"))
        try disk.append("a2\n", to: directory("log.1"))
        try reading.read(source)
        pass(seconds: 60)
        try reading.read(source)
        #expect(reading.chunks == ["a1\n", "a2\n", "b1\n"])
    }

    @Test func truncatedFileStartsAgain() throws {
        let path = directory("log")
        try disk.write("one\ntwo\nhalf", to: path)
        let source = try source("log")
        var reading = SourceReading()
        try reading.read(source)
        try disk.open(path, .write(truncating: true)).writeAll([SlabSlice("new\n")])
        try reading.read(source)
        #expect(reading.chunks == ["one\ntwo\n", "new\n"])
        #expect(reading.places == ["\(path):0", "\(path):0"])
        #expect(reading.rejected == ["\(path):8 the input ends inside a record"])
        #expect(source.truncationCount == 1)
    }

    @Test func truncatedFileThatGrewPastTheOldEndStartsAgain() throws {
        let path = directory("log")
        try disk.write("one\n", to: path)
        let source = try source("log")
        var reading = SourceReading()
        try reading.read(source)
        try disk.open(path, .write(truncating: true)).writeAll([SlabSlice("longer\nnow\n")])
        try reading.read(source)
        #expect(reading.chunks == ["one\n", "longer\nnow\n"])
        #expect(source.truncationCount == 1)
    }

    @Test func filesThatAppearLaterAreRead() throws {
        let source = try source("*.log")
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.isEmpty)
        try disk.write("b\n", to: directory("b.log"))
        try disk.write("a\n", to: directory("a.log"))
        try disk.write("c\n", to: directory("c.txt"))
        try reading.read(source)
        #expect(reading.chunks == ["a\n", "b\n"])
    }

    @Test func removedFileIsReadToItsEndAndLeft() throws {
        let path = directory("log")
        try disk.write("one\n", to: path)
        let source = try source("log", partitionPerFile: true)
        var reading = SourceReading()
        try reading.read(source)
        try disk.append("two\nx", to: path)
        try disk.unlink(path)
        try reading.read(source)
        pass(seconds: 6)
        try reading.read(source)
        #expect(reading.chunks == ["one\n", "two\n", "x"])
        #expect(reading.events == [.opened(0), .finished(0)])
    }

    @Test func interruptEndsTheWait() throws {
        let source = try source("log")
        source.interrupt()
        let result = try source.read(byteCount: 100, waitMilliseconds: 60_000)
        guard case .nothing = result else {
            Issue.record("nothing was there")
            return
        }
    }

    /// Random appends, rotations and scans; every line comes out once.
    @Test func everyLineComesOutOnceWhateverTheOrder() throws {
        for seed in UInt64(0)..<30 {
            let directory = TemporaryDirectory()
            var random = SplitMix64(seed: seed)
            let source = FileSource(
                .following(directory("log")), fileSystem: disk, clock: time.clock)
            try source.open()
            var reading = SourceReading()
            var expected: Set<String> = []
            var rotations = 0
            for step in 0..<80 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0..<3:
                    let line = "line \(step)"
                    expected.insert(line)
                    try disk.append(line + "\n", to: directory("log"))
                case 3:
                    guard try disk.status(of: directory("log")) != nil else { break }
                    // What was never seen before it is renamed away cannot be found by this name.
                    try reading.read(source)
                    rotations += 1
                    try disk.rename(directory("log"), to: directory("old.\(rotations)"))
                    let line = "late \(step)"
                    expected.insert(line)
                    try disk.append(line + "\n", to: directory("old.\(rotations)"))
                case 4: pass(seconds: Int64.random(in: 0...6, using: &random))
                default: try reading.read(source, byteCount: 20)
                }
            }
            try reading.read(source)
            let lines = reading.text.split(separator: "\n").map(String.init)
            #expect(lines.count == expected.count, "seed \(seed)")
            #expect(Set(lines) == expected, "seed \(seed)")
        }
    }
}
