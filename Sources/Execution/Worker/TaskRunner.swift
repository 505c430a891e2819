import Dataflow
import Storage

/// What a task made of one chunk, by where it goes.
struct TaskOutput {
    /// By task and receiving worker: the rows for the exchange before that task.
    var exchanged: [(task: Int, batches: [[Batch]], watermark: Int64)] = []
    /// By sink and input: what is ready to be written.
    var encoded: [(sink: Int, input: Int, parts: [EncodedPart])] = []
}

/// One worker's share of one task: its operators and encoders, and the routes between them.
///
/// Rows are pushed through the nodes in their order, each node taking all batches of a chunk before
/// the next one runs, then the watermark behind the chunk.
final class TaskRunner {
    let index: Int
    let task: Topology.Task
    private let workers: Int
    private let operators: [any Operator]
    private let steps: [Plan.StepNode]
    /// By task behind an exchange that this one feeds.
    private var splitters: [Int: KeySplitter] = [:]
    /// By sink and input.
    private var encoders: [[Int]: any Encoder] = [:]
    private let drops: DropLog
    private let inputName: String

    private var pending: [[Batch]]
    private var watermarks: [Int64]
    private var exchanged: [Int: [[Batch]]] = [:]
    private var encoded: [[Int]: [EncodedPart]] = [:]

    init(
        _ index: Int, of topology: Topology, worker: Int, drops: DropLog, store: StateStore? = nil
    ) {
        self.index = index
        self.drops = drops
        task = topology.tasks[index]
        workers = topology.workers
        let plan = topology.plan
        inputName = plan.sources[task.source].name
        steps = task.steps.map { plan.steps[$0] }
        operators = steps.map { step in
            step.makeOperator(
                StepContext(
                    step: step.name, worker: worker, workers: topology.workers,
                    sources: plan.sources.map(\.name), store: store))
        }
        pending = [[Batch]](repeating: [], count: steps.count)
        watermarks = [Int64](repeating: EventTime.none, count: steps.count)
        for route in task.allRoutes {
            switch route {
            case .node: break
            case .exchange(let next):
                let step = plan.steps[topology.tasks[next].steps[0]]
                splitters[next] = KeySplitter(columns: step.key ?? [], workers: workers)
            case .sink(let sink, let input):
                encoders[[sink, input]] = plan.sinks[sink].inputs[input].makeEncoder()
            }
        }
    }

    /// The counters of the task's steps, by the step's index in the plan.
    var counters: [(step: Int, counters: StepCounters)] {
        zip(task.steps, operators).map { ($0, $1.counters) }
    }

    /// What its steps hold now, between two chunks; only their counts where nothing follows.
    func snapshot(worker: Int, isFinished: Bool) throws -> [Barrier.StepPart] {
        try zip(task.steps, operators).map { step, running in
            Barrier.StepPart(
                step: step, worker: worker,
                snapshot: isFinished ? OperatorSnapshot() : try running.snapshot(),
                counters: running.counters)
        }
    }

    /// Gives its steps what they held at a checkpoint; `saved` is asked by the step's index.
    func restore(_ saved: (Int) -> [OperatorSnapshot]) throws {
        for (step, running) in zip(task.steps, operators) {
            let snapshots = saved(step)
            if !snapshots.isEmpty { try running.restore(snapshots) }
        }
    }

    /// Takes rows of the task's input; `finishTurn` ends what belongs to a chunk.
    func take(_ batch: Batch, from port: Port = .main) throws {
        route(batch, task.inputRoutes[port] ?? [], from: inputName, port: port)
    }

    /// Runs the nodes over what was taken for `chunk`, with `watermark` behind it.
    func finishTurn(_ chunk: Chunk, watermark: Int64) throws -> TaskOutput {
        var isEnd = false
        if case .end = chunk.content { isEnd = true }
        var output = TaskOutput()
        for node in operators.indices {
            try run(node, chunk, watermark: inputWatermark(node, watermark), isEnd: isEnd)
        }
        for (next, splitter) in splitters {
            let batches = exchanged[next] ?? [[Batch]](repeating: [], count: splitter.workers)
            let step = topologyInput(of: next)
            output.exchanged.append((next, batches, step.map { watermarks[$0] } ?? watermark))
        }
        exchanged.removeAll(keepingCapacity: true)
        for key in encoders.keys {
            output.encoded.append((key[0], key[1], encoded[key] ?? []))
        }
        encoded.removeAll(keepingCapacity: true)
        return output
    }

    /// The node whose output feeds the exchange before `next`, or nil for the task's input.
    private func topologyInput(of next: Int) -> Int? {
        task.stepRoutes.firstIndex { routes in
            routes.values.contains { $0.contains(.exchange(next)) }
        }
    }

    /// The watermark a node receives: of the node before it in the chain, or of the task.
    private func inputWatermark(_ node: Int, _ watermark: Int64) -> Int64 {
        let feeder = task.stepRoutes.firstIndex { routes in
            routes.values.contains { $0.contains(.node(node)) }
        }
        return feeder.map { watermarks[$0] } ?? watermark
    }

    private func run(_ node: Int, _ chunk: Chunk, watermark: Int64, isEnd: Bool) throws {
        let batches = pending[node]
        pending[node].removeAll(keepingCapacity: true)
        let step = operators[node]
        var emitter = Emitter()
        for batch in batches {
            try step.process(batch, at: chunk, into: &emitter)
            deliver(&emitter, from: node)
        }
        if isEnd {
            try step.finish(at: chunk, into: &emitter)
            watermarks[node] = EventTime.end
        } else {
            let passed = try step.advance(to: watermark, at: chunk, into: &emitter)
            watermarks[node] = max(watermarks[node], passed)
        }
        deliver(&emitter, from: node)
    }

    private func deliver(_ emitter: inout Emitter, from node: Int) {
        for (port, batch) in emitter.take() {
            let routes = task.stepRoutes[node][port] ?? []
            route(batch, routes, from: steps[node].name, port: port)
        }
    }

    private func route(_ batch: Batch, _ routes: [Topology.Route], from name: String, port: Port) {
        if routes.isEmpty { drops.note(batch, from: name, port: port) }
        for route in routes {
            switch route {
            case .node(let node): pending[node].append(batch)
            case .exchange(let next):
                guard let splitter = splitters[next] else { continue }
                var parts =
                    exchanged.removeValue(forKey: next)
                    ?? [[Batch]](repeating: [], count: workers)
                for (worker, part) in splitter.split(batch).enumerated() {
                    if let part { parts[worker].append(part) }
                }
                exchanged[next] = parts
            case .sink(let sink, let input):
                guard let encoder = encoders[[sink, input]] else { continue }
                encoded[[sink, input], default: []].append(contentsOf: encoder.encode(batch))
            }
        }
    }
}

extension Topology.Task {
    /// Every route out of the task's input and nodes.
    var allRoutes: [Topology.Route] {
        inputRoutes.values.flatMap { $0 } + stepRoutes.flatMap { $0.values.flatMap { $0 } }
    }
}
