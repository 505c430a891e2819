import Dataflow
import NIOCore
import Storage
import Synchronization

/// What came in on all connections of a source and was not yet read: between the event loop, which
/// adds, and the one reader, who takes.
///
/// Connections with whole records stand in line, so a busy one does not keep others waiting. Memory
/// is bounded thrice: a connection is not read while it has enough in line, none is while all
/// together have, and when unfinished records of all together pass their limit, the connection that
/// does it is cut off with an error record. A connection that sends nothing holds no buffer.
final class ConnectionQueue: Sendable {
    /// What the event loop does with a connection next.
    enum Verdict { case readOn, pause, drop }

    /// One connection; used only under the lock.
    private final class Connection {
        let channel: any Channel
        let partition: Int
        var buffer: RecordBuffer
        /// Where its sender wants to hear what is safe.
        let acknowledger: Acknowledger?
        var isInLine = false
        var isPaused = false
        var isClosed = false
        /// What goes wrong at its end, where that is more than a cut.
        var closingError: String?

        init(
            _ channel: any Channel, partition: Int, buffer: consuming RecordBuffer,
            acknowledger: Acknowledger?
        ) {
            self.acknowledger = acknowledger
            self.channel = channel
            self.partition = partition
            self.buffer = buffer
        }
    }

    private struct State {
        var connections: [Int: Connection] = [:]
        var line: [Int] = []
        var lineHead = 0
        var partitionCount = 0
        var events: [PartitionEvent] = []
        /// Bytes in all buffers, and those of them in buffers without a whole record.
        var byteCount = 0
        var unfinishedByteCount = 0
        var pausedCount = 0
        var isReaderWaiting = false
        /// Of what was taken since they were last taken themselves.
        var receipts: [Receipt] = []
        var refusedCount = 0
        var isClosed = false

        var queuedByteCount: Int { byteCount - unfinishedByteCount }
    }

    private let options: TCPSource.Options
    private let waker: Waker
    private let notice: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(
        _ options: TCPSource.Options, waker: Waker, notice: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        self.waker = waker
        self.notice = notice
    }

    /// Connections that were turned away.
    var refusedCount: Int { state.withLock { $0.refusedCount } }
    /// Bytes held of all connections.
    var byteCount: Int { state.withLock { $0.byteCount } }
    var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Takes a connection in; nil where there are too many, of which the 1st, 2nd, 4th and so on
    /// is told.
    func open(_ channel: any Channel, name: String) -> Int? {
        let id = admit(channel, name: name)
        let count = refusedCount
        if id == nil && count > 0 && count & (count - 1) == 0 {
            let refused = count == 1 ? "a connection" : "\(count) connections"
            notice(
                "\(options.address): turned \(refused) away, the last from \(name): "
                    + "max_connections is \(options.connectionsMax)")
        }
        return id
    }

