import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// Followed files that are found again by another run.
struct FileSourceFollowResumeTests {
    private let directory = TemporaryDirectory()
    private let disk = DiskFileSystem()
    private let time = VirtualClock()

    private func source(_ pattern: String, partitionPerFile: Bool = false) -> FileSource {
        FileSource(
            .following(directory(pattern), partitionPerFile: partitionPerFile), fileSystem: disk,
            clock: time.clock)
    }

    /// Runs over the file `log`, one after the other, each of which reads all there is.
    private struct Runs {
        private let make: () -> FileSource
        private(set) var source: FileSource
        private(set) var reading = SourceReading()

        init(_ make: @escaping () -> FileSource) throws {
            self.make = make
            source = make()
            try source.open()
            try read()
        }

        mutating func read() throws { try reading.read(source) }

        /// Another run, which goes on where this one stands after `change`.
        mutating func restart(after change: () throws -> Void = {}) throws {
            let position = try #require(try source.position)
            source.close()
            try change()
            source = make()
            try source.resume(at: position)
            try read()
        }
    }

    /// Begins with a file of this content, and what is done beside it.
    private func runs(
        over text: String, partitionPerFile: Bool = false, _ prepare: () throws -> Void = {}
    ) throws -> Runs {
        try disk.write(text, to: directory("log"))
        try prepare()
        return try Runs { source("log", partitionPerFile: partitionPerFile) }
    }

    private func rotate(_ number: Int = 1) throws {
        try disk.rename(directory("log"), to: directory("log.\(number)"))
        try disk.write("", to: directory("log"))
    }

    @Test func emptyFileThatWasRotatedAwayIsNotTakenForItsSuccessor() throws {
        var runs = try runs(over: "")
        try rotate()
        try disk.append("a\nb\n", to: directory("log"))
        try runs.read()
        for _ in 0..<3 { try runs.restart() }
        try disk.append("c\n", to: directory("log"))
        try runs.read()
        #expect(runs.reading.chunks == ["a\nb\n", "c\n"])
    }

    @Test func emptyFileThatWasRotatedAwayIsReadWhenItIsWritten() throws {
        var runs = try runs(over: "") { try disk.write("foreign\n", to: directory("log.0")) }
        try rotate()
        try disk.append("b1\n", to: directory("log"))
        try runs.read()
        try runs.restart { try disk.append("a1\n", to: directory("log.1")) }
        try runs.restart()
        #expect(runs.reading.chunks == ["b1\n", "a1\n"])
    }

    @Test func emptyFileThatIsRotatedTwiceBetweenRunsIsRead() throws {
        var runs = try runs(over: "")
        try runs.restart {
            try disk.append("a1\n", to: directory("log"))
            try rotate(1)
            try disk.rename(directory("log.1"), to: directory("log.2"))
            try rotate(1)
            try disk.append("c1\n", to: directory("log"))
        }
        try runs.restart()
        #expect(runs.reading.chunks == ["a1\n", "c1\n"])
    }

    @Test func emptyFileThatGrewBetweenRunsIsReadFromItsStart() throws {
        var runs = try runs(over: "", partitionPerFile: true)
        try runs.restart { try disk.append("a1\n", to: directory("log")) }
        try runs.restart()
        #expect(runs.reading.chunks == ["a1\n"])
        #expect(runs.reading.partitions == [0])
        #expect(runs.reading.events == [.opened(0)])
    }

    @Test func emptyFileThatIsReplacedBetweenRunsGivesItsPartitionOn() throws {
        var runs = try runs(over: "", partitionPerFile: true)
        try runs.restart {
            // Its inode stays in use, by a file that has nothing to do with it.
            try disk.rename(directory("log"), to: directory("other"))
            try disk.append("foreign\n", to: directory("other"))
            try disk.write("a1\n", to: directory("log"))
        }
        try runs.restart()
        #expect(runs.reading.chunks == ["a1\n"])
        #expect(runs.reading.partitions == [0])
    }

    @Test func emptyFileThatIsGoneEndsItsPartition() throws {
        var runs = try runs(over: "", partitionPerFile: true)
        try runs.restart { try disk.unlink(directory("log")) }
        #expect(runs.reading.events == [.opened(0), .finished(0)])
        try disk.write("b1\n", to: directory("log"))
        try runs.read()
        #expect(runs.reading.chunks == ["b1\n"])
        #expect(runs.reading.partitions == [1])
    }

