import Dataflow
import Storage
import Synchronization

/// Numbers the chunks of all sources: its order is the order of the world.
///
/// The one place where back-pressure acts. A chunk gets a number only while tickets and bytes are
/// left; everyone who has a part in it (workers, sinks) is told of it in the order of the numbers.
/// Table updates take effect between two numbers. Of several bounded sources the one with the least
/// watermark goes next, which makes their interleaving a function of their content; live ones go as
/// they come.
final class Sequencer: Sendable {
    /// What became of an offered chunk.
    enum Answer {
        case numbered
        /// No ticket is left, or it is not this source's turn; the offering thread is woken later.
        case wait
        /// A table is not loaded, and will not be: the run is being stopped.
        case leave
    }

    /// What a source may do next.
    enum Permission {
        case read
        /// A table is not loaded yet, and nothing read could have a number; the thread is woken
        /// later.
        case wait
        /// The run is being stopped: it is to read nothing more.
        case leave
    }

    private struct Feed {
        let isTable: Bool
        let isBounded: Bool
        var sequence = 0
        /// Whether nothing more will be offered: it ended, or was stopped.
        var hasEnded = false
        /// Chunks whose watermark is not known yet.
        var unpassed = 0
        var watermark = EventTime.none
        /// Where the source stood behind its last numbered chunk.
        var position: SourcePosition?
        /// Whether its table is loaded, and what was rejected on the way to it has no number yet.
        var isAwaited = false
    }

    /// Where everything stands between two chunk numbers.
    struct Positions: Sendable {
        struct Source: Sendable {
            var sequence = 0
            var hasEnded = false
            var position: SourcePosition?
            /// The watermark behind its last chunk.
            var watermark = EventTime.none
        }

        /// The number of the next chunk.
        var number = 0
        var sources: [Source] = []
        /// The tables in force; nil for one that is not loaded.
        var tables: [(any TableVersion)?] = []
    }

    private struct State {
        var number = 0
        var ticketsOut = 0
        var bytesOut = 0
        var feeds: [Feed] = []
        var tables: [(any TableVersion)?] = []
        var isStopping = false
        /// Whether nothing gets a number for want of room on the disk.
        var isPaused = false
        /// Whether a source left before its end, because the run was stopped.
        var wasCutShort = false
        var waiting: [Parker] = []
    }

    private let state: Mutex<State>
    private let topology: Topology
    private let ticketsMax: Int
    private let bytesMax: Int
    private let clock: EngineClock
    /// Called with every numbered ticket, in order.
    private let announce: @Sendable (Ticket) -> Void
    /// Called once, when nothing is under way and nothing will come.
    private let finished: @Sendable () -> Void

    init(
        _ topology: Topology, clock: EngineClock, announce: @escaping @Sendable (Ticket) -> Void,
        finished: @escaping @Sendable () -> Void
    ) {
        self.topology = topology
        self.clock = clock
        self.announce = announce
        self.finished = finished
        let settings = topology.plan.settings
        ticketsMax =
            settings.chunksInFlight > 0
            ? settings.chunksInFlight : 4 + 3 * topology.workers
        bytesMax = settings.bytesInFlight
        let tableCount = topology.plan.sources.compactMap(\.table).count
        var first = State()
        first.tables = [(any TableVersion)?](repeating: nil, count: tableCount)
        state = Mutex(first)
    }

    /// Says which sources there are, before any of them offers a chunk.
    func open(_ sources: [(isTable: Bool, isBounded: Bool)]) {
        state.withLock { state in
            state.feeds = sources.map { Feed(isTable: $0.isTable, isBounded: $0.isBounded) }
        }
    }

    /// Goes on from where a checkpoint stood.
    func restore(_ positions: Positions) {
        state.withLock { state in
            state.number = positions.number
            state.tables = positions.tables
            for (index, source) in positions.sources.enumerated() {
                state.feeds[index].sequence = source.sequence
                state.feeds[index].position = source.position
                state.feeds[index].watermark = source.watermark
            }
        }
    }

    /// Where everything stands now. `mark` is called before anything more gets a number, and so
    /// stands for what it does at this place of the order.
    func positions(mark: (Positions) -> Void = { _ in }) -> Positions {
        state.withLock { state in
            var positions = Positions()
            positions.number = state.number
            positions.tables = state.tables
            // What was rejected on the way is only found again where it is loaded again.
            for (index, feed) in state.feeds.enumerated() where feed.isAwaited {
                if let table = topology.plan.sources[index].table {
                    positions.tables[table.index] = nil
                }
            }
            positions.sources = state.feeds.map { feed in
                Positions.Source(
                    sequence: feed.sequence, hasEnded: feed.hasEnded, position: feed.position,
                    watermark: feed.watermark)
            }
            mark(positions)
            return positions
        }
    }

