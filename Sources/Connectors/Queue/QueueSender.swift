import Dataflow
import Storage
import Synchronization

/// Hands what is in a queue to its target; as work of its own.
final class QueueSender {
    private let target: any SinkWriter
    private let queue: SinkQueue
    private let view: LogView
    private let work: any SideWork
    private var reader: LogReader?

    private static let waitMilliseconds = 1000

    init(_ target: any SinkWriter, queue: SinkQueue, view: LogView, work: any SideWork) {
        self.work = work
        self.target = target
        self.queue = queue
        self.view = view
    }

    /// Sends what is next; says whether there may be more: until the queue is closed, or a failure.
    func goOn() -> Bool {
        do {
            switch queue.next() {
            case nil: return false
            case .nothing:
                work.wait(for: queue.sender, milliseconds: Self.waitMilliseconds)
            case .memory(let parts):
                try target.write(parts)
                queue.finishMemory()
            case .disk:
                try sendFromDisk()
            }
            return true
        } catch {
            queue.fail(error)
            return false
        }
    }

    private func sendFromDisk() throws {
        let sent = queue.standing.sent
        if reader?.nextOffset != sent {
            // What is behind the start was trimmed, for it was taken.
            reader = try LogReader(view, partition: 0, from: .offset(sent))
        }
        var parts: [EncodedPart] = []
        var byteCount = 0
        var end = sent
        while byteCount < queue.sendBytesMax, let batch = try reader?.next() {
            var records = batch.records
            while let record = try records.next() {
                guard let value = record.value else { continue }
                parts.append(Self.part(batch.slice(value)))
                byteCount += value.count
            }
            end = batch.header.endOffset
        }
        // Where there was nothing, damage up to the end is all there was.
        if end == sent { end = reader?.nextOffset ?? sent }
        if !parts.isEmpty { try target.write(parts) }
        queue.finishDisk(upTo: end)
    }

    /// The bytes of a record as a part, which begins where its slab does.
    private static func part(_ slice: SlabSlice) -> EncodedPart {
        let slab = Slab(byteCount: max(slice.byteCount, 1))
        slab.copy(slice, to: 0)
        return EncodedPart(target: "", slab: slab, byteCount: slice.byteCount, rowCount: 0)
    }
}

/// Ends the waits of a queue, from any thread, as soon as there is one.
final class Interruption: Sendable {
    private struct State {
        var isInterrupted = false
        var body: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    func set(_ body: @escaping @Sendable () -> Void) {
        let isInterrupted = state.withLock { state in
            state.body = body
            return state.isInterrupted
        }
        if isInterrupted { body() }
    }

    func interrupt() {
        let body = state.withLock { state in
            state.isInterrupted = true
            return state.body
        }
        body?()
    }
}
