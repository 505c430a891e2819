import Dataflow
import Synchronization

/// The right of a chunk to be under way: taken when it is numbered, given back when all is done
/// that it caused.
///
/// The number of tickets out is bounded, and with it everything else: messages, held batches,
/// encoded output. Sends therefore never wait.
final class Ticket: Sendable {
    let chunk: Chunk
    /// Bytes it stands for in the budget.
    let byteCount: Int
    private let remaining: Atomic<Int>

    init(_ chunk: Chunk, byteCount: Int, completions: Int) {
        self.chunk = chunk
        self.byteCount = byteCount
        remaining = Atomic(completions)
    }

    /// Notes that one of the things the ticket waits for is done; gives whether it was the last.
    func complete() -> Bool {
        remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
