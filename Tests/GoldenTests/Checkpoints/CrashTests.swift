import Execution
import TestSupport
import Testing

/// Crashes at the operations of a run on its files, in turn: whatever a power cut or a kill leaves
/// behind, the run that goes on from it gives what an undisturbed one does.
struct CrashTests {
    private static func set(_ workload: Workload, _ input: WorkloadInput, _ state: String)
        -> [String]
    {
        input.settings(workload) + [
            "settings.state=\(state)", "settings.checkpoint={ every: 10ms, keep: 2 }",
            "settings.chunk_size=10KiB", "settings.batch_rows=100", "settings.workers=2",
        ]
    }

    @Test(
        arguments: [Workload.chain, .dedup],
        ["{ path: state, memory_limit: 1MiB }", "{ path: state, backend: memory, reserve: 64KiB }"])
    func everyCrashIsRecoveredFrom(_ workload: Workload, _ state: String) throws {
        let input = WorkloadInput(
            name: "crashes", rows: 3_000, seed: Seeds.base + 8, disorder: 30_000,
            duplicates: 30, late: 5, delay: 10_000, retain: 600_000, span: 20)
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        let plain = try input.run(workload, orders, shops, "workers=1")
        let yaml = try Repository.text("pipelines/\(workload.rawValue).yaml")
        let set = Self.set(workload, input, state)
        for seed in Seeds.list(2) {
            let files = MemoryFileSystem()
            files.put("orders.ndjson", orders)
            files.put("shops.ndjson", shops)
            files.syncAll()
            let clones = CrashClones(seed: seed, rarity: 20)
            clones.watch(files)
            let run = try PipelineRun.run(yaml, name: workload.rawValue, over: files, set: set)
            #expect(run.failure == nil)
            #expect(clones.all.count > 5, "\(files.operationCount) operations")
            for clone in clones.all {
                let note = "\(clone.note); \(Seeds.note(seed))"
                let later = try PipelineRun.run(
                    yaml, name: workload.rawValue, over: clone.files, set: set)
                #expect(later.failure == nil, "\(note)")
                for path in ["out.ndjson", "late.ndjson"] {
                    let isSame = later.lines(path).sorted() == plain.lines(path).sorted()
                    #expect(isSame, "\(path) \(note)")
                }
            }
        }
    }
}
