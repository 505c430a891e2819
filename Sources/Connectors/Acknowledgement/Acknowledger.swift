import NIOCore
import Synchronization

/// Tells the sender at the other end of a connection how many of its records are safe.
///
///     acknowledgement = count of records since the connection began, in decimal digits | \n
///
/// One at a time is under way, so a sender that does not read them holds nothing up: the next one
/// has the count of then. Behind the last one the connection is closed.
final class Acknowledger: Sendable {
    private struct State {
        var count = 0
        var told = 0
        var isWriting = false
        /// Whether no records come any more.
        var isLast = false
        var isClosed = false
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) { self.channel = channel }

    /// So many more records are safe.
    func add(_ count: Int) {
        state.withLock { $0.count += count }
        tell()
    }

    /// All records that were sent are safe, and no more come.
    func finish() {
        state.withLock { $0.isLast = true }
        tell()
    }

    private enum Action {
        case nothing
        case tell(Int)
        case close
    }

    private func tell() {
        let action = state.withLock { state -> Action in
            guard !state.isWriting, !state.isClosed else { return .nothing }
            if state.told < state.count {
                state.told = state.count
                state.isWriting = true
                return .tell(state.count)
            }
            guard state.isLast else { return .nothing }
            state.isClosed = true
            return .close
        }
        switch action {
        case .nothing: break
        case .tell(let count):
            let buffer = ByteBuffer(string: "\(count)\n")
            channel.writeAndFlush(buffer).whenComplete { [self] result in
                state.withLock { state in
                    state.isWriting = false
                    if case .failure = result { state.isClosed = true }
                }
                tell()
            }
        case .close: channel.close(promise: nil)
        }
    }
}

/// What a connection hears when the results before it are safe.
struct Receipt {
    let acknowledger: Acknowledger
    /// Records; nil for the end of the connection.
    let count: Int?
}
