import Dataflow

/// A task behind an exchange, on one worker: takes chunks back in the order of their numbers.
final class ExchangeTask {
    let runner: TaskRunner
    let source: Int
    /// Whether several workers send to it for each chunk, or only the one that decoded it.
    private let isFedByAll: Bool
    private let workers: Int
    /// By which rows of several workers are ordered; nil where order does not matter.
    private let order: Schema?
    private var expected = Queue<Mark>()
    private var received: [Queue<ExchangeMessage>]

    init(_ runner: TaskRunner, core: EngineCore) {
        self.runner = runner
        let topology = core.topology
        workers = topology.workers
        source = runner.task.source
        isFedByAll = topology.senders(toTask: runner.index) > 1
        received = (0..<workers).map { _ in Queue() }
        let step = topology.plan.steps[runner.task.steps[0]]
        order = step.needsOrder ? step.inputSchema : nil
    }

    func expect(_ mark: Mark) { expected.append(mark) }

    func receive(_ message: ExchangeMessage) { received[message.sender].append(message) }

    /// Whether a chunk is under way that this task has not seen whole.
    var isWaiting: Bool { !expected.isEmpty }

    /// The barrier that is next in order, if one is.
    func takeBarrier() -> Barrier? {
        guard case .barrier(let barrier)? = expected.first else { return nil }
        _ = expected.popFirst()
        return barrier
    }

    /// Runs the next chunk, if all of it is here.
    func step() throws -> (Ticket, TaskOutput)? {
        guard case .chunk(let ticket)? = expected.first else { return nil }
        let number = ticket.chunk.number
        let senders = isFedByAll ? Array(0..<workers) : [number % workers]
        for sender in senders where received[sender].first?.ticket !== ticket { return nil }
        let messages = senders.compactMap { received[$0].popFirst() }
        _ = expected.popFirst()
        let batches = messages.flatMap(\.batches)
        if let order, isFedByAll {
            let merged = Batch.merged(batches, inOrderOf: order)
            if !merged.isEmpty { try runner.take(merged) }
        } else {
            for batch in batches { try runner.take(batch) }
        }
        let watermark = messages.map(\.watermark).min() ?? EventTime.none
        return (ticket, try runner.finishTurn(ticket.chunk, watermark: watermark))
    }
}
