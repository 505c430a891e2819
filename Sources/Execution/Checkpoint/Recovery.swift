import Dataflow
import Storage

/// What a run finds of earlier ones: the checkpoint to go on from, and what is to be kept.
///
/// The newest checkpoint that can be read counts. While a manifest is damaged nothing is removed:
/// what it referred to is not known.
struct Recovery {
    private let directory: StateDirectory
    /// The checkpoint to go on from; nil for a fresh start.
    private(set) var manifest: CheckpointManifest?
    /// The last checkpoint of a run that came to the end of its input: its output is still
    /// committed.
    private(set) var finished: CheckpointManifest?
    /// All checkpoints that can be read, the oldest first.
    private(set) var readable: [CheckpointManifest] = []
    /// The greatest epoch that anything knows of.
    private(set) var lastEpoch = 0

    /// Looks at what is in a directory; `log` is told of what is damaged.
    init(_ directory: StateDirectory, plan: Plan, log: (String) -> Void) throws {
        self.directory = directory
        let files = CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
        var damage: [StorageError] = []
        for epoch in try files.epochs() {
            lastEpoch = epoch
            do throws(StorageError) {
                readable.append(try files.read(epoch))
            } catch {
                guard error.kind == .corrupt else { throw error }
                damage.append(error)
            }
        }
        for error in damage { log("\(error)") }
        guard let newest = readable.last else {
            if let first = damage.first {
                throw RestoreError.damaged("no checkpoint can be read: \(first)")
            }
            try directory.removeOrphans()
            return
        }
        if newest.isFinished { finished = newest } else { manifest = newest }
        for checkpoint in readable {
            for name in checkpoint.holds { directory.hold(name) }
        }
        if damage.isEmpty { try directory.removeOrphans() }
        try check(newest, plan)
    }

    /// Removes the checkpoints of a run that came to its end, of which nothing is needed any more.
    mutating func forgetFinished() throws {
        let files = CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
        for checkpoint in readable {
            try files.remove(checkpoint.epoch)
            for name in checkpoint.holds { try directory.release(name) }
        }
        try directory.fileSystem.syncDirectory(directory.path)
        readable = []
        finished = nil
    }

    /// Notes the epochs that sinks have committed.
    mutating func note(sinkEpoch: Int) { lastEpoch = max(lastEpoch, sinkEpoch) }

    /// Refuses to go on where state would be lost by it.
    private func check(_ manifest: CheckpointManifest, _ plan: Plan) throws {
        guard !manifest.isFinished else { return }
        var losses: [String] = []
        if manifest.pipeline != plan.name {
            losses.append(
                "the state is that of pipeline '\(manifest.pipeline)', not of '\(plan.name)'")
        }
        let allowed = plan.checkpoint?.allowedResets ?? []
        for step in manifest.steps where step.hasState && !allowed.contains(step.name) {
            guard let node = plan.steps.first(where: { $0.name == step.name }) else {
                losses.append(
                    "step '\(step.name)' is gone, and its state would be dropped; "
                        + "allow it with --allow-reset \(step.name)")
                continue
            }
            guard node.stateFingerprint != step.fingerprint else { continue }
            losses.append(
                "step '\(step.name)' was changed, and its state would be lost; "
                    + "allow it with --allow-reset \(step.name)")
        }
        for source in manifest.sources
        where source.position != nil && !allowed.contains(source.name)
            && !plan.sources.contains(where: { $0.name == source.name })
        {
            losses.append(
                "source '\(source.name)' is gone, and where it was read to would be lost; "
                    + "allow it with --allow-reset \(source.name)")
        }
        if !losses.isEmpty { throw RestoreError.wouldLose(losses) }
    }
}

extension CheckpointManifest.Step {
    /// Whether it keeps anything from row to row.
    var hasState: Bool {
        parts.contains { part in
            !part.snapshot.own.isEmpty || part.snapshot.families.contains { !$0.buckets.isEmpty }
        }
    }
}

/// Hands a checkpoint to the parts of a run.
extension Recovery {
    /// What a worker takes over of a step: the parts of all workers of then whose keys may be its
    /// own.
    func snapshots(of step: Plan.StepNode, worker: Int, of workers: Int) -> [OperatorSnapshot] {
        guard let manifest, let saved = manifest.steps.first(where: { $0.name == step.name }),
            saved.fingerprint == step.stateFingerprint
        else { return [] }
        let own = KeyHash.storedHashes(ofWorker: worker, of: workers)
        return saved.parts.compactMap { part in
            let theirs = KeyHash.storedHashes(ofWorker: part.worker, of: manifest.workers)
            return theirs.overlaps(own) ? part.snapshot : nil
        }
    }

    func source(_ node: Plan.SourceNode) -> CheckpointManifest.Source? {
        manifest?.sources.first { $0.name == node.name }
    }

    /// What a sink had staged, and the epoch; of a finished run too.
    func sink(_ node: Plan.SinkNode) -> (staged: [UInt8], epoch: Int)? {
        guard let newest = manifest ?? finished,
            let sink = newest.sinks.first(where: { $0.name == node.name })
        else { return nil }
        return (sink.staged, newest.epoch)
    }
}
