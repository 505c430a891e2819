import Dataflow

/// The parts of one run, made from the plan: what threads, or a simulator, step.
final class Assembly {
    let core: EngineCore
    let inputs: [any InputRunner]
    let workers: [Worker]
    let sinks: [SinkRunner]
    let state: StateParts?

    /// Makes all parts and opens state, sinks, then sources.
    init(_ core: EngineCore) throws {
        self.core = core
        let plan = core.topology.plan
        let state = try plan.state.map { try StateParts($0, workers: core.topology.workers) }
        self.state = state
        sinks = try plan.sinks.enumerated().map { index, node in
            let writer = try node.makeWriter()
            try writer.open()
            return SinkRunner(index, writer: writer, core: core, arrivals: core.arrivals[index])
        }
        workers = (0..<core.topology.workers).map {
            Worker($0, core: core, store: state?.stores[$0])
        }
        inputs = try plan.sources.enumerated().map { index, node -> any InputRunner in
            let source = try node.makeSource()
            try source.open()
            if let table = node.table {
                return TableRunner(index, source: source, table: table, core: core)
            }
            return SourceRunner(index, source: source, core: core)
        }
        core.sequencer.open(
            zip(plan.sources, inputs).map { ($0.table != nil, $1.source.isBounded) })
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
