package import Dataflow

/// What a run did with its rows, per source, step and sink, summed over the workers.
package struct Statistics: Sendable {
    package private(set) var sources: [(name: String, counters: SourceCounters)]
    package private(set) var steps: [(name: String, type: String, counters: StepCounters)]
    package private(set) var sinks: [(name: String, rows: Int)]
    /// Nil where none are made.
    package internal(set) var checkpoints: CheckpointStatistics?
    /// Bytes of the files of state that were written, by flushes and by merges.
    package internal(set) var stateBytes = (flushed: 0, merged: 0)

    init(plan: Plan) {
        sources = plan.sources.map { ($0.name, SourceCounters()) }
        steps = plan.steps.map { ($0.name, $0.type, StepCounters()) }
        sinks = plan.sinks.map { ($0.name, 0) }
    }

    mutating func add(
        _ worker: (steps: [(step: Int, counters: StepCounters)], sources: [SourceCounters])
    ) {
        for (step, counters) in worker.steps { steps[step].counters += counters }
        for (index, counters) in worker.sources.enumerated() { sources[index].counters += counters }
    }

    mutating func add(_ counters: SourceCounters, source: Int) {
        sources[source].counters += counters
    }

    mutating func add(_ counters: StepCounters, step: Int) { steps[step].counters += counters }

    mutating func add(rows: Int, sink: Int) { sinks[sink].rows += rows }

    /// Whether every step accounts for each row it received.
    package var isConserved: Bool { steps.allSatisfy { $0.counters.isConserved } }

    /// The conservation law per step, as text.
    package var text: String {
        var lines: [String] = []
        for (name, counters) in sources {
            lines.append(
                "source \(name): rows \(counters.rows), errors \(counters.errors), "
                    + "bytes \(counters.bytes)")
        }
        for (name, type, c) in steps {
            lines.append(
                "step \(name) (\(type)): received \(c.received) = passed \(c.passed) "
                    + "+ filtered \(c.filtered) + duplicate \(c.duplicate) + late \(c.late) "
                    + "+ errors \(c.errors) + unmatched \(c.unmatched) "
                    + "+ absorbed \(c.absorbed) + held \(c.held); "
                    + "emitted \(c.emitted)" + (c.missed > 0 ? ", missed \(c.missed)" : ""))
        }
        for (name, rows) in sinks { lines.append("sink \(name): rows \(rows)") }
        if let checkpoints { lines.append(checkpoints.text) }
        if stateBytes.flushed > 0 {
            lines.append(
                "state: flushed \(stateBytes.flushed) bytes, merged \(stateBytes.merged)")
        }
        return lines.joined(separator: "\n")
    }
}
