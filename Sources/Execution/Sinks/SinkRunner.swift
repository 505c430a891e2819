import Dataflow
import Synchronization

/// Encoded output of one chunk, from one worker, for one input of a sink.
struct SinkPiece: Sendable {
    let ticket: Ticket
    let input: Int
    let sender: Int
    let parts: [EncodedPart]
}

/// Puts the pieces for one sink in order and writes them; stepped by the sink's own thread.
///
/// The order is that of the chunks' numbers; within a chunk that of the inputs, then of the
/// workers. What is ready together is written together.
final class SinkRunner {
    /// Bytes written by one call, at most (one piece always is).
    private static let writeBytesMax = 8 << 20

    let index: Int
    let parker: Parker
    let writer: any SinkWriter
    private let core: EngineCore
    private let arrivals: SinkArrivals
    private var expected = Queue<Mark>()
    /// Pieces that are here, by chunk number, input and sender.
    private var pieces: [PieceKey: SinkPiece] = [:]
    /// The next piece of the first expected chunk.
    private var nextPiece = 0
    private var needsFlush = false
    private(set) var rowsWritten = 0

    private struct PieceKey: Hashable {
        let number: Int
        let input: Int
        let sender: Int
    }

    init(_ index: Int, writer: any SinkWriter, core: EngineCore, arrivals: SinkArrivals) {
        self.index = index
        self.writer = writer
        self.core = core
        self.arrivals = arrivals
        parker = arrivals.parker
        writer.watch { arrivals.parker.wake() }
    }

    /// Writes what is ready and in order.
    func step() throws -> Progress {
        try writer.check()
        let arrived = arrivals.take()
        if arrived.committed > 0 { writer.committed(arrived.committed) }
        for mark in arrived.marks { expected.append(mark) }
        for piece in arrived.pieces {
            let number = piece.ticket.chunk.number
            pieces[PieceKey(number: number, input: piece.input, sender: piece.sender)] = piece
        }
        let (ready, parts) = takeReady()
        if ready.isEmpty {
            if case .barrier(let barrier)? = expected.first {
                _ = expected.popFirst()
                try stage(for: barrier)
                return .progressed
            }
            if needsFlush {
                try writer.flush()
                needsFlush = false
                return .progressed
            }
            return expected.isEmpty ? .idle : .blocked
        }
        if !parts.isEmpty {
            try writer.write(parts)
            needsFlush = true
            rowsWritten += parts.reduce(0) { $0 + $1.rowCount }
        }
        for ticket in ready { core.complete(ticket) }
        return .progressed
    }

    /// Sets apart what stands before a barrier.
    func stage(for barrier: Barrier) throws {
        needsFlush = false
        let staged = try writer.stage(for: barrier.epoch)
        let (index, rows) = (index, rowsWritten)
        barrier.add { $0.sinks[index] = (staged, rows) }
    }

    /// The tickets of the pieces that are next in order, and what is to be written of them.
    private func takeReady() -> (tickets: [Ticket], parts: [EncodedPart]) {
        var tickets: [Ticket] = []
        var parts: [EncodedPart] = []
        var byteCount = 0
        while case .chunk(let ticket)? = expected.first, byteCount < Self.writeBytesMax {
            let keys = order(of: ticket)
            guard nextPiece < keys.count else {
                _ = expected.popFirst()
                nextPiece = 0
                continue
            }
            guard let piece = pieces.removeValue(forKey: keys[nextPiece]) else { break }
            nextPiece += 1
            tickets.append(ticket)
            for part in piece.parts where part.byteCount > 0 {
                parts.append(part)
                byteCount += part.byteCount
            }
        }
        return (tickets, parts)
    }

    private func order(of ticket: Ticket) -> [PieceKey] {
        let topology = core.topology
        let number = ticket.chunk.number
        return topology.sinkTasks[index].enumerated().flatMap { input, task -> [PieceKey] in
            guard topology.tasks[task].source == ticket.chunk.source else { return [] }
            let isAlone = topology.tasks[task].upstream == nil
            let senders = isAlone ? [number % topology.workers] : Array(0..<topology.workers)
            return senders.map { PieceKey(number: number, input: input, sender: $0) }
        }
    }

    /// Ends the output in order; of a run that was stopped as the sink likes.
    func close(wasStopped: Bool) throws {
        if needsFlush { try writer.flush() }
        if wasStopped { try writer.leave() } else { try writer.close() }
    }
}

/// Where workers leave pieces for a sink.
final class SinkArrivals: Sendable {
    /// What came since it was last taken.
    struct State {
        var marks: [Mark] = []
        var pieces: [SinkPiece] = []
        /// The newest epoch that is committed; 0 for none since.
        var committed = 0
    }

    private let state = Mutex(State())
    let parker = Parker()

    func expect(_ mark: Mark) {
        state.withLock { $0.marks.append(mark) }
        // Chunks wake the sink with their pieces.
        if case .barrier = mark { parker.wake() }
    }

    func send(_ piece: SinkPiece) {
        state.withLock { $0.pieces.append(piece) }
        parker.wake()
    }

    /// Tells that a checkpoint is complete, and its output committed.
    func committed(_ epoch: Int) {
        state.withLock { $0.committed = epoch }
        parker.wake()
    }

    func take() -> State {
        state.withLock { state in
            let taken = state
            state = State()
            return taken
        }
    }
}
