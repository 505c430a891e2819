import Dataflow
import Storage
import Synchronization

/// What a sink was given and its target has not taken: in memory, and beyond a limit, or at a
/// checkpoint, in a log on disk. What is on disk is older than what is in memory.
///
/// One thread adds and stages, and other work sends; each part is handed out once, in order.
final class SinkQueue: Sendable {
    /// What is to be sent next.
    enum Next {
        case memory([EncodedPart])
        /// From the log, at its offset `sent`.
        case disk
        case nothing
    }

    private struct State {
        var memory: [EncodedPart] = []
        var memoryBytes = 0
        /// Parts of the memory that are being sent.
        var flying: [EncodedPart] = []
        /// Where parts that are being sent end in the log, once they are there too.
        var flyingEnd: Int64?
        /// What stands before it in the log was taken by the target.
        var sent: Int64 = 0
        var end: Int64 = 0
        var isClosing = false
        var isInterrupted = false
        /// Whether what is not taken may be left.
        var isHurried = false
        var failure: (any Error)?
        var wakeOwner: @Sendable () -> Void = {}
    }

    private let writer: LogWriter
    private let memoryBytesMax: Int
    /// Bytes that are sent at once, about.
    let sendBytesMax: Int
    private let work: any SideWork
    private let state = Mutex(State())
    /// Ends the wait of the sending thread.
    let sender = Waker()
    /// Ends a wait for room, or for the end.
    let progress = Waker()

    /// Bytes of a record of the log, about, and of a batch.
    private static let recordBytesMax = 1 << 20
    private static let waitMilliseconds = 100

    /// A queue over a log of which the records from `sent` on are to be sent first.
    init(
        _ writer: LogWriter, sent: Int64, _ options: QueuedSink.Options, work: any SideWork
    ) {
        self.writer = writer
        self.work = work
        memoryBytesMax = options.memoryBytesMax
        sendBytesMax = max(options.sendBytesMax, 1)
        state.withLock { state in
            state.sent = sent
            state.end = writer.ends.partitions[0].offset
        }
    }

    // MARK: The adding side

    /// Adds parts; waits only while the log is full.
    func add(_ parts: [EncodedPart], target: String) throws {
        try check()
        let isFull = state.withLock { state in
            for part in parts where part.byteCount > 0 {
                state.memory.append(part)
                state.memoryBytes += part.byteCount
            }
            return state.memoryBytes > memoryBytesMax
        }
        sender.wake()
        if isFull { try spill(target: target) }
    }

    /// Is given what wakes the adding side when sending has failed.
    func watch(_ wake: @escaping @Sendable () -> Void) {
        let hasFailed = state.withLock { state in
            state.wakeOwner = wake
            return state.failure != nil
        }
        if hasFailed { wake() }
    }

    /// Why sending has failed; nil if it has not.
    var failure: (any Error)? { state.withLock { $0.failure } }

    /// Throws why sending has failed.
    func check() throws {
        if let failure { throw failure }
    }

    /// Moves all that is in memory to the log, behind what is there.
    ///
    /// Parts that are being sent are copied: the log then has all that was not taken.
    func spill(target: String) throws {
        let (flying, memory) = state.withLock { state in
            let flying = state.flyingEnd == nil ? state.flying : []
            defer {
                state.memory = []
                state.memoryBytes = 0
            }
            return (flying, state.memory)
        }
        if flying.isEmpty && memory.isEmpty { return }
        do {
            for part in flying { try append(part, target: target) }
            if !flying.isEmpty {
                let end = writer.ends.partitions[0].offset
                state.withLock { state in
                    // They may have been taken meanwhile.
                    if state.flying.isEmpty { state.sent = end } else { state.flyingEnd = end }
                }
            }
            for part in memory { try append(part, target: target) }
            try writer.commit()
        } catch {
            // What was not appended must not be lost for a checkpoint that is tried again.
            state.withLock { $0.failure = error }
            throw error
        }
        state.withLock { $0.end = writer.ends.partitions[0].offset }
        sender.wake()
    }

    private func append(_ part: EncodedPart, target: String) throws {
        let bytes = part.slab.bytes(0..<part.byteCount)
        var start = 0
        while start < part.byteCount {
            var end = min(start + Self.recordBytesMax, part.byteCount)
            if end < part.byteCount {
                let newline = UInt8(ascii: "\n")
                let last = ByteScan.last(newline, in: bytes, start..<end)
                let next = ByteScan.first(newline, in: bytes, end..<part.byteCount)
                end = (last ?? next ?? part.byteCount - 1) + 1
            }
            let batch = LogBatchBuilder()
            batch.add(SlabSlice(part.slab, start..<end), timestamp: 0)
            try append(batch, target: target)
            start = end
        }
    }

