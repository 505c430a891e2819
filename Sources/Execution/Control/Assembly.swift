import Dataflow
import Storage

/// The parts of one run, made from the plan: what threads, or a simulator, step.
final class Assembly {
    let core: EngineCore
    let inputs: [any InputRunner]
    let workers: [Worker]
    let sinks: [SinkRunner]
    let state: StateParts?

    /// Makes checkpoints, if the plan wants them.
    let coordinator: CheckpointCoordinator?
    private let base: CheckpointBase
    /// An earlier run that is brought to its end, in place of one that reads anything.
    let earlier: Recovery?

    /// Makes all parts and opens state, sinks, then sources: afresh, or where the last checkpoint
    /// stands. `makeBackground` is asked for what does the work beside the data path.
    init(
        _ core: EngineCore,
        makeBackground: () -> any BackgroundWork = { BackgroundThreads() }
    ) throws {
        self.core = core
        let plan = core.topology.plan
        let workerCount = core.topology.workers
        // Until there is somebody to make room, writes just wait.
        core.watch(plan.state?.room, isTended: false)
        let state = try plan.state.map {
            try StateParts(
                $0, workers: workerCount, keepsFiles: plan.checkpoint != nil,
                copies: [plan.checkpoint?.secondPlace?.path].compactMap { $0 },
                background: makeBackground(), log: core.log)
        }
        self.state = state
        let writers = try plan.sinks.map { try $0.makeWriter() }
        var recovery = try Self.recover(core, state, writers)
        let sources = try plan.sources.map { try $0.makeSource() }
        if let finished = recovery?.finished {
            for (node, source) in zip(plan.sources, sources) {
                guard let position = finished.position(of: node) else { continue }
                try Self.reading(node.name) {
                    try source.keep(from: [position], isFinished: true)
                }
            }
        }
        let isAtEnd = recovery?.isAtEnd(plan, sources) ?? false
        sinks = try Self.openSinks(core, writers, &recovery, isAtEnd: isAtEnd)
        workers = (0..<workerCount).map { Worker($0, core: core, store: state?.stores[$0]) }
        inputs =
            isAtEnd
            ? []
            : try plan.sources.enumerated().map { index, node -> any InputRunner in
                let source = sources[index]
                if let position = recovery?.source(node)?.position {
                    try Self.reading(node.name) { try source.resume(at: position) }
                } else {
                    try source.open()
                }
                if let table = node.table {
                    return TableRunner(index, source: source, table: table, core: core)
                }
                return SourceRunner(index, source: source, core: core)
            }
        core.sequencer.open(
            zip(plan.sources, inputs).map { ($0.table != nil, $1.source.isBounded) })
        base = CheckpointBase(recovery?.manifest ?? (isAtEnd ? recovery?.finished : nil), plan)
        earlier = isAtEnd ? recovery : nil
        if isAtEnd {
            coordinator = nil
            core.log(
                "an earlier run was interrupted behind the end of its input; its output is "
                    + "complete now, and the next run begins anew")
            core.end()
        } else if let recovery, let settings = plan.checkpoint, let state {
            coordinator = CheckpointCoordinator(
                core, settings, sources: sources, state, recovery: recovery,
                waiting: Self.waiting(plan.sinks, writers, recovery), log: core.log)
            try restore(recovery, in: state.directory)
        } else {
            coordinator = nil
        }
        core.watch(state?.room, isTended: coordinator != nil)
    }

    /// Finds what earlier runs left, if there are checkpoints.
    private static func recover(
        _ core: EngineCore, _ state: StateParts?, _ writers: [any SinkWriter]
    ) throws -> Recovery? {
        let plan = core.topology.plan
        guard plan.checkpoint != nil, let state else { return nil }
        let logs = zip(plan.sinks, writers).map { ($0.name, $1.waitingLog) }
        return try Recovery(
            state.directory, plan: plan,
            logs: Dictionary(uniqueKeysWithValues: logs).compactMapValues { $0 },
            executor: state.background, log: core.log)
    }

    private static func openSinks(
        _ core: EngineCore, _ writers: [any SinkWriter], _ recovery: inout Recovery?,
        isAtEnd: Bool
    ) throws -> [SinkRunner] {
        let nodes = core.topology.plan.sinks
        for (index, (node, writer)) in zip(nodes, writers).enumerated() {
            guard let sink = recovery?.sink(node) else { continue }
            do {
                try recovery?.bringRows(of: node, to: writer.waitingLog, log: core.log)
                try reading(node.name) { try writer.resume(sink.staged, epoch: sink.epoch) }
            } catch var error as SinkAhead {
                error.sink = node.name
                let rest = zip(nodes, writers).dropFirst(index + 1)
                error.others = rest.compactMap { other($0, $1, recovery) }
                throw error
            } catch let error as StorageError where error.kind == .corrupt {
                let resets = core.topology.plan.checkpoint?.allowedResets ?? []
                guard resets.contains(node.name) else { throw error }
                core.log("sink '\(node.name)' begins anew: \(error)")
                try reading(node.name) { try writer.beginAnew(sink.staged, epoch: sink.epoch) }
            }
        }
        // What a finished run has left is whole now. That is noted before its output goes.
        if !isAtEnd { try recovery?.closeFinished() }
        for (node, writer) in zip(nodes, writers) where recovery?.sink(node) == nil {
            try writer.open()
        }
        for writer in writers { recovery?.note(sinkEpoch: try writer.lastEpoch()) }
        return zip(nodes.indices, writers).map { index, writer in
            SinkRunner(index, writer: writer, core: core, arrivals: core.arrivals[index])
        }
    }

