import NIOCore
import Storage
import Synchronization

/// What the server of a connection has said.
final class Answers: Sendable {
    struct State {
        /// The number of lines that are safe.
        var count = 0
        var hasEnded = false
    }

    let state = Mutex(State())
}

/// Reads the answers of a server, a decimal number a line; on the connection's event loop.
final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answers: Answers
    private let waker: Waker
    private var number = 0

    /// Numbers beyond this are none.
    private static let numberMax = 1 << 60

    init(_ answers: Answers, waker: Waker) {
        self.answers = answers
        self.waker = waker
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var last: Int?
        for byte in unwrapInboundIn(data).readableBytesView {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = min(number * 10 + Int(byte) - 0x30, Self.numberMax)
            case UInt8(ascii: "\n"):
                last = number
                number = 0
            default: number = 0
            }
        }
        guard let last else { return }
        answers.state.withLock { $0.count = last }
        waker.wake()
    }

    func channelInactive(context: ChannelHandlerContext) {
        answers.state.withLock { $0.hasEnded = true }
        waker.wake()
    }
}
