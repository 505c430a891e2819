package import Dataflow
import NIOCore
import NIOPosix
import Storage
import Synchronization

/// Records from TCP connections: listens, takes many at once, and reads each by itself.
///
/// A chunk holds whole records of one connection. A connection that ends inside a record, however
/// it ends, gives a rejected record; nothing is ever put together from two connections. When the
/// engine does not keep up, connections are not read, and their senders wait. A connection beyond
/// `connectionsMax` is closed at once and counted. While nobody is connected, the source waits.
package final class TCPSource: AcknowledgingSource {
    /// Where to listen, and the limits.
    package struct Options: Sendable {
        package var host: String
        /// 0 lets the system choose; see `boundPort`.
        package var port: Int
        package var framing = Framing.newline
        /// The longest record, without its line end or prefix.
        package var recordBytesMax = 1 << 20
        package var connectionsMax = 1024
        /// Whether senders are told how many of their records are safe.
        package var isAcknowledged = false
        /// Whether every connection is a partition of its own.
        package var partitionPerConnection = false
        /// Bytes of one connection that wait for the engine, about.
        package var connectionBytesMax = 512 << 10
        /// Bytes of all connections that wait for the engine, about.
        package var queuedBytesMax = 32 << 20
        /// Bytes of unfinished records of all connections.
        package var unfinishedBytesMax = 64 << 20

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let options: Options
    private let clock: EngineClock
    private let waker: Waker
    private let queue: ConnectionQueue
    private let isInterrupted = Atomic(false)
    /// Results given so far.
    private var givenCount = 0
    /// What senders are to hear when so many results are safe, in order.
    private var receipts: [(givenCount: Int, receipt: Receipt)] = []
    private var server: (any Channel)?

    /// A source; `notice` is told of connections that are turned away.
    package init(
        _ options: Options, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.clock = clock
        waker = Waker()
        queue = ConnectionQueue(options, waker: waker, notice: notice)
    }

    package var isBounded: Bool { false }

    package var isReplayable: Bool { false }

    /// The port it listens on, once open.
    package var boundPort: Int? { server?.localAddress?.port }
    /// Connections that were turned away because there were too many.
    package var refusedConnectionCount: Int { queue.refusedCount }
    /// Connections that are open or have something left to be read.
    package var connectionCount: Int { queue.connectionCount }
    /// Bytes that were received and not yet read by the engine.
    package var queuedByteCount: Int { queue.byteCount }

    package func open() throws {
        let queue = queue
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One who has sent everything may still wait for what is to be heard.
            .childChannelOption(.allowRemoteHalfClosure, value: options.isAcknowledged)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(queue))
                }
            }
        do {
            server = try bootstrap.bind(host: options.host, port: options.port).wait()
        } catch {
            throw NetworkError(
                operation: "listen on", address: options.address,
                cause: NetworkError.cause(error),
                advice: "choose an address of this machine and a port that nothing else uses")
        }
    }

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let deadline = clock.monotonicNanoseconds() + Int64(waitMilliseconds) * 1_000_000
        while true {
            let result = queue.take(byteCount: byteCount)
            if options.isAcknowledged { noteReceipts(hasResult: result != nil) }
            if let result { return result }
            if isInterrupted.exchange(false, ordering: .acquiring) { return .nothing }
            let left = (deadline - clock.monotonicNanoseconds() + 999_999) / 1_000_000
            if left <= 0 { return .nothing }
            waker.wait(milliseconds: Int(left))
        }
    }

    private func noteReceipts(hasResult: Bool) {
        if hasResult { givenCount += 1 }
        for receipt in queue.takeReceipts() { receipts.append((givenCount, receipt)) }
    }

    package func acknowledge(upTo count: Int) {
        let due = receipts.prefix { $0.givenCount <= count }
        guard !due.isEmpty else { return }
        receipts.removeFirst(due.count)
        // A connection hears of many at once.
        var sums: [ObjectIdentifier: (acknowledger: Acknowledger, count: Int)] = [:]
        var ended: [Acknowledger] = []
        for (_, receipt) in due {
            let identity = ObjectIdentifier(receipt.acknowledger)
            if let count = receipt.count {
                sums[identity, default: (receipt.acknowledger, 0)].count += count
            } else {
                ended.append(receipt.acknowledger)
            }
        }
        for sum in sums.values { sum.acknowledger.add(sum.count) }
        for acknowledger in ended { acknowledger.finish() }
    }

    package func interrupt() {
        isInterrupted.store(true, ordering: .releasing)
        waker.wake()
    }

    package func close() {
        try? server?.close().wait()
        server = nil
        queue.closeAll()
    }
}

/// Carries the bytes of one connection to the queue; on the connection's event loop.
private final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let queue: ConnectionQueue
    private var id: Int?
    private var verdict = ConnectionQueue.Verdict.readOn

    init(_ queue: ConnectionQueue) { self.queue = queue }

    func channelActive(context: ChannelHandlerContext) {
        let address = context.remoteAddress
        let name = address.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? "unknown"
        id = queue.open(context.channel, name: name)
        if id == nil { context.close(promise: nil) } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let id else { return }
        let buffer = unwrapInboundIn(data)
        verdict = queue.add(buffer.readableBytesSpan, from: id)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch verdict {
        case .readOn: context.read()
        case .pause: break
        case .drop: context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed, let id { queue.close(id) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let id { queue.close(id) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