    /// A sink that was not opened, if it is known to have more than the checkpoint knows of.
    private static func other(
        _ node: Plan.SinkNode, _ writer: any SinkWriter, _ recovery: Recovery?
    ) -> SinkAhead.Other? {
        guard let sink = recovery?.sink(node), let last = try? writer.lastEpoch(),
            last > sink.epoch
        else { return nil }
        return SinkAhead.Other(
            sink: node.name, target: node.binding.definition, epoch: last)
    }

    /// By sink: rows that waited for it, and do so in its log.
    private static func waiting(
        _ nodes: [Plan.SinkNode], _ writers: [any SinkWriter], _ recovery: Recovery
    ) -> [Int: WaitingPieces] {
        let pairs = zip(nodes, writers).enumerated().map { index, pair in
            (index, recovery.waiting(for: pair.0, in: pair.1.waitingLog))
        }
        return Dictionary(uniqueKeysWithValues: pairs).compactMapValues { $0 }
    }

    /// Does something with what a checkpoint holds of a source or sink.
    private static func reading(_ name: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let damage as ByteReader.Damage {
            throw RestoreError.damaged(
                "'\(name)' cannot go on from its checkpoint: \(damage.cause)")
        }
    }

    /// Puts everything where a checkpoint left it.
    private func restore(_ recovery: Recovery, in directory: StateDirectory) throws {
        guard let manifest = recovery.manifest else { return }
        let plan = core.topology.plan
        do {
            for worker in workers {
                try worker.restore { step in
                    recovery.snapshots(
                        of: plan.steps[step], worker: worker.index, of: core.topology.workers)
                }
            }
            var positions = core.sequencer.positions()
            positions.number = manifest.nextChunk
            for (index, node) in plan.sources.enumerated() {
                guard let source = recovery.source(node) else { continue }
                positions.sources[index].sequence = source.sequence
                positions.sources[index].position = source.position
                if let tracker = source.tracker, let relay = core.relays[index] {
                    let partitions = try relay.restore(
                        tracker, next: source.sequence, beginsAnew: source.position == nil)
                    positions.sources[index].watermark = relay.watermark
                    (inputs[index] as? SourceRunner)?.expect(partitions)
                }
                guard let table = node.table, let runner = inputs[index] as? TableRunner else {
                    continue
                }
                if let name = source.table {
                    let rows = try ManifestFile.read(
                        directory.path(of: name), in: directory.fileSystem)
                    positions.tables[table.index] = try runner.restore(rows)
                }
            }
            core.sequencer.restore(positions)
        } catch let damage as ByteReader.Damage {
            throw RestoreError.damaged(
                "checkpoint \(manifest.epoch) in \(directory.path) cannot be used: \(damage.cause)")
        }
    }

    /// What can be woken from any thread.
    var interruptibles: [any Interruptible] {
        inputs.map { SourceInterrupt(source: $0.source) }
    }

    /// Sinks whose waits can be ended from any thread.
    var interruptibleSinks: [any Interruptible] {
        sinks.map { SinkInterrupt(writer: $0.writer) }
    }

    /// The sums over all workers.
    var statistics: Statistics {
        var statistics = Statistics(plan: core.topology.plan)
        for worker in workers { statistics.add(worker.counters) }
        for (index, input) in inputs.enumerated() {
            if let table = input as? TableRunner { statistics.add(table.counters, source: index) }
        }
        for sink in sinks { statistics.add(rows: sink.rowsWritten, sink: sink.index) }
        base.add(to: &statistics)
        statistics.checkpoints = coordinator?.statistics
        for store in state?.stores ?? [] {
            statistics.stateBytes.flushed += store.writtenBytes.flushed
            statistics.stateBytes.merged += store.writtenBytes.merged
        }
        return statistics
    }
}

/// Something whose waiting can be ended from another thread.
protocol Interruptible: Sendable {
    func interrupt()
}

/// Ends the wait of a source's read.
private struct SourceInterrupt: Interruptible, @unchecked Sendable {
    // Sendable: `Source.interrupt` may be called on any thread, and nothing else is.
    let source: any Source

    func interrupt() { source.interrupt() }
}

/// Ends the wait of a sink's write.
private struct SinkInterrupt: Interruptible, @unchecked Sendable {
    // Sendable: `SinkWriter.interrupt` may be called on any thread, and nothing else is.
    let writer: any SinkWriter

    func interrupt() { writer.interrupt() }
}