    @Test func fileIsNotTakenForOneThatBeginsLikeIt() throws {
        let path = directory("log")
        var runs = try runs(over: "start\n")
        try rotate()
        try disk.append("start\nb1\n", to: path)
        try runs.read()
        try runs.restart {
            try disk.append("a1\n", to: directory("log.1"))
            try disk.append("b2\n", to: path)
        }
        try runs.restart()
        #expect(runs.reading.chunks.prefix(2) == ["start\n", "start\nb1\n"])
        #expect(runs.reading.chunks.dropFirst(2).sorted() == ["a1\n", "b2\n"])
    }

    /// The same where the files are copies that were put back: other inodes, the same content.
    @Test func copiesAreFoundAgainByTheirContentEachOnce() throws {
        let path = directory("log")
        var runs = try runs(over: "start\n")
        try rotate()
        try disk.append("start\nb1\n", to: path)
        try runs.read()
        try runs.restart {
            for (name, text) in [("log.1", "start\na1\n"), ("log", "start\nb1\nb2\n")] {
                try disk.write(text, to: directory("copy"))
                try disk.rename(directory("copy"), to: directory(name))
            }
        }
        try runs.restart()
        #expect(runs.reading.chunks.dropFirst(2).sorted() == ["a1\n", "b2\n"])
    }

    @Test func fileThatWasReadAndIsGoneIsAnError() throws {
        var runs = try runs(over: "start\n")
        try rotate()
        try runs.read()
        let position = try #require(try runs.source.position)
        runs.source.close()
        try disk.unlink(directory("log.1"))
        // The new file begins like the old one, but is remembered as one of its own.
        try disk.append("start\nb1\n", to: directory("log"))
        let error = #expect(throws: StorageError.self) {
            try source("log").resume(at: position)
        }
        #expect(error?.kind == .notFound)
    }

    @Test func renamedFileIsLeftWhenItIsStill() throws {
        var runs = try runs(over: "a1\n", partitionPerFile: true)
        try runs.restart { try rotate() }
        time.advance(nanoseconds: 6_000_000_000)
        try runs.read()
        #expect(runs.reading.events == [.opened(0), .opened(1), .finished(0)])
    }

    /// The form of positions from before device and inode were written down.
    @Test func positionWithoutIdentitiesIsTaken() throws {
        let path = directory("log")
        try disk.write("a1\n", to: path)
        var writer = ByteWriter()
        writer.append(UInt8(2))
        for count in [3, 0, 2] { writer.append(count: count) }
        // Two empty files that were seen at one path.
        for partition in [0, 2] {
            writer.append(count: partition)
            writer.append(path)
            writer.append(Int64(0))
            for _ in 0..<2 {
                writer.append(UInt32(0))
                writer.append(UInt64(0))
            }
        }
        let source = source("log", partitionPerFile: true)
        try source.resume(at: SourcePosition(writer.bytes))
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.chunks == ["a1\n"])
        #expect(reading.partitions == [0])
        #expect(reading.events == [.finished(2)])
    }

    /// Random appends, rotations and restarts; every line comes out once.
    @Test func everyLineComesOutOnceAcrossRestarts() throws {
        for seed in UInt64(0)..<30 {
            let files = TemporaryDirectory()
            var random = SplitMix64(seed: seed)
            let options = FileSource.Options.following(files("log"))
            var source = FileSource(options, fileSystem: disk, clock: time.clock)
            try source.open()
            var reading = SourceReading()
            var expected: [String] = []
            var rotations = 0
            for step in 0..<60 {
                switch Int.random(in: 0..<7, using: &random) {
                case 0..<2:
                    expected.append("line \(step)")
                    try disk.append("line \(step)\n", to: files("log"))
                case 2:
                    guard try disk.status(of: files("log")) != nil else { break }
                    // What was never seen before it is renamed away cannot be found by this name.
                    try reading.read(source)
                    rotations += 1
                    try disk.rename(files("log"), to: files("log.\(rotations)"))
                    if Bool.random(using: &random) { try disk.write("", to: files("log")) }
                    guard Bool.random(using: &random) else { break }
                    expected.append("late \(step)")
                    try disk.append("late \(step)\n", to: files("log.\(rotations)"))
                case 3: time.advance(nanoseconds: Int64.random(in: 0...6, using: &random) << 30)
                case 4:
                    let position = try #require(try source.position)
                    source.close()
                    source = FileSource(options, fileSystem: disk, clock: time.clock)
                    try source.resume(at: position)
                default: try reading.read(source, byteCount: 20)
                }
            }
            try reading.read(source)
            let lines = reading.text.split(separator: "\n").map(String.init)
            #expect(lines.sorted() == expected.sorted(), "seed \(seed)")
        }
    }
}
