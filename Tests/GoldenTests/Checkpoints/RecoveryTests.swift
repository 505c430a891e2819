import Connectors
import Execution
import Pipeline
import Storage
import Synchronization
import TestSupport
import Testing

/// Checkpoints that were damaged or lost, and output that is newer than any of them.
struct RecoveryTests {
    private static let input = WorkloadInput(
        name: "recovered", rows: 6_000, seed: Seeds.base + 9, disorder: 30_000, duplicates: 30,
        late: 5, delay: 10_000, retain: 600_000, span: 20)
    private let input = RecoveryTests.input
    private let files: MemoryFileSystem
    private let plain: PipelineRun

    init() throws {
        files = MemoryFileSystem()
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        plain = try input.run(.chain, orders, shops, "workers=1")
        files.put("orders.ndjson", orders)
        files.put("shops.ndjson", shops)
    }

    private func run(
        second: String? = nil, interruption: Interruption? = nil,
        recovery: RecoveryOptions = RecoveryOptions(), set: [String] = []
    ) throws -> PipelineRun {
        let place = second.map { ", second_place: \($0)" } ?? ""
        let settings = [
            "settings.state={ path: state, memory_limit: 1MiB }",
            "settings.checkpoint={ every: 10ms, keep: 3\(place) }", "settings.chunk_size=10KiB",
            "settings.batch_rows=100", "settings.workers=2",
        ]
        return try PipelineRun.run(
            try Repository.text("pipelines/w5-chain.yaml"), name: "w5-chain", over: files,
            set: input.settings(.chain) + settings + set, interruption: interruption,
            recovery: recovery)
    }

    /// Leaves a run that failed on its way, with some checkpoints.
    private func leaveInterrupted(second: String? = nil) throws {
        var runs = 0
        while manifests(in: "state").count < 2 && runs < 20 {
            let failed = try run(
                second: second, interruption: Interruption(.failure, afterReads: 30))
            #expect(failed.failure?.hasPrefix("Failure") == true)
            runs += 1
        }
        try #require(manifests(in: "state").count >= 2)
    }

    private func manifests(in directory: String) -> [String] {
        files.paths.filter { $0.hasPrefix(directory + "/") && $0.hasSuffix(".manifest") }
    }

    private func damage(_ path: String, at offset: Int? = nil) {
        var bytes = files.bytes(path)
        bytes[offset ?? bytes.count / 2] ^= 1
        files.setBytes(path, bytes)
    }

    private func expectWhole(_ run: PipelineRun) {
        #expect(run.failure == nil)
        for path in ["out.ndjson", "late.ndjson"] {
            #expect(run.lines(path).sorted() == plain.lines(path).sorted(), "\(path)")
        }
    }

