package import Dataflow

/// How a plan is cut into tasks: chains of nodes that run without a hop, joined by exchanges.
///
/// A task starts at a source, or behind an exchange at a step whose rows must meet by key. Every
/// worker runs every task, each for its own share: source tasks for every n-th chunk, the others
/// for the keys the worker owns. One worker needs no exchange: it chains everything.
package struct Topology: Sendable {
    /// Where a node's output goes.
    package enum Route: Sendable, Equatable {
        /// To a node of the same task, by its place in the task.
        case node(Int)
        /// Through the exchange before a task, by the task's index.
        case exchange(Int)
        /// To an input of a sink.
        case sink(Int, input: Int)
    }

    /// A chain (or tree) of nodes that one worker runs without a hop.
    package struct Task: Sendable {
        /// The source it is fed by, directly or through other tasks.
        package let source: Int
        /// The task it receives from through an exchange; nil for a source task.
        package let upstream: Int?
        /// Steps of the plan, each behind its input.
        package var steps: [Int] = []
        /// Routes of the task's input: by port for a source task; behind an exchange to its first
        /// node.
        package var inputRoutes: [Port: [Route]] = [:]
        /// Routes of each node, by port.
        package var stepRoutes: [[Port: [Route]]] = []
    }

    package private(set) var tasks: [Task] = []
    package let workers: Int
    package let plan: Plan
    /// By sink and input: the task that feeds it.
    package private(set) var sinkTasks: [[Int]] = []

    package init(_ plan: Plan) {
        self.plan = plan
        workers = max(1, plan.settings.workers)
        for source in plan.sources.indices { tasks.append(Task(source: source, upstream: nil)) }
        var taskOfStep: [Int: (task: Int, node: Int)] = [:]
        for (index, step) in plan.steps.enumerated() {
            let producer = place(of: step.input, taskOfStep)
            var task = producer.task
            if step.key != nil && workers > 1 {
                tasks.append(Task(source: tasks[task].source, upstream: task))
                task = tasks.count - 1
                tasks[task].inputRoutes[.main] = [.node(0)]
                add(.exchange(task), from: producer, port: step.input.port)
            } else {
                add(.node(tasks[task].steps.count), from: producer, port: step.input.port)
            }
            taskOfStep[index] = (task, tasks[task].steps.count)
            tasks[task].steps.append(index)
            tasks[task].stepRoutes.append([:])
        }
        for (sink, node) in plan.sinks.enumerated() {
            var feeding: [Int] = []
            for (input, spec) in node.inputs.enumerated() {
                let producer = place(of: spec.edge, taskOfStep)
                add(.sink(sink, input: input), from: producer, port: spec.edge.port)
                feeding.append(producer.task)
            }
            sinkTasks.append(feeding)
        }
    }

    private func place(
        of edge: Plan.Edge, _ taskOfStep: [Int: (task: Int, node: Int)]
    ) -> (task: Int, node: Int?) {
        switch edge.node {
        case .source(let source): return (source, nil)
        case .step(let step):
            guard let place = taskOfStep[step] else {
                preconditionFailure("a plan lists every step behind its input")
            }
            return (place.task, place.node)
        }
    }

    private mutating func add(
        _ route: Route, from producer: (task: Int, node: Int?), port: Port
    ) {
        if let node = producer.node {
            tasks[producer.task].stepRoutes[node][port, default: []].append(route)
        } else {
            tasks[producer.task].inputRoutes[port, default: []].append(route)
        }
    }

    /// Pieces of a chunk's output that a task makes: one by the worker that decodes it, or one by
    /// each.
    package func pieces(ofTask task: Int) -> Int { tasks[task].upstream == nil ? 1 : workers }

    /// Workers that send to a task for each chunk.
    package func senders(toTask task: Int) -> Int {
        tasks[task].upstream.map { pieces(ofTask: $0) } ?? 0
    }

    /// Things that must be done before a chunk of `source` is done with: runs of tasks, and pieces
    /// written.
    package func completions(ofSource source: Int) -> Int {
        let runs = tasks.indices.filter { tasks[$0].source == source }
            .reduce(0) { $0 + pieces(ofTask: $1) }
        let written = sinkTasks.joined().filter { tasks[$0].source == source }
            .reduce(0) { $0 + pieces(ofTask: $1) }
        return runs + written
    }
}
