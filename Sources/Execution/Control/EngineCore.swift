import Dataflow
import Storage
import Synchronization

/// What the parts of a running engine share: the order, the ways between them, and how it ends.
final class EngineCore: Sendable {
    let topology: Topology
    let clock: EngineClock
    let drops: DropLog
    /// Takes lines for the user.
    let log: @Sendable (String) -> Void
    let sequencer: Sequencer
    /// By source; nil for one without event time.
    let relays: [WatermarkRelay?]
    /// By worker.
    let inboxes: [Inbox]
    /// By sink.
    let arrivals: [SinkArrivals]
    /// Whether somebody wants a checkpoint before it is due.
    let isCheckpointRequested = Atomic<Bool>(false)
    /// Ends the wait of what makes checkpoints.
    let checkpointWaker: Waker
    private let ending: Ending

    init(
        _ topology: Topology, clock: EngineClock, log: @escaping @Sendable (String) -> Void,
        ending: Ending
    ) {
        self.topology = topology
        self.clock = clock
        self.ending = ending
        self.log = log
        let checkpointWaker = Waker()
        self.checkpointWaker = checkpointWaker
        drops = DropLog(clock: clock, log: log)
        relays = topology.plan.sources.map { source in source.watermark.map(WatermarkRelay.init) }
        let inboxes = (0..<topology.workers).map { _ in Inbox() }
        let arrivals = topology.plan.sinks.map { _ in SinkArrivals() }
        let sinksOfSource = topology.plan.sources.indices.map { source in
            arrivals.indices.filter { sink in
                topology.sinkTasks[sink].contains { topology.tasks[$0].source == source }
            }
        }
        sequencer = Sequencer(
            topology, clock: clock,
            announce: { ticket in
                for sink in sinksOfSource[ticket.chunk.source] {
                    arrivals[sink].expect(.chunk(ticket))
                }
                for inbox in inboxes { inbox.expect(.chunk(ticket)) }
                if let every = topology.plan.checkpoint?.everyChunks,
                    ticket.chunk.number % every == every - 1
                {
                    checkpointWaker.wake()
                }
            },
            finished: { ending.reach(.complete) })
        self.inboxes = inboxes
        self.arrivals = arrivals
    }

    /// Sends rows through an exchange; never waits.
    func send(_ message: ExchangeMessage, to worker: Int) { inboxes[worker].send(message) }

    /// Sends encoded rows to a sink; never waits.
    func write(_ piece: SinkPiece, to sink: Int) { arrivals[sink].send(piece) }

    /// Ends the run: there is nothing to do.
    func end() { ending.reach(.complete) }

    /// Notes that the run cannot go on.
    func fail(_ error: any Error) { ending.reach(.failed(error)) }

    /// Whether the places of the sources are needed.
    var keepsPositions: Bool { topology.plan.checkpoint != nil }

    /// Holds the sources back when there is no room on the disk, and has a checkpoint made, behind
    /// which less is needed; with nobody to make any, writes just wait.
    func watch(_ room: DiskRoom?, isTended: Bool) {
        // The room is part of the plan, which the core holds.
        room?.watch { [weak self, log] error in
            guard isTended else { return log("waiting for room on the disk: \(error)") }
            log("sources pause until there is room on the disk: \(error)")
            guard let self else { return }
            sequencer.pause()
            isCheckpointRequested.store(true, ordering: .relaxed)
            checkpointWaker.wake()
        }
    }

    /// Puts a barrier between the chunks that have a number and those that will get one.
    func placeBarrier(epoch: Int, onComplete: @escaping @Sendable () -> Void) -> Barrier {
        var made: Barrier?
        _ = sequencer.positions { positions in
            let barrier = makeBarrier(epoch: epoch, positions, onComplete: onComplete)
            for inbox in inboxes { inbox.expect(.barrier(barrier)) }
            for sink in arrivals { sink.expect(.barrier(barrier)) }
            addTrackers(to: barrier)
            made = barrier
        }
        guard let made else { preconditionFailure("a place in the order is marked at once") }
        return made
    }

    /// A barrier for `positions` that nothing knows of yet.
    func makeBarrier(
        epoch: Int, _ positions: Sequencer.Positions, onComplete: @escaping @Sendable () -> Void
    ) -> Barrier {
        let parts =
            Worker.partCount(of: topology) * topology.workers + relays.count + arrivals.count
        return Barrier(
            epoch: epoch, positions: positions, partCount: parts, onComplete: onComplete)
    }

    /// Adds the sources' watermarks as they stand at a barrier.
    func addTrackers(to barrier: Barrier) {
        for (source, relay) in relays.enumerated() {
            guard let relay else {
                barrier.add { _ in }
                continue
            }
            relay.whenPassed(to: barrier.positions.sources[source].sequence) { tracker in
                barrier.add { $0.trackers[source] = tracker }
            }
        }
    }

    /// Notes the watermark behind a chunk of a source.
    func passed(_ watermark: Int64, source: Int) { sequencer.passed(watermark, source: source) }

    /// Notes that one thing a chunk caused is done.
    func complete(_ ticket: Ticket) {
        if ticket.complete() { sequencer.release(ticket) }
    }
}

/// How a run ends: the first reason counts.
final class Ending: Sendable {
    /// Why a run ends.
    enum Reason: Sendable {
        /// Everything under way is done.
        case complete
        /// The target of a sink wants no more.
        case outputClosed
        case failed(any Error)
    }

    private let reason = Mutex<Reason?>(nil)
    private let onReach: @Sendable () -> Void

    /// `onReach` is called once.
    init(onReach: @escaping @Sendable () -> Void) { self.onReach = onReach }

    /// Ends the run, unless it has ended.
    func reach(_ reason: Reason) {
        let isFirst = self.reason.withLock { known in
            guard known == nil else { return false }
            known = reason
            return true
        }
        if isFirst { onReach() }
    }

    /// Notes an error thrown by a part of the engine.
    func reach(_ error: any Error) {
        reach(error is OutputClosed ? .outputClosed : .failed(error))
    }

    var reached: Reason? { reason.withLock { $0 } }
}
