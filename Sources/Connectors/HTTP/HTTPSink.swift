import AsyncHTTPClient
package import Dataflow
import NIOCore
import NIOHTTP1
import NIOPosix
package import Storage

/// Sends rows to an HTTP server, in requests one after the other.
///
/// At least once: rows count as taken when the server has answered with 2xx. Until then a request
/// is sent again, with growing pauses, and `write` waits, which slows the pipeline down; only an
/// interrupt ends that. Of a request that is refused for what is in it, the halves are sent, down
/// to the rows that are refused by themselves; those go to a log, or end the run.
package final class HTTPSink: SinkWriter {
    /// Where to send, and how.
    package struct Options: Sendable {
        package var address: HTTPAddress
        /// POST, PUT or PATCH.
        package var method = "POST"
        /// Sent with every request; a `Content-Type` among them stands for that of the body.
        package var headers: [(name: String, value: String)] = []
        package var body = HTTPBody.lines
        /// Rows of a request, at most, and their bytes, unless one row alone has more.
        package var rowsMax = 10_000
        package var bytesMax = 1 << 20
        /// From the start of a request to the end of its answer.
        package var timeoutMilliseconds = 30_000
        package var firstPauseMilliseconds = 100
        package var longestPauseMilliseconds = 10_000
        package var tls = HTTPTLS()
        /// The directory of the log for rows that are refused; without one they end the run.
        package var refused: String?
        /// Decides the random part of pauses.
        package var seed: UInt64 = 0

        package init(_ address: HTTPAddress) { self.address = address }
    }

    private let options: Options
    private let fileSystem: any FileSystem
    private let notice: @Sendable (String) -> Void
    private let wait: TargetWait
    private let refusedRows: RefusedRows?
    private let headers: HTTPHeaders
    private var backoff: Backoff
    private var client: HTTPClient?

    private static let connectMillisecondsMax = 10_000
    /// A server that asks for more time than this does not get it.
    private static let retryAfterSecondsMax = 300

    /// A sink; `notice` is told when the server does not take rows.
    package init(
        _ options: Options, fileSystem: any FileSystem, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.fileSystem = fileSystem
        self.notice = notice
        wait = TargetWait(options.address.shown, clock: clock)
        refusedRows = options.refused.map {
            RefusedRows($0, fileSystem: fileSystem, clock: clock)
        }
        var headers = HTTPHeaders([
            ("User-Agent", "weir"), ("Content-Type", options.body.contentType),
        ])
        for header in options.headers {
            headers.replaceOrAdd(name: header.name, value: header.value)
        }
        self.headers = headers
        backoff = Backoff(
            firstMilliseconds: options.firstPauseMilliseconds,
            longestMilliseconds: options.longestPauseMilliseconds, seed: options.seed)
    }

    deinit { try? client?.syncShutdown() }

    package func open() throws {
        guard client == nil else { return }
        let timeout = Int64(options.timeoutMilliseconds)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(
                connect: .milliseconds(min(timeout, Int64(Self.connectMillisecondsMax)))))
        // Tries are counted, spaced and told of here.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        if options.address.isEncrypted {
            configuration.tlsConfiguration = try options.tls.configuration(fileSystem)
        }
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration)
    }

    package func write(_ parts: [EncodedPart]) throws {
        var rows: [SlabSlice] = []
        var byteCount = 0
        let rowsMax = options.body == .row ? 1 : options.rowsMax
        for part in parts {
            for row in HTTPBody.rows(of: part.slab, byteCount: part.byteCount) {
                if rows.count == rowsMax
                    || (!rows.isEmpty && byteCount + row.byteCount > options.bytesMax)
                {
                    try send(rows[...])
                    rows = []
                    byteCount = 0
                }
                rows.append(row)
                byteCount += row.byteCount + 1
            }
        }
        if !rows.isEmpty { try send(rows[...]) }
    }

    /// Sends rows until the server has taken or refused each.
    private func send(_ rows: ArraySlice<SlabSlice>) throws {
        let body = options.body.bytes(rows)
        while true {
            let cause: String
            var pauseMin = 0
            switch try exchange(body) {
            case .failure(let error): cause = NetworkError.cause(error)
            case .success(let answer):
                switch answer.verdict {
                case .taken: return backoff.reset()
                case .refused:
                    backoff.reset()
                    return try divide(rows, answer)
                case .later:
                    cause = "it answered \(answer.description)"
                    pauseMin = min(answer.retryAfter ?? 0, Self.retryAfterSecondsMax) * 1000
                }
            }
            let pause = max(backoff.take(), pauseMin)
            notice("cannot send to \(options.address.shown): \(cause); again in \(pause) ms")
            try wait.pause(milliseconds: pause)
        }
    }

    /// Sends the halves of what was refused, or sets a row apart that was refused by itself.
    private func divide(_ rows: ArraySlice<SlabSlice>, _ answer: HTTPAnswer) throws {
        guard rows.count < 2 else {
            let middle = rows.startIndex + rows.count / 2
            try send(rows[..<middle])
            return try send(rows[middle...])
        }
        let url = options.address.shown
        guard let row = rows.first, let refusedRows else {
            throw NetworkError(
                operation: "send to", address: url,
                cause: "it refused a row: \(answer.description)",
                advice: "to go on without such rows, keep them with 'refused: PATH'")
        }
        try refusedRows.add(row, answer, url: url)
        let count = refusedRows.count
        // Told of less and less often.
        if count & (count - 1) == 0 {
            notice(
                "\(url) refused a row, \(count) so far: \(answer.description); they are in "
                    + "\(options.refused ?? "")")
        }
    }

    /// Sends one request, and waits for the answer.
    private func exchange(_ body: ByteBuffer) throws -> Result<HTTPAnswer, any Error> {
        guard let client else { return .failure(HTTPClientError.alreadyShutdown) }
        let request = try HTTPClient.Request(
            url: options.address.url, method: HTTPMethod(rawValue: options.method),
            headers: headers, body: .byteBuffer(body))
        let task = client.execute(
            request: request, delegate: HTTPAnswerReader(),
            deadline: .now() + .milliseconds(Int64(options.timeoutMilliseconds)))
        do {
            return try wait.result(of: task.futureResult)
        } catch {
            task.cancel()
            throw error
        }
    }

    package func flush() throws {}

    package func close() throws {
        defer { client = nil }
        try client?.syncShutdown()
        try refusedRows?.close()
    }

    package func interrupt() { wait.interrupt() }
}
