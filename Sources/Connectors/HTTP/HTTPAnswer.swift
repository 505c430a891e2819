import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// What a server answered to a request.
struct HTTPAnswer: Sendable {
    /// What it says of the rows of the request.
    enum Verdict {
        /// They are there.
        case taken
        /// They may be taken later: the server, or what stands before it, is not ready for them.
        case later
        /// As they are, they will never be taken.
        case refused
    }

    var status = 0
    /// Seconds after which the server wants to be asked again.
    var retryAfter: Int?
    /// Where it says that requests should go.
    var location: String?
    /// The beginning of the answer's body.
    var text = ""

    /// Of the codes that blame the request, those stand for `later` that speak of who asks, where
    /// and how fast, rather than of the rows: a new token, or the server's own change, mends them.
    /// (RFC 9110, section 15; 425 is RFC 8470, 429 RFC 6585.)
    var verdict: Verdict {
        switch status {
        case 200...299: .taken
        case 401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 429: .later
        case 400...499: .refused
        default: .later
        }
    }

    /// What it says, for people.
    var description: String {
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        if let location, 300...399 ~= status { return "\(status) \(reason), to \(location)" }
        return "\(status)" + (reason.isEmpty ? "" : " \(reason)")
            + (text.isEmpty ? "" : ": \(text)")
    }
}

/// Takes in an answer; all but the beginning of its body is dropped.
final class HTTPAnswerReader: HTTPClientResponseDelegate, Sendable {
    typealias Response = HTTPAnswer

    private let answer = Mutex((head: HTTPAnswer(), body: ByteBuffer()))

    private static let textBytesMax = 300

    func didReceiveHead(
        task: HTTPClient.Task<HTTPAnswer>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
        answer.withLock { answer in
            answer.head.status = Int(head.status.code)
            answer.head.retryAfter = head.headers.first(name: "retry-after").flatMap { Int($0) }
            answer.head.location = head.headers.first(name: "location")
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<HTTPAnswer>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        answer.withLock { answer in
            let room = Self.textBytesMax - answer.body.readableBytes
            answer.body.writeBytes(buffer.readableBytesView.prefix(room))
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPAnswer>) -> HTTPAnswer {
        answer.withLock { answer in
            var result = answer.head
            let text = String(decoding: answer.body.readableBytesView, as: UTF8.self)
            // On one line, whatever it is.
            result.text = text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
            return result
        }
    }
}