    /// Offers the next chunk of a source, which stands at `position` behind it; with the chunk's
    /// number a version of the source's table takes effect, if there is one.
    func offer(
        _ content: Chunk.Content, at position: SourcePosition? = nil, from source: Int,
        publishing version: (any TableVersion)? = nil, waking parker: Parker
    ) -> Answer {
        let byteCount = content.byteCount
        return state.withLock { state in
            if state.isStopping && state.tables.contains(where: { $0 == nil }) { return .leave }
            let fits =
                state.ticketsOut < ticketsMax
                && (state.ticketsOut == 0 || state.bytesOut + byteCount <= bytesMax)
            let isHeld = state.isPaused && !state.isStopping
            guard fits, !isHeld, isTurn(of: source, state), let tables = loaded(source, state)
            else {
                state.waiting.append(parker)
                return .wait
            }
            let chunk = Chunk(
                number: state.number, sequence: state.feeds[source].sequence, source: source,
                content: content, arrival: clock.wallMicroseconds(), tables: tables)
            state.number += 1
            state.feeds[source].sequence += 1
            if let position { state.feeds[source].position = position }
            state.feeds[source].isAwaited = false
            if let version, let table = topology.plan.sources[source].table {
                state.tables[table.index] = version
            }
            if case .end = content { state.feeds[source].hasEnded = true }
            state.feeds[source].unpassed += 1
            state.ticketsOut += 1
            state.bytesOut += byteCount
            announce(
                Ticket(
                    chunk, byteCount: byteCount,
                    completions: topology.completions(ofSource: source)))
            return .numbered
        }
    }

    /// Whether a bounded source is the one with the least watermark among those that have not
    /// ended.
    private func isTurn(of source: Int, _ state: State) -> Bool {
        let own = state.feeds[source]
        guard own.isBounded && !own.isTable else { return true }
        let rivals = state.feeds.indices.filter { index in
            let feed = state.feeds[index]
            return feed.isBounded && !feed.isTable && !feed.hasEnded
        }
        guard rivals.count > 1 else { return true }
        if rivals.contains(where: { state.feeds[$0].unpassed > 0 }) { return false }
        return rivals.min { state.feeds[$0].watermark < state.feeds[$1].watermark } == source
    }

    /// The tables for a chunk of `source`, or nil while one is not loaded, or has rejected rows
    /// that come first.
    private func loaded(_ source: Int, _ state: State) -> [any TableVersion]? {
        let tables = state.tables.compactMap { $0 }
        let next = state.feeds.firstIndex(where: \.isAwaited) ?? source
        return tables.count == state.tables.count && next == source ? tables : nil
    }

    /// What a source may do before it has anything to offer.
    func permission(of source: Int, waking parker: Parker) -> Permission {
        state.withLock { state in
            if state.isStopping { return .leave }
            if loaded(source, state) != nil { return .read }
            state.waiting.append(parker)
            return .wait
        }
    }

    /// Notes the watermark behind a chunk of a source.
    func passed(_ watermark: Int64, source: Int) {
        change { state in
            state.feeds[source].watermark = watermark
            state.feeds[source].unpassed -= 1
        }
    }

    /// Puts a version of a table in force for the chunks from here on; its source stands at
    /// `position`.
    func setTable(
        _ index: Int, to version: any TableVersion, from source: Int, at position: SourcePosition?
    ) {
        change { state in
            state.tables[index] = version
            state.feeds[source].position = position
        }
    }

    /// Puts the first version of a table in force, on the way to which rows were rejected: these
    /// are offered next, and get the number before any other rows.
    func setTable(_ index: Int, to version: any TableVersion, awaitingRowsOf source: Int) {
        change { state in
            state.tables[index] = version
            state.feeds[source].isAwaited = true
        }
    }

    /// Takes back a ticket of which everything is done.
    func release(_ ticket: Ticket) {
        change { state in
            state.ticketsOut -= 1
            state.bytesOut -= ticket.byteCount
        }
    }

    /// Lets the sources read nothing any more; what they have read still gets its numbers, and what
    /// is under way goes on.
    func stop() {
        change { $0.isStopping = true }
    }

    /// Lets nothing more get a number until `goOn`; what is under way goes on.
    func pause() { state.withLock { $0.isPaused = true } }

    /// Ends a pause.
    func goOn() { change { $0.isPaused = false } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Notes that a source offers nothing more, because the run is being stopped.
    func leave(_ source: Int) {
        change { state in
            state.feeds[source].hasEnded = true
            state.feeds[source].isAwaited = false
            if !state.feeds[source].isTable { state.wasCutShort = true }
        }
    }

    /// Whether all sources came to their ends by themselves.
    var hasInputEnded: Bool { state.withLock { !$0.wasCutShort } }

    private func change(_ body: (inout State) -> Void) {
        let (woken, isLast) = state.withLock { state in
            body(&state)
            return (Self.takeWaiting(&state), isFinished(state))
        }
        for parker in woken { parker.wake() }
        if isLast { finished() }
    }

    private func isFinished(_ state: State) -> Bool {
        // A stop may come before there are sources: they still leave.
        guard state.ticketsOut == 0, !state.feeds.isEmpty else { return false }
        return state.feeds.allSatisfy { $0.hasEnded || $0.isTable && !state.isStopping }
    }

    private static func takeWaiting(_ state: inout State) -> [Parker] {
        let woken = state.waiting
        state.waiting = []
        return woken
    }
}

extension Chunk.Content {
    /// Bytes it holds under way.
    var byteCount: Int {
        switch self {
        case .records(let raw): raw.slab.byteCount
        case .rejected, .end: 0
        }
    }
}