    @Test func theSecondPlaceHasWhatWasLost() throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        #expect(!manifests(in: "second").isEmpty)
        for path in files.paths where path.hasPrefix("state/") { try files.unlink(path) }
        expectWhole(try run(second: second))
    }

    /// Somebody prunes the second place again and again, whatever is just being copied to it.
    @Test func pruningASecondPlaceLeavesWhatIsBeingCopied() throws {
        let second = "{ path: second, required: true }"
        let files = files
        let isPruning = Atomic(false)
        let prunings = Atomic(0)
        files.observe { note in
            guard note.path.hasPrefix("second/"), note.operation != .unlink,
                !isPruning.exchange(true, ordering: .relaxed)
            else { return }
            let place = CheckpointInspection("second", fileSystem: files)
            if (try? place.prune(keeping: 1) { _ in }) != nil {
                prunings.add(1, ordering: .relaxed)
            }
            isPruning.store(false, ordering: .relaxed)
        }
        try leaveInterrupted(second: second)
        files.observe(nil)
        #expect(prunings.load(ordering: .relaxed) > 10)
        let place = CheckpointInspection("second", fileSystem: files)
        #expect(try place.verify().map(\.description) == [])
        for path in files.paths where path.hasPrefix("state/") { try files.unlink(path) }
        expectWhole(try run(second: second))
    }

    @Test func runsThatLostTheirStateUseNoNameAgain() throws {
        let second = "{ path: second, required: true }"
        for reads in [20, 12, 14, 16, 18] {
            try leaveInterrupted(second: second)
            for path in files.paths where path.hasPrefix("state/") { try files.unlink(path) }
            // What was not copied to its end is in nobody's way.
            files.put("second/00000000000000ff-0-1.run.new", "half")
            files.put("second/checkpoint-0000000000000000.manifest.new", "half")
            let run = try run(
                second: second, interruption: Interruption(.failure, afterReads: reads))
            #expect(run.failure?.hasPrefix("Failure") ?? true, "\(run.failure ?? "")")
        }
        expectWhole(try run(second: second))
        let left = files.paths.filter { $0.hasPrefix("second/") }
        #expect(left.count == 1 && left[0].hasSuffix(".manifest"), "\(left)")
    }

    @Test func damagedFilesAreReplacedOneByOne() throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        // The ends of files, which are looked at when a run goes on, and the newest manifest.
        let newest = try #require(manifests(in: "state").max())
        damage(newest)
        for path in files.paths where path.hasPrefix("state/") && path.hasSuffix(".run") {
            damage(path, at: files.bytes(path).count - 10)
        }
        let later = try run(second: second)
        expectWhole(later)
        #expect(later.log.contains { $0.contains("it is replaced by its copy in second") })
    }

    /// Blocks are looked at when they are read: the run fails of them, and the next one goes on
    /// with the copy of that file, if it is whole.
    @Test(arguments: [false, true])
    func damagedBlocksAreReplacedByTheNextRun(_ isCopyDamaged: Bool) throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        let runs = files.paths.filter { $0.hasPrefix("state/") && $0.hasSuffix(".run") }
        for path in runs { damage(path, at: 9) }
        if isCopyDamaged {
            for path in files.paths where path.hasPrefix("second/") && path.hasSuffix(".run") {
                damage(path, at: 9)
            }
        }
        var later = try run(second: second)
        #expect(later.failure?.contains("state/") == true, "\(later.failure ?? "")")
        for _ in runs where later.failure != nil {
            let told = "the next run goes on with its copy"
            if !isCopyDamaged { #expect(later.log.contains { $0.contains(told) }) }
            later = try run(second: second)
        }
        if isCopyDamaged { #expect(later.failure != nil) } else { expectWhole(later) }
    }

    /// A block that is damaged where no copy is: the one before is taken, whole as it was, here or
    /// in the second place.
    @Test(arguments: ["none", "behind", "damaged"])
    func aDamagedBlockWithoutACopyCostsItsCheckpoint(_ copies: String) throws {
        let second = copies == "none" ? nil : "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        let list = try CheckpointInspection("state", fileSystem: files).list().checkpoints
        let (newest, before) = (try #require(list.last), list[list.count - 2])
        let own = Set(try needed(newest.epoch)).subtracting(try needed(before.epoch))
            .filter { $0.hasSuffix(".run") }
        try #require(!own.isEmpty)
        for name in own { damage("state/\(name)", at: 9) }
        if copies != "none" {
            for name in own {
                if copies == "behind" { try files.unlink("second/\(name)") }
                if copies == "damaged" { damage("second/\(name)", at: 9) }
            }
            if copies == "behind" {
                for path in manifests(in: "second") where path.hasSuffix("\(newest.epoch).manifest")
                {
                    try files.unlink(path)
                }
            }
        }
        var later = try run(second: second)
        for _ in own where later.failure?.contains("--roll-back-sinks") == false {
            #expect(later.failure?.contains("state/") == true)
            later = try run(second: second)
        }
        #expect(later.failure?.contains("--roll-back-sinks") == true, "\(later.failure ?? "")")
        var recovery = RecoveryOptions()
        recovery.sinksAhead = .rollBack
        expectWhole(try run(second: second, recovery: recovery))
    }

    /// The files of state that a checkpoint needs.
    private func needed(_ epoch: Int) throws -> [String] {
        let copy = files.crashKeepingWritten()
        let place = CheckpointInspection("state", fileSystem: copy)
        for path in copy.paths where path.hasPrefix("export/") { try copy.unlink(path) }
        _ = try place.copy(epoch: epoch, to: "export")
        return copy.paths.filter { $0.hasPrefix("export/") }.map { FilePath.name(of: $0) }
    }

    /// A second place with checkpoints of another pipeline leaves nothing behind that it would
    /// refuse later.
    @Test func aSecondPlaceOfAnotherPipelineLeavesNothing() throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        let there = files.paths.filter { $0.hasPrefix("second/") }
        let set = ["name=other", "settings.state.path=fresh"]
        let refused = try run(second: second, set: set)
        #expect(refused.failure?.contains("of pipeline 'w5-chain'") == true)
        let left = files.paths.filter { $0.hasPrefix("fresh/") }
        #expect(left.filter { $0.hasSuffix(".manifest") || $0.hasSuffix(".run") } == [])
        #expect(files.paths.filter { $0.hasPrefix("second/") } == there)
        try files.unlink("out.ndjson")
        try files.unlink("late.ndjson")
        expectWhole(try run(second: "{ path: elsewhere }", set: set))
    }

    @Test func withoutASecondPlaceTheOneBeforeIsTaken() throws {
        try leaveInterrupted()
        let newest = try #require(manifests(in: "state").max())
        damage(newest)
        var later = try run()
        // The output of the newest was committed: nothing goes on by itself.
        #expect(later.failure?.contains("--roll-back-sinks") == true, "\(later.failure ?? "")")
        for name in ["sink 'out'", "out.ndjson", "sink 'late'", "late.ndjson"] {
            #expect(later.failure?.contains(name) == true, "\(later.failure ?? "")")
        }
        #expect(later.log.contains { $0.contains("checksum is wrong") })
        var recovery = RecoveryOptions()
        recovery.sinksAhead = .rollBack
        later = try run(recovery: recovery)
        expectWhole(later)
    }

    @Test func duplicatesAreAcceptedWhenAsked() throws {
        try leaveInterrupted()
        damage(try #require(manifests(in: "state").max()))
        var recovery = RecoveryOptions()
        recovery.sinksAhead = .acceptDuplicates
        let later = try run(recovery: recovery)
        #expect(later.failure == nil)
        for path in ["out.ndjson", "late.ndjson"] {
            #expect(Set(later.lines(path)) == Set(plain.lines(path)), "\(path)")
        }
    }

    /// Behind the end of a run the next one begins anew, and so does the one after it if that dies
    /// at once: an older checkpoint in the second place is not what it goes on from.
    @Test func whatHadEndedIsNotBegunFromAnOlderCheckpoint() throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        expectWhole(try run())
        #expect(!manifests(in: "second").isEmpty)
        for _ in 0..<2 {
            let died = try run(
                second: second, interruption: Interruption(.failure, afterReads: 1))
            #expect(died.failure?.hasPrefix("Failure") == true)
        }
        expectWhole(try run(second: second))
    }

    /// What cannot be read now may be whole: the run fails, nothing is taken in its place, and the
    /// next one goes on.
    @Test func troubleWithTheDiskIsNoDamage() throws {
        try leaveInterrupted()
        let before = files.paths
        files.fail(read: files.readCount + 2, with: .error(.inputOutput))
        files.fail(read: files.readCount + 3, with: .error(.inputOutput))
        #expect(try run().failure?.contains("injected") == true)
        #expect(files.paths.filter { $0.hasSuffix(".damaged") } == [], "\(before)")
        expectWhole(try run())
    }

    @Test func whereNothingCanBeUsedTheRunRefuses() throws {
        let second = "{ path: second, required: true }"
        try leaveInterrupted(second: second)
        for path in manifests(in: "state") + manifests(in: "second") { damage(path) }
        let later = try run(second: second)
        #expect(later.failure?.contains("no checkpoint in state and second can be used") == true)
        // It refuses again: nothing was removed.
        #expect(try run(second: second).failure == later.failure)
    }

    @Test func changedStepsLoseTheirStateOnlyWhenAllowed() throws {
        try leaveInterrupted()
        let set = ["steps.unique.bucket=2m"]
        let refused = try run(set: set)
        #expect(refused.failure?.contains("--allow-reset unique") == true)
        var recovery = RecoveryOptions()
        recovery.allowedResets = ["unique"]
        #expect(try run(recovery: recovery, set: set).failure == nil)
    }

    /// Every operation of the files fails once, in turn; the run goes on, or ends with the error,
    /// and the next one brings it to its end.
    @Test(arguments: [true, false])
    func failingOperationsCostNothingButTime(_ isFull: Bool) throws {
        let fresh = files.crashKeepingWritten()
        var random = SplitMix64(seed: Seeds.base)
        for _ in 0..<12 {
            let disk = fresh.crashKeepingWritten()
            let test = RecoveryTests(over: disk, plain: plain)
            disk.fail(
                operation: random.int(1...250),
                with: .error(isFull ? .noSpace : .inputOutput))
            let first = try test.run()
            if first.failure != nil {
                test.expectWhole(try test.run())
            } else {
                test.expectWhole(first)
            }
        }
    }

    private init(over files: MemoryFileSystem, plain: PipelineRun) {
        self.files = files
        self.plain = plain
    }
}
