import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

/// Buffers that are gone with their box, or have less than a checkpoint says.
@Suite(.serialized)
struct LostBufferTests {
    private static let path = "state/buffer-in"
    private let files = MemoryFileSystem()
    private let notices = Notices()

    /// What a run gave.
    private struct Given {
        var text = ""
        var bases: [Int64] = []
        var events: [PartitionEvent] = []
        var position: SourcePosition?
    }

    /// A run that is given something and then its end, and reads to that, a record at a time where
    /// it is to stop early.
    private func run(
        at position: SourcePosition? = nil, over files: MemoryFileSystem? = nil, pieces: Int = .max,
        byteCount: Int = 1 << 16,
        _ change: (inout BufferedSource.Options) -> Void = { _ in },
        giving give: (FeedSource.Feed) -> Void
    ) throws -> Given {
        let feed = FeedSource.Feed()
        var options = BufferedSource.Options(directory: Self.path)
        options.log.sync = .every
        change(&options)
        let notices = notices
        let source = BufferedSource(
            FeedSource(feed), options, fileSystem: files ?? self.files, clock: .system,
            notice: { notices.add($0) })
        defer { source.close() }
        if let position { try source.resume(at: position) } else { try source.open() }
        give(feed)
        feed.end()
        var given = Given()
        for _ in 0..<2000 where given.bases.count < pieces {
            switch try source.read(byteCount: byteCount, waitMilliseconds: 5) {
            case .chunk(let chunk):
                given.events += chunk.events
                given.text += String(decoding: chunk.slab.array(chunk.range), as: UTF8.self)
                if let base = chunk.origin?.base, !chunk.range.isEmpty { given.bases.append(base) }
            case .end:
                given.position = source.position
                return given
            default: continue
            }
        }
        given.position = source.position
        return given
    }

    private func loseTheBox() throws {
        for path in files.paths where path.hasPrefix("state/") { try files.unlink(path) }
    }

    /// What comes has identifiers that nothing before had, and connections of before are ended.
    @Test(arguments: [1, 2, Int.max])
    func aSourceGoesOnWhereItsBufferIsGone(_ pieces: Int) throws {
        let first = try run(pieces: pieces, byteCount: 2) { feed in
            feed.put("a\nb\n", partition: 0, .opened(0))
            feed.put("c\n", partition: 1, .opened(1))
        }
        let position = try #require(first.position)
        try loseTheBox()
        let second = try run(at: position) { $0.put("d\n", partition: 0, .opened(0)) }
        #expect(second.text == "d\n")
        #expect(second.bases.allSatisfy { base in first.bases.allSatisfy { $0 < base } })
        let opened = first.events.count { if case .opened = $0 { true } else { false } }
        #expect(
            second.events
                == (0..<opened).map { .finished($0) } + [.opened(opened)])
        #expect(notices.all.count { $0.contains("is gone") } == 1, "\(notices.all)")
    }

    /// A kill before there is another checkpoint leaves the new buffer and the old position.
    @Test func whatCameSinceIsReadAgain() throws {
        let first = try run { $0.put("a\nb\n") }
        let position = try #require(first.position)
        try loseTheBox()
        let second = try run(at: position) { $0.put("c\n") }
        let third = try run(at: position) { $0.put("d\n") }
        #expect(third.text == "c\nd\n")
        #expect(third.bases.first == second.bases.first)
        let fourth = try run(at: third.position) { $0.put("e\n") }
        #expect(fourth.text == "e\n")
        #expect(notices.all.count { $0.contains("is gone") } == 1, "\(notices.all)")
    }

    /// One that is there, and has less, was not lost with the box.
    @Test func aBufferThatIsShorterIsAnError() throws {
        _ = try run { $0.put("x\n") }
        let short = files.crashKeepingWritten()
        let more = try run { feed in for _ in 0..<5 { feed.put("a\n", partition: 3) } }
        let position = try #require(more.position)
        #expect(throws: StorageError.self) {
            try run(at: position, over: short) { $0.put("c\n") }
        }
        // No identifier is given twice where it is allowed.
        let allowed = try run(at: position, over: short) {
            $0.givesUpPlace = true
        } giving: {
            $0.put("c\n")
        }
        #expect(allowed.text == "c\n")
        #expect(allowed.bases.allSatisfy { base in more.bases.allSatisfy { $0 < base } })
        let next = try run(at: position, over: short) { $0.put("d\n") }
        #expect(next.text == "c\nd\n")
    }

    /// A buffer at another path leaves what is in the old one, unless that was all read or moved.
    @Test func anotherPathLeavesWhatWasNotRead() throws {
        let first = try run(pieces: 1) { feed in
            for line in ["a\n", "b\n", "c\n"] { feed.put(line) }
        }
        let position = try #require(first.position)
        func left(_ directory: String) -> String? {
            BufferedSource.left(behind: position, for: directory, fileSystem: files)
        }
        #expect(left(Self.path) == nil)
        #expect(left("other")?.contains(Self.path) == true)
        let second = try run(at: position) { _ in }
        #expect(second.text == "b\nc\n")
        let drained = try #require(second.position)
        #expect(BufferedSource.left(behind: drained, for: "other", fileSystem: files) == nil)
        let third = try run(at: drained) {
            $0.directory = "other"
        } giving: {
            $0.put("d\n")
        }
        #expect(third.text == "d\n")
        let bases = first.bases + second.bases
        #expect(third.bases.allSatisfy { base in bases.allSatisfy { $0 < base } })
    }
}

/// What a source told.
private final class Notices: Sendable {
    private let told = Mutex<[String]>([])

    func add(_ text: String) { told.withLock { $0.append(text) } }

    var all: [String] { told.withLock { $0 } }
}
