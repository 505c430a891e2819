import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Storage
import Synchronization

/// A request that a server was sent.
package struct TestRequest: Sendable {
    package var method = ""
    package var uri = ""
    /// Names in lower case.
    package var headers: [String: String] = [:]
    package var body = ""
}

/// What a server does with a request.
package enum TestAnswer: Sendable {
    case status(Int, headers: [String: String] = [:], body: String = "")
    /// Closes the connection without an answer.
    case close
    /// Never answers.
    case silence
}

/// An HTTP server of this machine that answers as a closure says; it notes what it was sent.
package final class TestHTTPServer: Sendable {
    private let channel: any Channel
    private let noted: NotedRequests

    /// Listens on a port, or one that the system chooses; encrypted, it asks who its clients are.
    package init(
        port: Int = 0, isEncrypted: Bool = false,
        answer: @escaping @Sendable (TestRequest) -> TestAnswer
    ) throws {
        let noted = NotedRequests()
        self.noted = noted
        let tls = isEncrypted ? try Self.makeContext() : nil
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(AnsweringHandler(noted: noted, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: port).wait()
    }

    private static func makeContext() throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMBytes(
            Array(TestCertificate.certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.key.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(certificates)
        return try NIOSSLContext(configuration: configuration)
    }

    package var port: Int { channel.localAddress?.port ?? 0 }

    /// What it was sent so far, in order.
    package var requests: [TestRequest] { noted.requests.withLock { $0 } }

    /// Waits until there is a request, of this number.
    package func waitForRequest(_ count: Int = 1) {
        while requests.count < count { SystemTime.sleep(nanoseconds: 1_000_000) }
    }

    /// Listens no more; connections go on.
    package func stop() throws { try channel.close().wait() }
}

private final class NotedRequests: Sendable {
    let requests = Mutex<[TestRequest]>([])
}

/// Puts requests together, and answers; on the connection's event loop.
private final class AnsweringHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let noted: NotedRequests
    private let answer: @Sendable (TestRequest) -> TestAnswer
    private var request = TestRequest()

    init(noted: NotedRequests, answer: @escaping @Sendable (TestRequest) -> TestAnswer) {
        self.noted = noted
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = TestRequest(method: head.method.rawValue, uri: head.uri)
            for header in head.headers { request.headers[header.name.lowercased()] = header.value }
        case .body(let bytes): request.body += String(buffer: bytes)
        case .end:
            let request = request
            noted.requests.withLock { $0.append(request) }
            reply(answer(request), context)
        }
    }

    private func reply(_ answer: TestAnswer, _ context: ChannelHandlerContext) {
        switch answer {
        case .silence: break
        case .close: context.close(promise: nil)
        case .status(let code, let headers, let body):
            var head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: code))
            for (name, value) in headers { head.headers.add(name: name, value: value) }
            head.headers.add(name: "Content-Length", value: "\(body.utf8.count)")
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(
                wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
