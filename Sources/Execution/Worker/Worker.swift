import Dataflow
import Storage

/// What a call of `step` achieved.
package enum Progress: Sendable, Equatable {
    /// Something was done; call again.
    case progressed
    /// There is nothing to do.
    case idle
    /// There is something to do, but it waits for another part of the engine.
    case blocked
}

/// One shard of the whole pipeline: a value that a thread, or a simulator, steps.
///
/// Every call of `step` does one thing: a chunk through one task. Tasks behind exchanges go first,
/// so that what is under way leaves before more comes in.
final class Worker {
    let index: Int
    let inbox: Inbox
    private let core: EngineCore
    private var sourceTasks: [SourceTask] = []
    private var exchangeTasks: [ExchangeTask] = []

    /// The state of all steps of this worker; nil for memory alone.
    let store: StateStore?

    init(_ index: Int, core: EngineCore, store: StateStore? = nil) {
        self.store = store
        self.index = index
        self.core = core
        inbox = core.inboxes[index]
        let topology = core.topology
        for (number, task) in topology.tasks.enumerated() {
            let runner = TaskRunner(
                number, of: topology, worker: index, drops: core.drops, store: store)
            if task.upstream == nil {
                sourceTasks.append(SourceTask(runner, core: core))
            } else {
                exchangeTasks.append(ExchangeTask(runner, core: core))
            }
        }
    }

    /// Does the next thing.
    func step() throws -> Progress {
        let (marks, messages) = inbox.take()
        for mark in marks { expect(mark) }
        for message in messages {
            exchangeTasks[message.task - sourceTasks.count].receive(message)
        }
        if try passBarrier() { return .progressed }
        for task in exchangeTasks.reversed() {
            if let (ticket, output) = try task.step() {
                send(output, ticket)
                return .progressed
            }
        }
        var isWaiting = false
        for task in sourceTasks {
            switch try task.step(waking: inbox.parker) {
            case .done(let ticket, let output):
                send(output, ticket)
                return .progressed
            case .nothing: break
            case .waiting: isWaiting = true
            }
        }
        isWaiting = isWaiting || exchangeTasks.contains { $0.isWaiting }
        return isWaiting ? .blocked : .idle
    }

    private func expect(_ mark: Mark) {
        switch mark {
        case .chunk(let ticket):
            if ticket.chunk.number % core.topology.workers == index {
                sourceTasks[ticket.chunk.source].expect(mark)
            }
            for task in exchangeTasks where task.source == ticket.chunk.source {
                task.expect(mark)
            }
        case .barrier:
            for task in sourceTasks { task.expect(mark) }
            for task in exchangeTasks { task.expect(mark) }
        }
    }

    /// Notes the state of a task that a barrier has reached; says whether there was one.
    private func passBarrier() throws -> Bool {
        for task in sourceTasks {
            guard let barrier = task.takeBarrier() else { continue }
            try add(task.runner, to: barrier)
            return true
        }
        for task in exchangeTasks {
            guard let barrier = task.takeBarrier() else { continue }
            try add(task.runner, to: barrier)
            return true
        }
        return false
    }

    /// Adds what a task holds to a barrier, and then, when all of that is in files, the word that
    /// it is.
    private func add(
        _ runner: TaskRunner, to barrier: Barrier, isFinished: Bool = false
    ) throws {
        let start = core.clock.monotonicNanoseconds()
        let steps = try runner.snapshot(worker: index, isFinished: isFinished)
        let pause = core.clock.monotonicNanoseconds() - start
        let counters = sourceTasks.map(\.counters)
        let isSource = runner.task.upstream == nil
        let source = runner.task.source
        if let store {
            store.whenFlushed { failure in
                barrier.add { $0.failure = $0.failure ?? failure }
            }
        } else {
            barrier.add { _ in }
        }
        barrier.add { parts in
            parts.steps += steps
            parts.pauses.append(pause)
            if isSource {
                parts.sourceCounters[source, default: SourceCounters()] += counters[source]
            }
        }
    }

    /// Parts that a worker adds to every barrier.
    static func partCount(of topology: Topology) -> Int { topology.tasks.count * 2 }

    /// Adds what all tasks hold, when nothing is under way any more; nothing but their counts where
    /// the input has ended.
    func addAll(to barrier: Barrier, isFinished: Bool) throws {
        for runner in sourceTasks.map(\.runner) + exchangeTasks.map(\.runner) {
            try add(runner, to: barrier, isFinished: isFinished)
        }
    }

    /// Gives the steps what they held at a checkpoint.
    func restore(_ saved: (Int) -> [OperatorSnapshot]) throws {
        for task in sourceTasks { try task.runner.restore(saved) }
        for task in exchangeTasks { try task.runner.restore(saved) }
    }

    private func send(_ output: TaskOutput, _ ticket: Ticket) {
        for exchange in output.exchanged {
            for (worker, batches) in exchange.batches.enumerated() {
                core.send(
                    ExchangeMessage(
                        task: exchange.task, sender: index, ticket: ticket, batches: batches,
                        watermark: exchange.watermark),
                    to: worker)
            }
        }
        for encoded in output.encoded {
            core.write(
                SinkPiece(
                    ticket: ticket, input: encoded.input, sender: index, parts: encoded.parts),
                to: encoded.sink)
        }
        core.complete(ticket)
    }

    /// The counters of this shard, by step; and those of its sources.
    var counters: (steps: [(step: Int, counters: StepCounters)], sources: [SourceCounters]) {
        let steps =
            sourceTasks.flatMap { $0.runner.counters }
            + exchangeTasks.flatMap { $0.runner.counters }
        return (steps, sourceTasks.map(\.counters))
    }
}
