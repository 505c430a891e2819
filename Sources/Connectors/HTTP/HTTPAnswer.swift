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

    /// Rows are refused by the codes that speak of what is in a request. Of the others that blame
    /// it, most speak of who asks, where, how and how fast: a new token, another header or the
    /// server's own change mends that, and until then rows had better wait. (RFC 9110, section 15.)
    var verdict: Verdict {
        switch status {
        case 200...299: .taken
        case 400, 406, 409, 412, 413, 416, 422: .refused
        default: .later
        }
    }

    /// What it says, for people.
    var description: String {
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        if let location, 300...399 ~= status {
            let place = (try? HTTPAddress(location))?.shown ?? "another path"
            return "\(status) \(reason), to \(place)"
        }
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
            answer.head.retryAfter = head.headers.first(name: "retry-after")
                .flatMap { Int($0.filter { $0 != " " }) }
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

    func didFinishRequest(task: HTTPClient.Task<HTTPAnswer>) -> HTTPAnswer { soFar }

    /// What has come of the answer; the status is 0 until its head is there.
    var soFar: HTTPAnswer {
        answer.withLock { answer in
            var result = answer.head
            // On one line, and nothing that a terminal would act on.
            let text = String(decoding: answer.body.readableBytesView, as: UTF8.self)
            let plain = text.unicodeScalars.map {
                $0.properties.generalCategory == .control ? " " : Character($0)
            }
            result.text = String(plain).split(separator: " ").joined(separator: " ")
            return result
        }
    }
}
