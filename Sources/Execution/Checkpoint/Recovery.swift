import Dataflow
import Storage

/// What a run finds of earlier ones: the checkpoint to go on from, and what is to be kept.
///
/// The newest checkpoint counts of which everything is there: its manifest and the ends of its
/// files, which say what is in them. What is damaged or missing here is first sought in the second
/// place; only then an older checkpoint is taken.
struct Recovery {
    private let directory: StateDirectory
    /// The checkpoint to go on from; nil for a fresh start.
    private(set) var manifest: CheckpointManifest?
    /// The last checkpoint of a run that came to the end of its input: its output may still have to
    /// be committed.
    private(set) var finished: CheckpointManifest?
    /// The checkpoints here that can be used, the oldest first.
    private(set) var readable: [CheckpointManifest] = []
    /// The greatest epoch that anything knows of.
    private(set) var lastEpoch = 0

    /// Looks at what is in a directory; `log` is told of what is damaged. Copies that are brought
    /// here from another place are checked on `executor`; `logs` are those in which rows wait for
    /// sinks, by their names.
    init(
        _ directory: StateDirectory, plan: Plan, logs: [String: String],
        executor: any BackgroundExecutor, log: (String) -> Void
    ) throws {
        self.directory = directory
        let here = StateFiles(directory.path, fileSystem: directory.fileSystem)
        let there = plan.checkpoint?.secondPlace.map {
            StateFiles($0.path, fileSystem: directory.fileSystem)
        }
        let search = CheckpointSearch(
            pipeline: plan.name, here: here, there: there, logs: logs, executor: executor)
        let found = try search.newest(log: log)
        lastEpoch = found.lastEpoch
        guard let newest = found.manifest else {
            if let first = found.damage.first {
                let places = [here.path, there?.path].compactMap { $0 }.joined(separator: " and ")
                throw RestoreError.damaged(
                    "no checkpoint in \(places) can be used: \(first); to start afresh, remove it")
            }
            try directory.removeOrphans()
            return
        }
        if newest.isFinished { finished = newest } else { manifest = newest }
        readable = try search.older(than: newest.epoch, log: log) + [newest]
        for checkpoint in readable {
            for name in checkpoint.holds { directory.hold(name) }
        }
        // What a damaged manifest refers to is not known.
        if found.damage.isEmpty { try directory.removeOrphans() }
        try check(newest, plan, log: log)
    }

    /// Notes that the output of a run that came to its end is whole.
    ///
    /// Of its checkpoints the word is left that it has ended, until the next run has one of its
    /// own: an older checkpoint, of this place or the other, must not be taken for the newest.
    mutating func closeFinished() throws {
        guard let finished else { return }
        try manifests.write(finished.ended)
        try removeAll(but: finished)
        readable = [finished.ended]
        self.finished = nil
    }

    private var manifests: CheckpointFiles {
        CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
    }

    /// Removes older checkpoints, and what only they and a run that has ended needed.
    private func removeAll(but ended: CheckpointManifest) throws {
        for checkpoint in readable {
            if checkpoint.epoch != ended.epoch { try manifests.remove(checkpoint.epoch) }
            for name in checkpoint.holds { try directory.release(name) }
        }
    }

    /// Leaves the word that a run that came to the end of its input has ended.
    func noteEnd(log: (String) -> Void) throws {
        guard let finished else { return }
        // Behind that word nothing may fail.
        try removeAll(but: finished)
        try manifests.writeEnd(of: finished, log: log)
    }

    /// Whether an earlier run of the same plan came to the end of its input, but not to its own: to
    /// commit its output is all that is left to do. `sources` are those of the plan; one whose
    /// input is another one by now is to be read.
    func isAtEnd(_ plan: Plan, _ sources: [any Source]) -> Bool {
        guard let finished, !finished.hasEnded else { return false }
        return sources.allSatisfy(\.isReplayable) && finished.pipeline == plan.name
            && finished.sources.map(\.name) == plan.sources.map(\.name)
            && finished.sources.map(\.binding) == plan.sources.map(\.binding)
            && finished.steps.map(\.name) == plan.steps.map(\.name)
            && zip(finished.steps, plan.steps).allSatisfy { saved, step in
                step.binding.takesOver(saved.binding)
                    && step.binding.definition == saved.binding.definition
            }
            && finished.sinks.map(\.name) == plan.sinks.map(\.name)
            && finished.sinks.map(\.binding) == plan.sinks.map(\.binding)
    }