    private func append(_ batch: LogBatchBuilder, target: String) throws {
        while true {
            let refusal: StorageError
            do throws(StorageError) {
                _ = try writer.append(batch, to: 0)
                return
            } catch {
                guard error.kind == .noSpace || error.kind == .quotaExceeded else { throw error }
                refusal = error
            }
            let (sent, isInterrupted, failure) = state.withLock {
                ($0.sent, $0.isInterrupted, $0.failure)
            }
            if let failure { throw failure }
            if isInterrupted { throw SinkInterrupted(target: target) }
            if refusal.kind == .quotaExceeded, sent == writer.ends.partitions[0].offset {
                // All is taken, and only the segment that is open holds room.
                try writer.startSegment(0)
                try writer.commit()
                _ = try writer.trim(0, to: sent)
                _ = try writer.append(batch, to: 0)
                return
            }
            // What was appended so far may be sent, and what was sent makes room.
            try writer.commit()
            state.withLock { $0.end = writer.ends.partitions[0].offset }
            sender.wake()
            try trim(to: sent)
            guard work.wait(for: progress, milliseconds: Self.waitMilliseconds) else {
                throw SinkInterrupted(target: target)
            }
        }
    }

    private func trim(to sent: Int64) throws {
        if writer.hasToTrim(0, to: sent) { try writer.trim(0, to: sent) }
    }

    /// Removes from the log what was taken.
    func trim() throws { try trim(to: state.withLock { $0.sent }) }

    /// What was taken, as an offset of the log, and whether anything of the log was not.
    var standing: (sent: Int64, isDrained: Bool) {
        state.withLock { ($0.sent, $0.sent == $0.end && $0.flyingEnd == nil) }
    }

    /// Waits until all was taken.
    func drain(target: String) throws {
        while true {
            let (isDone, isHurried, isInterrupted, failure) = state.withLock { state in
                (
                    state.sent == state.end && state.memory.isEmpty && state.flying.isEmpty,
                    state.isHurried && state.memory.isEmpty, state.isInterrupted, state.failure
                )
            }
            if let failure { throw failure }
            if isDone { return }
            if isHurried { throw OutputLeft() }
            if isInterrupted { throw SinkInterrupted(target: target) }
            guard work.wait(for: progress, milliseconds: Self.waitMilliseconds) else {
                throw SinkInterrupted(target: target)
            }
        }
    }

    /// Lets the sending thread end.
    func close() {
        state.withLock { $0.isClosing = true }
        sender.wake()
    }

    /// Ends a wait for the end: the checkpoint before it has what was not taken.
    func hurry() {
        state.withLock { $0.isHurried = true }
        progress.wake()
    }

    /// Ends all waits.
    func interrupt() {
        state.withLock { $0.isInterrupted = true }
        sender.wake()
        progress.wake()
    }

    // MARK: The sending side

    /// Takes what is next; nil when there will be no more.
    func next() -> Next? {
        state.withLock { state in
            if state.isClosing || state.isInterrupted || state.failure != nil { return nil }
            if state.sent < state.end { return .disk }
            guard !state.memory.isEmpty else { return .nothing }
            var count = 0
            var byteCount = 0
            while count < state.memory.count && byteCount < sendBytesMax {
                byteCount += state.memory[count].byteCount
                count += 1
            }
            state.flying = Array(state.memory.prefix(count))
            state.memory.removeFirst(count)
            state.memoryBytes -= byteCount
            return .memory(state.flying)
        }
    }

    /// The target has taken what `next` gave of the memory.
    func finishMemory() {
        state.withLock { state in
            state.flying = []
            if let end = state.flyingEnd { state.sent = end }
            state.flyingEnd = nil
        }
        progress.wake()
    }

    /// The target has taken the log's records up to an offset.
    func finishDisk(upTo offset: Int64) {
        state.withLock { $0.sent = max($0.sent, offset) }
        progress.wake()
    }

    /// The sending thread has ended.
    func fail(_ error: any Error) {
        let wakeOwner = state.withLock { state in
            state.failure = state.failure ?? error
            return state.wakeOwner
        }
        progress.wake()
        wakeOwner()
    }
}
