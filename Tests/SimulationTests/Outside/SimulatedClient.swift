import Connectors
import Dataflow
import Storage
import TestSupport

/// A client that sends rows to a source that acknowledges them, and after a new connection sends
/// again what was not acknowledged.
final class SimulatedClient: @unchecked Sendable {
    // Sendable: a simulation has one thread.
    private let rows: [String]
    private let seed: UInt64
    private var random: SplitMix64
    /// Rows that are safe, as far as it has heard.
    private var acknowledged = 0
    /// Rows that were sent on the connection, or safe before it.
    private var next = 0
    private var connection = 0
    /// Rows that were sent more than once.
    private(set) var resentCount = 0
    private var sentMax = 0
    /// Whether it keeps its connection, for a source that acknowledges nothing.
    var isSteady = false
    /// Is told what it does.
    var note: (String) -> Void = { _ in }
    /// Changes with everything it does.
    private(set) var activity = 0

    init(_ rows: [String], seed: UInt64) {
        self.rows = rows
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    /// Begins anew.
    func reset() {
        (acknowledged, next, connection, resentCount, sentMax) = (0, 0, 0, 0, 0)
        random = SplitMix64(seed: seed)
        isSteady = false
    }

    /// Whether everything is safe.
    var isDone: Bool { acknowledged == rows.count }

    fileprivate func connect() {
        note("client connects")
        connection += 1
        next = acknowledged
        activity += 1
    }

    /// The next rows as text, and what they are a part of.
    fileprivate func send() -> (text: String, connection: Int, end: Int)? {
        guard next < rows.count else { return nil }
        if !isSteady && random.chance(0.02) { connect() }
        let end = min(next + random.int(1...20), rows.count)
        let text = rows[next..<end].map { "\($0)\n" }.joined()
        resentCount += max(0, min(sentMax, end) - next)
        sentMax = max(sentMax, end)
        note("client sends up to \(end), safe are \(acknowledged)")
        next = end
        activity += 1
        return (text, connection, end)
    }

    /// Hears, unless the connection was lost, that rows are safe.
    fileprivate func hear(_ end: Int, on connection: Int) {
        guard connection == self.connection, end > acknowledged else { return }
        acknowledged = end
        note("client hears \(end)")
        activity += 1
    }
}

/// The source at the other end of a client's connections.
final class ClientSource: AcknowledgingSource {
    private let client: SimulatedClient
    /// Whether its process was killed: then nobody hears of it.
    private let isDead: () -> Bool
    private var given: [(connection: Int, end: Int)] = []
    private var offset = 0

    init(_ client: SimulatedClient, isDead: @escaping () -> Bool) {
        self.client = client
        self.isDead = isDead
    }

    var isBounded: Bool { false }

    func open() { client.connect() }

    func read(byteCount: Int, waitMilliseconds: Int) -> ReadResult {
        guard !isDead(), let sent = client.send() else { return .nothing }
        given.append((sent.connection, sent.end))
        let bytes = Array(sent.text.utf8)
        defer { offset += bytes.count }
        return .chunk(
            RawChunk(
                slab: Slab(bytes), range: 0..<bytes.count,
                place: SourcePlace(name: "client", offset: offset)))
    }

    func acknowledge(upTo count: Int) {
        guard !isDead(), count > 0 else { return }
        client.hear(given[count - 1].end, on: given[count - 1].connection)
    }

    func interrupt() {}

    func close() {}
}
