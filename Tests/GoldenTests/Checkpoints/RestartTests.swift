import Execution
import TestSupport
import Testing

/// Runs that are interrupted again and again, and go on from their checkpoints on other numbers of
/// workers: their output is that of a run that nobody disturbed.
struct RestartTests {
    @Test(
        arguments: Workload.allCases,
        ["{ path: state, memory_limit: 1MiB }", "{ path: state, backend: memory, reserve: 64KiB }"])
    func interruptedRunsGiveTheSame(_ workload: Workload, _ state: String) throws {
        let input = WorkloadInput(
            name: "interrupted", rows: 20_000, seed: Seeds.base + 7, disorder: 60_000,
            duplicates: 30, late: 5, delay: 20_000, retain: 7_200_000)
        let (orders, shops) = (try input.orders(), try GeneratedInput.shops(2000))
        let plain = try input.run(workload, orders, shops, "workers=1")
        for seed in Seeds.list(3) {
            var random = SplitMix64(seed: seed)
            let files = MemoryFileSystem()
            files.put("orders.ndjson", orders)
            files.put("shops.ndjson", shops)
            let (run, count) = try Restarts.finish(
                workload.rawValue, over: files, set: input.settings(workload), state: state,
                chunkBytes: 20 << 10, random: &random)
            #expect(count > 1, "\(Seeds.note(seed))")
            for path in ["out.ndjson", "late.ndjson"] {
                let difference = run.lines(path).sorted().difference(
                    from: plain.lines(path).sorted())
                #expect(difference.isEmpty, "\(path) \(Seeds.note(seed))")
            }
            for (step, expected) in zip(run.statistics.steps, plain.statistics.steps) {
                #expect(step.counters == expected.counters, "\(Seeds.note(seed))")
            }
            // Of a finished run nothing is left but the word that it is.
            let left = run.files.paths.filter { $0.hasPrefix("state/") && $0 != "state/LOCK" }
            #expect(left.count == 1 && left[0].hasSuffix(".manifest"), "\(left)")
        }
    }
}

extension MemoryFileSystem {
    /// Whether the newest checkpoint is that of the end of the input.
    var hasFinishedRun: Bool {
        guard let newest = paths.filter({ $0.hasSuffix(".manifest") }).max() else { return false }
        // The file's head has 20 bytes, the epoch 8.
        return bytes(newest)[28] == 1
    }
}
