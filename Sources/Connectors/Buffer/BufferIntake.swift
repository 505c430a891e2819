package import Dataflow
import Storage
import Synchronization

/// Carries what a source reads into its buffer: the writing side, with work of its own.
///
/// What was at hand is appended together and committed once. Only then do the senders hear of it,
/// as far as the log's options call it durable. While the log is full, nothing is read, and the
/// senders wait.
final class BufferIntake {
    /// What both sides of a buffer know.
    final class Shared: Sendable {
        struct State {
            /// Whether the source has ended, and all it gave is in the log.
            var hasEnded = false
            var isWaitingForRoom = false
            var isStopping = false
            var failure: (any Error)?
        }

        let state = Mutex(State())
        /// Ends the wait of the reading side.
        let reader = Waker()
        /// Ends a wait for room.
        let room = Waker()
    }

    private let source: any Source
    private let writer: LogWriter
    private let clock: EngineClock
    private let notice: @Sendable (String) -> Void
    private let chunkBytes: Int
    private let shared: Shared
    private let work: any SideWork
    /// Whether the log has records of another run, which end here.
    private var isLater: Bool
    private let batch = LogBatchBuilder()
    /// Results of the source that are in the log up to an offset, and not told to be safe.
    private var untold: [(end: Int64, count: Int)] = []
    /// Results of the source that are in the log or in the batch.
    private var taken = 0
    private var hasEnded = false

    /// Bytes that are gathered before they are committed.
    private static let gatherBytesMax = 4 << 20
    /// Small reads share a batch up to so many bytes.
    private let batchBytesMax: Int
    /// The shares of a quota that a batch and a read may have, so that room comes in time.
    private static let sharesOfQuota = 8
    private static let waitMilliseconds = 100

    init(
        _ source: any Source, into writer: LogWriter, isLater: Bool, chunkBytes: Int,
        clock: EngineClock, shared: Shared, work: any SideWork,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.isLater = isLater
        self.work = work
        self.source = source
        self.writer = writer
        let share = (writer.options.quota ?? .max) / Self.sharesOfQuota
        self.chunkBytes = min(chunkBytes, share)
        batchBytesMax = min(64 << 10, share)
        self.clock = clock
        self.shared = shared
        self.notice = notice
    }

    /// Goes on by a step; says whether there is another one: until the source ends, a failure, or
    /// a stop.
    func goOn() -> Bool {
        do {
            if isLater {
                isLater = false
                add(BufferEntry(), value: nil)
                try append()
            }
            if !shared.state.withLock({ $0.isStopping }) && !hasEnded {
                try step(waitMilliseconds: Self.waitMilliseconds)
                return true
            }
            // A source that was stopped is durable as far as it was read.
            try writer.sync()
            tell()
            if hasEnded { shared.state.withLock { $0.hasEnded = true } }
        } catch is Stopped {
            // What the log had no room for was never called safe.
        } catch {
            shared.state.withLock { $0.failure = error }
        }
        shared.reader.wake()
        return false
    }

    /// Takes in what is there, waiting for it a little.
    private func step(waitMilliseconds: Int) throws {
        var byteCount = 0
        var wait = waitMilliseconds
        gathering: while byteCount < Self.gatherBytesMax {
            switch try source.read(byteCount: chunkBytes, waitMilliseconds: wait) {
            case .chunk(let chunk):
                let value = SlabSlice(chunk.slab, chunk.range)
                if batch.byteCount + value.byteCount > batchBytesMax { try append() }
                add(BufferEntry(.records, chunk), value: value)
                taken += 1
                byteCount += value.byteCount
            case .rejected(let records):
                for record in records {
                    var entry = BufferEntry()
                    entry.kind = .rejected
                    entry.place = record.place
                    add(entry, value: BufferEntry.value(of: record))
                }
                taken += 1
            case .nothing, .held:
                break gathering
            case .end:
                hasEnded = true
                break gathering
            }
            wait = 0
            if batch.byteCount > batchBytesMax { try append() }
        }
        if try append() || byteCount > 0 {
            try whenThereIsRoom { () throws(StorageError) in try writer.commit() }
            shared.reader.wake()
        }
        try whenThereIsRoom { () throws(StorageError) in try writer.tick() }
        tell()
    }

    private func add(_ entry: BufferEntry, value: SlabSlice?) {
        batch.add(key: entry.key, value: value, timestamp: clock.wallMicroseconds())
    }

    /// Appends the batch, waiting while the log has no room; says whether there was one.
    @discardableResult
    private func append() throws -> Bool {
        guard batch.recordCount > 0 else { return false }
        try whenThereIsRoom { () throws(StorageError) in
            let offsets = try writer.append(batch, to: 0)
            batch.reset()
            note(offsets.upperBound)
        }
        return true
    }

    /// The run was stopped while the log had no room.
    private struct Stopped: Error {}

    /// Tries until there is room for it, or a stop.
    private func whenThereIsRoom(_ body: () throws(StorageError) -> Void) throws {
        var isFirst = true
        while true {
            do throws(StorageError) {
                try body()
                break
            } catch {
                guard error.kind == .noSpace || error.kind == .quotaExceeded else { throw error }
                if isFirst { notice("\(error); its senders wait") }
                isFirst = false
                try waitForRoom()
                if shared.state.withLock({ $0.isStopping }) { throw Stopped() }
            }
        }
        if !isFirst { notice("the buffer \(writer.directory) has room again") }
    }

    private func note(_ end: Int64) {
        if source is any AcknowledgingSource { untold.append((end, taken)) }
    }

    /// What is in the log counts meanwhile: only when it has been processed does it make room.
    private func waitForRoom() throws {
        do throws(StorageError) {
            try writer.commit()
        } catch {
            guard error.kind == .noSpace || error.kind == .quotaExceeded else { throw error }
        }
        tell()
        shared.state.withLock { $0.isWaitingForRoom = true }
        shared.reader.wake()
        let goesOn = work.wait(for: shared.room, milliseconds: Self.waitMilliseconds)
        shared.state.withLock { $0.isWaitingForRoom = false }
        if !goesOn { throw Stopped() }
    }

    /// Tells senders what of theirs is safe.
    private func tell() {
        guard let source = source as? any AcknowledgingSource else { return }
        let mark = writer.mark.partitions[0]
        let safe = writer.options.sync == .os ? mark.end.offset : mark.synced
        let count = untold.prefix { $0.end <= safe }.count
        let told = untold.prefix(count).last?.count
        untold.removeFirst(count)
        if untold.isEmpty && batch.recordCount == 0 {
            // Connections that ended have nothing behind.
            source.acknowledge(upTo: taken)
        } else if let told {
            source.acknowledge(upTo: told)
        }
    }
}

/// A source whose senders hear what of theirs is safe. Used by one thread at a time.
package protocol AcknowledgingSource: Source {
    /// Tells the senders that the records of the first `count` results are safe: the chunks and
    /// rejections that `read` has given.
    func acknowledge(upTo count: Int)
}