    /// Notes the epochs that sinks have committed.
    mutating func note(sinkEpoch: Int) { lastEpoch = max(lastEpoch, sinkEpoch) }

    /// Tells what an edited pipeline takes over, and refuses to go on where state would be lost.
    private func check(
        _ manifest: CheckpointManifest, _ plan: Plan, log: (String) -> Void
    ) throws {
        guard !manifest.hasEnded else { return }
        let here = StateFiles(directory.path, fileSystem: directory.fileSystem)
        let edits = PlanEdits(manifest, from: here, to: plan)
        let losses = edits.losses(allowing: plan.checkpoint?.allowedResets ?? [])
        if !edits.isEmpty && !manifest.isFinished { for line in edits.lines { log(line) } }
        if !losses.isEmpty { throw RestoreError.wouldLose(losses) }
    }
}

/// Hands a checkpoint to the parts of a run.
extension Recovery {
    /// What a worker takes over of a step: the parts of all workers of then whose keys may be its
    /// own.
    func snapshots(of step: Plan.StepNode, worker: Int, of workers: Int) -> [OperatorSnapshot] {
        guard let manifest, let saved = manifest.steps.first(where: { $0.name == step.name }),
            step.binding.takesOver(saved.binding)
        else { return [] }
        let own = KeyHash.storedHashes(ofWorker: worker, of: workers)
        return saved.parts.compactMap { part in
            let theirs = KeyHash.storedHashes(ofWorker: part.worker, of: manifest.workers)
            return theirs.overlaps(own) ? part.snapshot : nil
        }
    }

    func source(_ node: Plan.SourceNode) -> CheckpointManifest.Source? {
        manifest?.sources.first {
            $0.name == node.name && $0.binding.meaning == node.binding.meaning
        }
    }

    /// What a sink had staged, and the epoch; of a finished run too.
    func sink(_ node: Plan.SinkNode) -> (staged: [UInt8], epoch: Int)? {
        guard let newest = manifest ?? finished, let sink = saved(node) else { return nil }
        return (sink.staged, newest.epoch)
    }

    private func saved(_ node: Plan.SinkNode) -> CheckpointManifest.Sink? {
        (manifest ?? finished)?.sinks.first {
            $0.name == node.name && $0.binding.meaning == node.binding.meaning
        }
    }

    /// Brings rows that waited for a sink back to its log, if the checkpoint comes from elsewhere;
    /// before the sink is opened.
    func bringRows(
        of node: Plan.SinkNode, to path: String?, log: (String) -> Void
    ) throws(StorageError) {
        guard let path, let waiting = saved(node)?.waiting, waiting.place == .files else { return }
        let here = StateFiles(directory.path, fileSystem: directory.fileSystem)
        try waiting.rebuild(path, from: here)
        if !waiting.pieces.isEmpty {
            log("rows that wait for sink '\(node.name)' were brought back to \(path)")
        }
    }

    /// What waits for a sink in the log with which it goes on, once that is open.
    func waiting(for node: Plan.SinkNode, in log: String?) -> WaitingPieces? {
        guard let log, let waiting = saved(node)?.waiting,
            waiting.isWhole(inLog: log, directory.fileSystem)
        else { return nil }
        return waiting
    }
}

/// Why a run cannot go on from its last checkpoint.
package enum RestoreError: Error, CustomStringConvertible {
    /// The pipeline was changed so that state would be lost.
    case wouldLose([String])
    /// No checkpoint can be read, or a sink has more than any of them knows of.
    case damaged(String)

    package var description: String {
        switch self {
        case .wouldLose(let parts): parts.joined(separator: "\n")
        case .damaged(let cause): cause
        }
    }
}
