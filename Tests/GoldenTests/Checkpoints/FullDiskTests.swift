import Dataflow
import Execution
import Storage
import Synchronization
import TestSupport
import Testing

/// Runs on disks that fill up: they wait, go on when there is room, and give what a run gives that
/// always had enough.
struct FullDiskTests {
    private static let input = WorkloadInput(
        name: "full", rows: 6_000, seed: Seeds.base + 11, disorder: 30_000, duplicates: 30,
        late: 5, delay: 10_000, retain: 600_000, span: 20)
    private let orders: String
    private let shops: String

    init() throws { (orders, shops) = (try Self.input.orders(), try GeneratedInput.shops(2000)) }

    private func plain(_ workload: Workload) throws -> PipelineRun {
        try Self.input.run(workload, orders, shops, "workers=1")
    }

    private func disk() -> MemoryFileSystem {
        let files = MemoryFileSystem()
        files.put("orders.ndjson", orders)
        files.put("shops.ndjson", shops)
        return files
    }

    private func run(
        _ workload: Workload, over files: MemoryFileSystem, state: String
    ) throws -> PipelineRun {
        try PipelineRun.run(
            try Repository.text("pipelines/\(workload.rawValue).yaml"), name: workload.rawValue,
            over: files,
            set: Self.input.settings(workload) + [
                "settings.state=\(state)", "settings.checkpoint={ every: 10ms, keep: 2 }",
                "settings.chunk_size=10KiB", "settings.batch_rows=100", "settings.workers=2",
            ])
    }

    private func expectSame(_ run: PipelineRun, _ plain: PipelineRun, _ note: String) {
        #expect(run.failure == nil, "\(note)")
        for path in ["out.ndjson", "late.ndjson"] {
            let isSame = run.lines(path).sorted() == plain.lines(path).sorted()
            #expect(isSame, "\(path) \(note)")
        }
    }

    private static let states = [
        "{ path: state, memory_limit: 1MiB, reserve: 64KiB }",
        "{ path: state, memory_limit: 1MiB, reserve: 0B }",
        "{ path: state, backend: memory, reserve: 64KiB }",
    ]

    /// From some operation on nothing has room, until some more have failed.
    @Test(arguments: [Workload.chain, .dedup], states)
    func runsGoOnWhereTheyStood(_ workload: Workload, _ state: String) throws {
        let plain = try plain(workload)
        var pauses = 0
        for seed in Seeds.list(4) {
            var random = SplitMix64(seed: seed)
            let files = disk()
            let start = random.int(5...150)
            let length = random.int(1...30)
            let kind: StorageError.Kind = random.chance(0.5) ? .noSpace : .quotaExceeded
            files.failAll(from: start, with: kind, healingAfter: length)
            let run = try run(workload, over: files, state: state)
            expectSame(run, plain, "\(start)+\(length) \(Seeds.note(seed))")
            pauses += run.log.count { $0.contains("sources pause until there is room") }
            let left = files.paths.filter { $0.hasPrefix("state/") && $0 != "state/LOCK" }
            #expect(left.count == 1, "\(left) \(Seeds.note(seed))")
        }
        #expect(pauses > 0)
    }

    /// The disk has a little more than the run needs, and for a while less.
    @Test(arguments: [Workload.chain, .dedup])
    func littleRoomIsEnough(_ workload: Workload) throws {
        let plain = try plain(workload)
        for seed in Seeds.list(4) {
            var random = SplitMix64(seed: seed)
            let files = disk()
            let room = files.usedBytes + random.int(100_000...900_000)
            files.capacity = room
            let writes = Atomic(0)
            let refills = Atomic(0)
            files.observe { note in
                // What is tried again and again for want of room has no end by itself.
                guard note.isBefore else { return }
                switch note.operation {
                case .write: writes.add(1, ordering: .relaxed)
                case .truncate: refills.add(1, ordering: .relaxed)
                default: break
                }
                if writes.load(ordering: .relaxed) > 600 || refills.load(ordering: .relaxed) > 8 {
                    files.capacity = nil
                }
            }
            let run = try run(workload, over: files, state: Self.states[0])
            expectSame(run, plain, "\(room) \(Seeds.note(seed))")
        }
    }

    @Test func aQuotaIsKept() throws {
        let plain = try plain(.dedup)
        let files = disk()
        let most = Atomic(0)
        files.observe { note in
            guard !note.isBefore, note.path.hasPrefix("state/") else { return }
            let bytes = files.paths.filter { $0.hasPrefix("state/") }
                .reduce(0) { $0 + files.bytes($1).count }
            most.max(bytes, ordering: .relaxed)
        }
        let run = try run(
            .dedup, over: files,
            state: "{ path: state, memory_limit: 1MiB, quota: 1MiB, reserve: 128KiB }")
        expectSame(run, plain, "")
        #expect((100_000...1 << 20).contains(most.load(ordering: .relaxed)))
    }

    /// What waits for room before there is anything to hold back says so, and does not wait for
    /// ever when the run is to end.
    @Test(arguments: ["{ every: 10ms }", "null"])
    func aRunThatStartsOnAFullDiskSaysSoAndCanBeEnded(_ checkpoint: String) throws {
        let files = disk()
        files.capacity = files.usedBytes
        let log = LogLines()
        let plan = try PipelineRun.plan(
            try Repository.text("pipelines/w2-dedup.yaml"), name: "w2-dedup", over: files,
            set: Self.input.settings(.dedup) + [
                "settings.state=\(Self.states[0])", "settings.checkpoint=\(checkpoint)",
            ], log: log)
        let engine = Engine(plan, clock: .system) { log.add($0) }
        let tries = Atomic(0)
        files.observe { note in
            guard note.isBefore, note.operation == .write else { return }
            if tries.add(1, ordering: .relaxed).newValue == 3 { engine.giveUp() }
        }
        let failure = try #require(engine.run().failure as? StorageError)
        #expect(failure.kind == .noSpace)
        let told = log.lines.filter { $0.contains("waiting for room on the disk") }
        #expect(told.count == 1, "\(log.lines)")
    }

    /// A buffer is made, or opened, as soon as there is room for it.
    @Test func aBufferWaitsForRoomWhenARunStarts() throws {
        for start in stride(from: 0, to: 10, by: 3) {
            let files = MemoryFileSystem()
            let log = LogLines()
            let plan = try PipelineRun.plan(
                """
                sources:
                  in:
                    type: tcp
                    listen: "127.0.0.1:0"
                    schema: { a: int }
                    buffer: { type: log, path: buffer }
                sinks: { out: { type: blackhole } }
                settings: { state: { path: state }, checkpoint: { every: 1s } }
                """, name: "buffer", over: files, log: log)
            let engine = Engine(plan, clock: .system) { log.add($0) }
            let operations = Atomic(0)
            files.observe { note in
                guard note.isBefore, note.path.hasPrefix("buffer") else { return }
                let number = operations.add(1, ordering: .relaxed).oldValue
                if number == start { files.failAll(from: note.number, with: .noSpace) }
                if number == start + 4 { files.heal() }
            }
            engine.stop()
            #expect(engine.run().failure == nil, "\(start): \(log.lines)")
        }
    }
}