    private func admit(_ channel: any Channel, name: String) -> Int? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            guard state.connections.count < options.connectionsMax else {
                state.refusedCount += 1
                return nil
            }
            let partition = state.partitionCount
            state.partitionCount += 1
            let buffer = RecordBuffer(
                name: name, framing: options.framing, recordBytesMax: options.recordBytesMax)
            state.connections[partition] = Connection(
                channel, partition: partition, buffer: buffer,
                acknowledger: options.isAcknowledged ? Acknowledger(channel) : nil)
            if options.partitionPerConnection {
                state.events.append(.opened(partition))
                wakeReader(&state)
            }
            return partition
        }
    }

    /// Adds what a connection sent.
    func add(_ bytes: RawSpan, from id: Int) -> Verdict {
        state.withLock { state in
            guard let connection = state.connections[id], !connection.isClosed else { return .drop }
            if !connection.isInLine { state.unfinishedByteCount -= connection.buffer.byteCount }
            state.byteCount -= connection.buffer.byteCount
            connection.buffer.append(bytes)
            let hasPiece = connection.isInLine || connection.buffer.hasPiece()
            let held = connection.buffer.byteCount
            state.byteCount += held
            guard hasPiece else {
                state.unfinishedByteCount += held
                guard state.unfinishedByteCount > options.unfinishedBytesMax else { return .readOn }
                connection.isClosed = true
                connection.closingError = "too many unfinished records on all connections"
                enqueue(connection, &state)
                return .drop
            }
            if !connection.isInLine { enqueue(connection, &state, isFinished: true) }
            let isFull =
                held > options.connectionBytesMax || state.queuedByteCount > options.queuedBytesMax
            if isFull && !connection.isPaused {
                connection.isPaused = true
                state.pausedCount += 1
            }
            return connection.isPaused ? .pause : .readOn
        }
    }

    /// The connection will send nothing more.
    func close(_ id: Int) {
        state.withLock { state in
            guard let connection = state.connections[id], !connection.isClosed else { return }
            connection.isClosed = true
            if !connection.isInLine { enqueue(connection, &state) }
        }
    }

    /// Puts a connection in line. `isFinished` says that its bytes are no longer counted among the
    /// unfinished ones.
    private func enqueue(
        _ connection: Connection, _ state: inout State, isFinished: Bool = false
    ) {
        if !isFinished { state.unfinishedByteCount -= connection.buffer.byteCount }
        connection.isInLine = true
        state.line.append(connection.partition)
        wakeReader(&state)
    }

    private func wakeReader(_ state: inout State) {
        guard state.isReaderWaiting else { return }
        state.isReaderWaiting = false
        waker.wake()
    }

    /// Gives what stands first in line; nil where nothing does, and then the reader is woken when
    /// something comes.
    func take(byteCount: Int) -> ReadResult? {
        var resumed: [any Channel] = []
        let result = state.withLock { state -> ReadResult? in
            while state.lineHead < state.line.count {
                let id = state.line[state.lineHead]
                state.lineHead += 1
                if state.lineHead > 1024 {
                    state.line.removeFirst(state.lineHead)
                    state.lineHead = 0
                }
                guard let connection = state.connections[id] else { continue }
                let piece = take(from: connection, byteCount: byteCount, &state)
                resume(&state, &resumed)
                if let piece { return wrap(piece, connection.partition, &state) }
            }
            if !state.events.isEmpty {
                let events = state.events
                state.events = []
                return .chunk(RawChunk(events: events))
            }
            state.isReaderWaiting = true
            return nil
        }
        for channel in resumed { channel.read() }
        return result
    }

    /// The receipts for what was taken, in its order.
    func takeReceipts() -> [Receipt] {
        state.withLock { state in
            defer { state.receipts = [] }
            return state.receipts
        }
    }

    private func addReceipt(
        _ piece: RecordBuffer.Piece?, _ connection: Connection, _ state: inout State
    ) {
        guard let acknowledger = connection.acknowledger else { return }
        let count: Int? =
            switch piece {
            case .records(let slice, _):
                options.framing.recordCount(in: slice.slab.bytes(slice.range))
            case .rejected: 1
            case nil: nil
            }
        state.receipts.append(Receipt(acknowledger: acknowledger, count: count))
    }

    private func take(
        from connection: Connection, byteCount: Int, _ state: inout State
    ) -> RecordBuffer.Piece? {
        let before = connection.buffer.byteCount
        var piece = connection.buffer.take(byteCount: byteCount)
        if piece == nil && connection.isClosed {
            piece = connection.buffer.cutShort(connection.closingError)
        }
        if piece != nil || connection.isClosed { addReceipt(piece, connection, &state) }
        let held = connection.buffer.byteCount
        state.byteCount += held - before
        if connection.buffer.hasPiece() || connection.isClosed && piece != nil {
            state.line.append(connection.partition)
        } else {
            connection.isInLine = false
            state.unfinishedByteCount += held
        }
        if piece == nil && connection.isClosed {
            state.connections[connection.partition] = nil
            if options.partitionPerConnection {
                state.events.append(.finished(connection.partition))
            }
        }
        return piece
    }

    /// Lets paused connections send again when there is room.
    private func resume(_ state: inout State, _ resumed: inout [any Channel]) {
        guard state.pausedCount > 0, state.queuedByteCount <= options.queuedBytesMax / 2 else {
            return
        }
        for connection in state.connections.values where connection.isPaused {
            let held = connection.buffer.byteCount
            // A long record that is not whole must go on, or it would never be.
            guard !connection.isInLine || held <= options.connectionBytesMax / 2 else { continue }
            connection.isPaused = false
            state.pausedCount -= 1
            resumed.append(connection.channel)
        }
    }

    private func wrap(
        _ piece: RecordBuffer.Piece, _ partition: Int, _ state: inout State
    ) -> ReadResult {
        guard case .records(let slice, let place) = piece else { return piece.result }
        let events = state.events
        state.events = []
        return .chunk(
            RawChunk(
                slab: slice.slab, range: slice.range, place: place,
                partition: options.partitionPerConnection ? partition : 0, events: events))
    }

    /// Closes all connections; what they sent is forgotten.
    func closeAll() {
        let channels = state.withLock { state in
            let channels = state.connections.values.map(\.channel)
            state = State()
            state.isClosed = true
            return channels
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
