import Dataflow
import Storage

/// What earlier runs counted, on which the counts of this one stand; makes manifests of barriers.
struct CheckpointBase {
    private var sources: [SourceCounters]
    private var steps: [StepCounters]
    private var sinks: [Int]

    /// The counts of the checkpoint that the run goes on from; none for a fresh start.
    init(_ manifest: CheckpointManifest?, _ plan: Plan) {
        sources = plan.sources.map { node in
            manifest?.sources.first { $0.name == node.name }?.counters ?? SourceCounters()
        }
        steps = plan.steps.map { node in
            manifest?.steps.first { $0.name == node.name }?.counters ?? StepCounters()
        }
        sinks = plan.sinks.map { node in
            manifest?.sinks.first { $0.name == node.name }?.rows ?? 0
        }
    }

    /// The manifest of a barrier of which all parts are there.
    func manifest(
        _ barrier: Barrier, _ parts: Barrier.Parts, _ core: EngineCore, tables: [Int: String],
        waiting: [Int: WaitingPieces] = [:], isFinished: Bool
    ) -> CheckpointManifest {
        let plan = core.topology.plan
        var manifest = CheckpointManifest(
            epoch: barrier.epoch, isFinished: isFinished, pipeline: plan.name,
            writtenAt: core.clock.wallMicroseconds(), nextChunk: barrier.positions.number,
            workers: core.topology.workers, sources: [], steps: [], sinks: [])
        for (index, node) in plan.sources.enumerated() {
            let place = barrier.positions.sources[index]
            var counters = sources[index]
            counters += parts.sourceCounters[index] ?? SourceCounters()
            var tracker: ByteWriter?
            if let stamped = parts.trackers[index] {
                var writer = ByteWriter()
                stamped.encode(to: &writer)
                tracker = writer
            }
            manifest.sources.append(
                CheckpointManifest.Source(
                    name: node.name, binding: node.binding, sequence: place.sequence,
                    hasEnded: place.hasEnded,
                    position: place.position, tracker: tracker?.bytes, table: tables[index],
                    counters: counters, guess: node.guess))
        }
        for (index, node) in plan.steps.enumerated() {
            let own = parts.steps.filter { $0.step == index }.sorted { $0.worker < $1.worker }
            var counters = steps[index]
            for part in own { counters += part.counters }
            manifest.steps.append(
                CheckpointManifest.Step(
                    name: node.name, binding: node.binding,
                    keys: (node.key ?? []).map { column in
                        let field = node.inputSchema.fields[column]
                        return "\(field.name):\(field.type.name)"
                    }, counters: counters,
                    parts: own.map { (worker: $0.worker, snapshot: $0.snapshot) }))
        }
        for (index, node) in plan.sinks.enumerated() {
            let part = parts.sinks[index]
            manifest.sinks.append(
                CheckpointManifest.Sink(
                    name: node.name, binding: node.binding,
                    rows: sinks[index] + (part?.rows ?? 0), staged: part?.staged.own ?? [],
                    byteCount: part?.staged.byteCount ?? 0, files: part?.staged.files ?? [],
                    log: part?.staged.log ?? "", waiting: waiting[index]))
        }
        return manifest
    }

    /// Adds these counts to those of a run.
    func add(to statistics: inout Statistics) {
        for (index, counters) in sources.enumerated() { statistics.add(counters, source: index) }
        for (index, counters) in steps.enumerated() { statistics.add(counters, step: index) }
        for (index, rows) in sinks.enumerated() { statistics.add(rows: rows, sink: index) }
    }
}
