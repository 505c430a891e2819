import Dataflow
import Execution
import Pipeline
import Storage
import TestSupport
import Testing

/// Sinks that may begin anew: what is there of their output stays.
struct SinkResetTests {
    private static let head = """
        name: reset
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          in: { type: file, paths: [ in.ndjson ], schema: { n: int, shop: string } }
        sinks:

        """
    private let files = MemoryFileSystem()
    private let rows: [String]

    init() throws {
        rows = (0..<4000).map { "{\"n\":\($0),\"shop\":\"s\($0 % 9)\"}" }
        files.put("in.ndjson", rows.map { "\($0)\n" }.joined())
        files.syncAll()
    }

    private func run(
        _ sinks: String, over files: MemoryFileSystem, allowing allowed: Set<String> = [],
        _ interruption: Interruption? = nil
    ) throws -> PipelineRun {
        var recovery = RecoveryOptions()
        recovery.allowedResets = allowed
        return try PipelineRun.run(
            Self.head + sinks, name: "reset", over: files, interruption: interruption,
            recovery: recovery)
    }

    /// What a kill leaves of a run that goes on from two others while output waits, by what
    /// `isWaiting` says of files and epoch.
    private func left(
        _ sinks: String, where isWaiting: (MemoryFileSystem, Int) -> Bool
    ) throws -> MemoryFileSystem {
        try stopTwice(sinks)
        let clones = CrashClones(seed: Seeds.base, rarity: 1)
        clones.watch(files)
        #expect(try run(sinks, over: files).failure == nil)
        let found = clones.all.map(\.files).last { files in
            let list = try? CheckpointInspection("state", fileSystem: files).list()
            guard let newest = list?.checkpoints.last, !newest.hasEnded else { return false }
            return isWaiting(files, newest.epoch)
        }
        return try #require(found)
    }

    /// Makes a journal useless, as if its disk had lost it.
    private func damageJournal(_ sink: String, _ files: MemoryFileSystem) {
        files.setBytes("out/.\(sink).ndjson.weir-journal", [])
    }

    private func staged(_ files: MemoryFileSystem) -> [String] {
        files.paths.filter { $0.hasPrefix("out/.") && $0.last?.isNumber == true }
    }

    private static let file = "  a: { type: file, path: out/a.ndjson }"

    /// A run that is stopped twice, so that its checkpoint knows of its journal.
    private func stopTwice(_ sinks: String = Self.file) throws {
        for reads in [4, 5] {
            let run = try run(sinks, over: files, Interruption(.stop, afterReads: reads))
            #expect(run.failure == nil)
        }
    }

    /// A refusal names all that is ahead, the first and those behind it.
    @Test func allSinksThatAreAheadAreNamed() throws {
        let sinks = Self.file + "\n  b: { type: file, path: out/b.ndjson, inputs: in }"
        try stopTwice(sinks)
        let manifests = files.paths.filter { $0.hasSuffix(".manifest") }.sorted()
        try #require(manifests.count > 1)
        files.setBytes(manifests[manifests.count - 1], [])
        let refused = try run(sinks, over: files)
        for part in ["sink 'a'", "out/a.ndjson", "sink 'b'", "out/b.ndjson"] {
            #expect(refused.failure?.contains(part) == true, "\(refused.failure ?? "")")
        }
    }

    /// All rows are there, and the journal alone is lost.
    @Test func outputWhoseJournalIsLostStays() throws {
        try stopTwice()
        damageJournal("a", files)
        #expect(try run(Self.file, over: files).failure?.contains("--allow-reset") == true)
        let run = try run(Self.file, over: files, allowing: ["a"])
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(run.lines("out/a.ndjson").map(String.init) == rows)
    }

    /// What waits for it, too.
    @Test func outputThatWaitsIsCommittedWhereTheJournalIsLost() throws {
        let left = try left(Self.file) { files, _ in
            !staged(files).isEmpty && files.text("out/a.ndjson") != nil
        }
        damageJournal("a", left)
        #expect(try run(Self.file, over: left).failure != nil)
        let run = try run(Self.file, over: left, allowing: ["a"])
        #expect(run.failure == nil, "\(run.failure ?? "")")
        #expect(run.lines("out/a.ndjson").map(String.init) == rows)
        #expect(staged(left) == [])
    }

    /// Where there is more than the checkpoint knows of, nobody is asked to guess.
    @Test func outputThatIsAheadIsNotBegunAnew() throws {
        try stopTwice()
        damageJournal("a", files)
        files.append("out/a.ndjson", "{\"n\":-1}\n")
        let text = files.text("out/a.ndjson")
        let run = try run(Self.file, over: files, allowing: ["a"])
        #expect(run.failure?.contains("--roll-back-sinks") == true, "\(run.failure ?? "")")
        #expect(files.text("out/a.ndjson") == text)
    }

    /// Of a sink of several files one is gone.
    @Test func theOtherFilesOfASinkStay() throws {
        let sinks = "  a: { type: file, path: \"out/{shop}\" }"
        let left = try left(sinks) { files, _ in
            staged(files).count == 9 && files.text("out/s1") != nil
        }
        try left.unlink("out/s1")
        #expect(try run(sinks, over: left).failure?.contains("out/s1") == true)
        let run = try run(sinks, over: left, allowing: ["a"])
        #expect(run.failure == nil, "\(run.failure ?? "")")
        for shop in ["s0", "s2", "s3", "s8"] {
            let expected = rows.filter { $0.contains("\"\(shop)\"") }
            #expect(run.lines("out/\(shop)").map(String.init) == expected, "\(shop)")
        }
        #expect(staged(left) == [])
    }

    /// Of a log one partition is damaged, behind some batches.
    @Test func whatIsWholeInALogIsCommitted() throws {
        let sinks = "  a: { type: log, path: log, key: shop, partitions: 3 }"
        let left = try left(sinks) { files, epoch in
            guard let mark = try? LogView("log", fileSystem: files).mark() else { return false }
            return mark.epoch < UInt64(epoch)
                && (0..<3).allSatisfy { number in
                    let segment = files.bytes("log/\(number)-00000000000000000000.segment")
                    return segment.count > mark.partitions[number].end.position + 100
                }
        }
        let path = "log/1-00000000000000000000.segment"
        var bytes = left.bytes(path)
        bytes[bytes.count - 1] ^= 1
        left.setBytes(path, bytes)
        let refused = try run(sinks, over: left)
        #expect(refused.failure?.contains("partition 1") == true, "\(refused.failure ?? "")")
        let run = try run(sinks, over: left, allowing: ["a"])
        #expect(run.failure == nil, "\(run.failure ?? "")")
        let found = try LogFile("log", on: left).lines()
        let missing = Set(rows).subtracting(found)
        #expect(Set(found).count == found.count)
        // All that is missing stood in the batch that is damaged.
        let shops = Set(missing.map { $0.suffix(5) })
        #expect((1..<9).contains(shops.count), "\(shops)")
        #expect((1..<rows.count / 3).contains(missing.count), "\(missing.count)")
    }
}
