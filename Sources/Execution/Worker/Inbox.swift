import Dataflow
import Synchronization

/// Rows that cross an exchange: all of one chunk's from one worker to another.
struct ExchangeMessage: Sendable {
    /// The task that receives.
    let task: Int
    /// The worker that sends.
    let sender: Int
    let ticket: Ticket
    let batches: [Batch]
    /// The watermark behind the chunk, as the sender's shard has it.
    let watermark: Int64
}

/// Where others leave what is for a worker: numbered chunks and exchanged rows.
///
/// Unbounded by itself; the tickets bound it.
final class Inbox: Sendable {
    private struct State {
        var marks: [Mark] = []
        var messages: [ExchangeMessage] = []
    }

    private let state = Mutex(State())
    let parker = Parker()

    /// Tells of a numbered chunk, or of a barrier; called in the order of the world.
    func expect(_ mark: Mark) {
        state.withLock { $0.marks.append(mark) }
        parker.wake()
    }

    func send(_ message: ExchangeMessage) {
        state.withLock { $0.messages.append(message) }
        parker.wake()
    }

    /// Takes everything out.
    func take() -> (marks: [Mark], messages: [ExchangeMessage]) {
        state.withLock { state in
            let taken = (state.marks, state.messages)
            state.marks = []
            state.messages = []
            return taken
        }
    }
}
