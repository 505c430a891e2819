package import Dataflow
import NIOCore
import NIOPosix
import Storage
import Synchronization

/// Writes records to a TCP server.
///
/// While the server is away, or does not read, a write waits, which slows the pipeline down; it
/// tries to connect again and again, with growing pauses, and gives up only when interrupted.
///
/// At least once: what the system did not take whole before a connection broke is sent again on the
/// next one, from the start of a record, so the server may see records twice, the first time cut
/// short at the end of a connection. What the system had taken and the server never read is lost;
/// TCP alone does not tell. A server that acknowledges does: nothing counts as written before.
package final class TCPSink: SinkWriter {
    /// Where to write, and how.
    package struct Options: Sendable {
        package var host: String
        package var port: Int
        /// Whether lines are sent without newline, each with its length before it.
        package var isLengthPrefixed = false
        /// Whether the server answers with the number of lines that are safe, and only then they
        /// count as written.
        package var isAcknowledged = false
        package var firstPauseMilliseconds = 50
        package var longestPauseMilliseconds = 5000
        package var connectMillisecondsMax = 5000
        /// Bytes sent at once, about, and so sent twice at most.
        package var sendBytesMax = 1 << 20
        /// Decides the random part of pauses.
        package var seed: UInt64 = 0

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let options: Options
    private let notice: @Sendable (String) -> Void
    private let wait: TargetWait
    private let connections = Atomic(0)
    private var backoff: Backoff
    private var channel: (any Channel)?
    /// Lines that were sent on the connection.
    private var sentLines = 0
    private var answers = Answers()

    /// A sink; `notice` is told when the server goes away and comes back.
    package init(
        _ options: Options, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.notice = notice
        wait = TargetWait(options.address, clock: clock)
        backoff = Backoff(
            firstMilliseconds: options.firstPauseMilliseconds,
            longestMilliseconds: options.longestPauseMilliseconds, seed: options.seed)
    }

    /// Connections made so far.
    package var connectionCount: Int { connections.load(ordering: .relaxed) }

    package func open() throws {}

    package func write(_ parts: [EncodedPart]) throws {
        var slices: [SlabSlice] = []
        var byteCount = 0
        for part in parts where part.byteCount > 0 {
            let slice =
                options.isLengthPrefixed
                ? LengthPrefixer.convert(part.slab.bytes(0..<part.byteCount))
                : SlabSlice(part.slab, 0..<part.byteCount)
            slices.append(slice)
            byteCount += slice.byteCount
            if byteCount >= options.sendBytesMax {
                try send(slices, byteCount)
                slices = []
                byteCount = 0
            }
        }
        if byteCount > 0 { try send(slices, byteCount) }
    }

    /// Sends until the system has taken all of it.
    private func send(_ slices: [SlabSlice], _ byteCount: Int) throws {
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount)
        for slice in slices { buffer.writeBytes(slice.slab.bytes(slice.range)) }
        while true {
            let channel = try connectedChannel()
            switch try result(of: channel.writeAndFlush(buffer)) {
            case .success:
                guard options.isAcknowledged else { return }
                sentLines += lineCount(slices)
                if try waitForAnswer(to: sentLines) { return }
                notice("\(options.address) went away before it answered; connecting again")
                drop()
            case .failure(let error):
                notice(
                    "\(options.address) went away (\(NetworkError.cause(error))); connecting again")
                drop()
            }
        }
    }

    private func lineCount(_ slices: [SlabSlice]) -> Int {
        slices.reduce(0) { count, slice in
            let bytes = slice.slab.bytes(slice.range)
            return count + ByteScan.count(UInt8(ascii: "\n"), in: bytes, 0..<bytes.byteCount)
        }
    }

    /// Waits until the server says that so many lines are safe; false where the connection ends
    /// first.
    private func waitForAnswer(to count: Int) throws -> Bool {
        try droppingWhenInterrupted {
            try wait.first {
                let (heard, hasEnded) = answers.state.withLock { ($0.count, $0.hasEnded) }
                return heard >= count ? true : hasEnded ? false : nil
            }
        }
    }

    /// The connection, made anew where there is none.
    private func connectedChannel() throws -> any Channel {
        if let channel {
            if channel.isActive { return channel }
            notice("\(options.address) closed the connection; connecting again")
            drop()
        }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(.milliseconds(Int64(options.connectMillisecondsMax)))
        while true {
            let answers = Answers()
            self.answers = answers
            sentLines = 0
            let connecting = bootstrap.channelInitializer { [waker = wait.waker] channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = AnswerHandler(answers, waker: waker)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }.connect(host: options.host, port: options.port)
            let outcome: Result<any Channel, any Error>
            do {
                outcome = try result(of: connecting)
            } catch {
                connecting.whenSuccess { $0.close(promise: nil) }
                throw error
            }
            switch outcome {
            case .success(let made):
                channel = made
                backoff.reset()
                connections.add(1, ordering: .relaxed)
                return made
            case .failure(let error):
                let pause = backoff.take()
                let cause = NetworkError.cause(error)
                notice("cannot connect to \(options.address): \(cause); again in \(pause) ms")
                try wait.pause(milliseconds: pause)
            }
        }
    }

    private func drop() {
        channel?.close(promise: nil)
        channel = nil
    }

    /// Waits for a future, or an interrupt.
    private func result<T: Sendable>(
        of future: EventLoopFuture<T>
    ) throws -> Result<T, any Error> {
        try droppingWhenInterrupted { try wait.result(of: future) }
    }

    private func droppingWhenInterrupted<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch {
            drop()
            throw error
        }
    }

    package func flush() throws {}

    package func close() throws {
        guard let channel else { return }
        if channel.isActive {
            // The end goes out behind the last byte; closing at once could throw both away.
            _ = try? result(of: channel.close(mode: .output))
        }
        drop()
    }

    package func interrupt() { wait.interrupt() }
}
