import Execution
import TestSupport
import Testing

/// Runs of one pipeline, each of which goes on where the one before it was interrupted.
enum Restarts {
    /// What makes a run keep checkpoints, many of them.
    static func settings(_ state: String, chunkBytes: Int) -> [String] {
        [
            "settings.state=\(state)", "settings.checkpoint={ every: 10ms }",
            "settings.chunk_size=\(chunkBytes)B", "settings.batch_rows=500",
        ]
    }

    /// One run after the other, on other numbers of workers, until one comes to the end; gives it,
    /// and how many there were.
    static func finish(
        _ name: String, over files: MemoryFileSystem, set: [String], state: String,
        chunkBytes: Int, reads: ClosedRange<Int> = 3...30, random: inout SplitMix64
    ) throws -> (run: PipelineRun, count: Int) {
        let yaml = try Repository.text("pipelines/\(name).yaml")
        let set = set + settings(state, chunkBytes: chunkBytes)
        var count = 0
        while true {
            count += 1
            // The later ones get further, so that there is an end.
            let kind: Interruption.Kind = random.chance(0.5) ? .stop : .failure
            let last = reads.upperBound + count * max(reads.upperBound / 3, 1)
            let interruption = Interruption(
                kind, afterReads: random.int(reads.lowerBound...last))
            let run = try PipelineRun.run(
                yaml, name: name, over: files,
                set: set + ["settings.workers=\(random.int(1...4))"], interruption: interruption)
            if run.failure?.hasPrefix("Failure") == true { continue }
            try #require(run.failure == nil, "\(run.failure ?? "")")
            if run.isFinished { return (run, count) }
        }
    }
}

extension PipelineRun {
    /// Whether the newest checkpoint is that of the end of the input.
    var isFinished: Bool {
        guard let newest = files.paths.filter({ $0.hasSuffix(".manifest") }).max() else {
            return false
        }
        // The file's head has 20 bytes, the epoch 8.
        return files.bytes(newest)[28] == 1
    }
}
