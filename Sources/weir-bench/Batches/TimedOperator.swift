import Dataflow
import Synchronization

/// An operator whose batches are timed: each call of `process`.
final class TimedOperator: Operator {
    private let operation: any Operator
    private let times: BatchTimes

    init(_ operation: any Operator, times: BatchTimes) {
        self.operation = operation
        self.times = times
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) throws {
        let start = BatchTimer.now
        try operation.process(batch, at: chunk, into: &output)
        times.add(from: start)
    }

    func advance(
        to watermark: Int64, at chunk: Chunk, into output: inout Emitter
    ) throws -> Int64 {
        try operation.advance(to: watermark, at: chunk, into: &output)
    }

    func finish(at chunk: Chunk, into output: inout Emitter) throws {
        try operation.finish(at: chunk, into: &output)
    }

    var counters: StepCounters { operation.counters }

    func snapshot() throws -> OperatorSnapshot { try operation.snapshot() }

    func restore(_ snapshots: [OperatorSnapshot]) throws { try operation.restore(snapshots) }
}

/// The times of a step's batches, of all its workers.
final class BatchTimes: Sendable {
    private let state = Mutex(BatchTimer())

    /// Adds a batch that ends now.
    func add(from start: BatchTimer.Moment) {
        let now = BatchTimer.now
        state.withLock { $0.add(from: start, to: now) }
    }

    /// All of them.
    var timer: BatchTimer { state.withLock { $0 } }
}

extension Plan {
    /// Has the batches of a step timed; nil where there is no such step.
    mutating func time(_ name: String) -> BatchTimes? {
        guard let index = steps.firstIndex(where: { $0.name == name }) else { return nil }
        let times = BatchTimes()
        let step = steps[index]
        steps[index] = StepNode(
            name: step.name, type: step.type, input: step.input, inputSchema: step.inputSchema,
            outputs: step.outputs, key: step.key, needsOrder: step.needsOrder,
            stateDescription: step.stateDescription, binding: step.binding
        ) { TimedOperator(step.makeOperator($0), times: times) }
        return times
    }
}
