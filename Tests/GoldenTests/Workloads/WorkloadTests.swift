import Dataflow
import Execution
import TestSupport
import Testing

/// The five workloads against a twin that is slow and obvious, and against themselves under other
/// numbers of workers, sizes of chunks and sizes of batches.
struct WorkloadTests {
    private static let inputs = [
        WorkloadInput(name: "as it comes"),
        WorkloadInput(name: "in order", rows: 5_000, disorder: 0, duplicates: 0, late: 0, delay: 0),
        WorkloadInput(
            name: "more disorder than delay", seed: Seeds.base + 1, disorder: 20_000,
            duplicates: 30, late: 5, delay: 2_000),
        WorkloadInput(
            name: "disorder beyond what is remembered", rows: 10_000, seed: Seeds.base + 2,
            disorder: 120_000,
            duplicates: 50, late: 10, delay: 1_000, retain: 30_000, span: 30),
    ]

    @Test(arguments: Workload.allCases, inputs)
    func aWorkloadEqualsItsTwin(_ workload: Workload, _ input: WorkloadInput) throws {
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        let plain = try check(workload, input, orders, shops)
        for (workers, size) in [(2, "512KiB"), (3, "30KiB"), (7, "100KiB")] {
            let run = try input.run(
                workload, orders, shops, "workers=\(workers)", "chunk_size=\(size)",
                "batch_rows=\(workers * 97)")
            expect(run, equals: plain, workload, isWhole: workload.keepsOrder, input)
        }
        for (size, rows) in [("10KiB", 4096), ("512KiB", 33)] {
            let run = try input.run(
                workload, orders, shops, "workers=1", "chunk_size=\(size)", "batch_rows=\(rows)")
            expect(run, equals: plain, workload, isWhole: true, input)
        }
    }

    /// State that does not fit its memory, in files of each compression.
    @Test(arguments: Workload.allCases)
    func stateOnDiskGivesTheSame(_ workload: Workload) throws {
        let input = WorkloadInput(
            name: "more than fits", rows: 40_000, seed: Seeds.base + 4, disorder: 60_000,
            duplicates: 30, late: 5, delay: 20_000, retain: 7_200_000)
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        let plain = try check(workload, input, orders, shops)
        for (workers, codec) in [(1, "none"), (2, "lz4"), (3, "zstd")] {
            let run = try input.run(
                workload, orders, shops, "workers=\(workers)", "chunk_size=100KiB",
                "state={ path: state, memory_limit: 1MiB, compression: \(codec) }")
            let isWhole = workers == 1 || workload.keepsOrder
            expect(run, equals: plain, workload, isWhole: isWhole, input)
            // Dedup of this input has more state than fits; at the end nothing is left of it.
            let state = run.files.paths.filter { $0.hasPrefix("state/") }
            #expect(state == ["state/LOCK"])
            if workload == .dedup { #expect(run.files.createdCount("state/") > 1) }
        }
    }

    /// Chunks from one record on, with few and many of them under way.
    @Test(arguments: Workload.allCases)
    func everyDivisionOfTheInputGivesTheSame(_ workload: Workload) throws {
        let input = WorkloadInput(
            name: "small", rows: 500, seed: Seeds.base + 3, disorder: 30_000, duplicates: 40,
            late: 4, delay: 3_000, retain: 60_000, span: 8)
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        let plain = try check(workload, input, orders, shops)
        for workers in [1, 2, 7] {
            for (chunk, rows, tickets) in [(1, 1, 1), (1, 4096, 40), (700, 2, 3)] {
                let run = try input.run(
                    workload, orders, shops, "workers=\(workers)", "chunk_size=\(chunk)B",
                    "batch_rows=\(rows)", "chunks_in_flight=\(tickets)")
                let isWhole = workers == 1 || workload.keepsOrder
                expect(run, equals: plain, workload, isWhole: isWhole, input)
            }
        }
    }

    /// Compares a run on one worker with the twin.
    private func check(
        _ workload: Workload, _ input: WorkloadInput, _ orders: String, _ shops: String
    ) throws -> PipelineRun {
        let parsed = orders.split(separator: "\n").compactMap { Order($0) }
        #expect(parsed.count == input.rows)
        let twin = WorkloadTwin(
            orders: parsed, shops: shops.split(separator: "\n").compactMap { Shop($0) },
            delay: input.delay
        ).run(workload, retain: input.retain)
        let run = try input.run(workload, orders, shops, "workers=1")
        #expect(run.failure == nil)
        let rows = run.lines("out.ndjson").map(workload.row)
        let differs = "\(workload) \(input) \(Seeds.note(input.seed))"
        if workload.keepsOrder || workload == .dedup {
            #expect(rows == twin.rows, "\(differs)")
        } else {
            #expect(rows.sorted() == twin.rows.sorted(), "\(differs)")
        }
        if let step = workload.lateStep {
            #expect(run.lines("late.ndjson").map { String($0) } == twin.late, "\(differs)")
            #expect(run.counters(step).late == twin.late.count)
        }
        if input.delay < input.disorder && workload == .window { #expect(!twin.late.isEmpty) }
        let hasDedup = workload == .dedup || workload == .chain
        if hasDedup { #expect(run.counters("unique").duplicate == twin.duplicates) }
        return run
    }

    private func expect(
        _ run: PipelineRun, equals plain: PipelineRun, _ workload: Workload, isWhole: Bool,
        _ input: WorkloadInput
    ) {
        #expect(run.failure == nil)
        for path in ["out.ndjson", "late.ndjson"] {
            if isWhole {
                #expect(run.text(path) == plain.text(path), "\(path) \(Seeds.note(input.seed))")
            } else {
                let (rows, expected) = (run.lines(path).sorted(), plain.lines(path).sorted())
                #expect(rows == expected, "\(path) \(Seeds.note(input.seed))")
            }
        }
        for (step, expected) in zip(run.statistics.steps, plain.statistics.steps) {
            #expect(step.counters == expected.counters)
        }
    }
}
