package import Dataflow
package import Storage

/// A queue between the pipeline and a target that may be away: writes and checkpoints do not wait
/// for it.
///
/// Work of its own hands rows to the target, at least once and in order. What the target has
/// not taken stands in memory, and beyond a limit in a log on disk; a write waits only while that
/// log is at its quota. With a checkpoint all that was not taken goes to the log, so that a later
/// run can send it again.
package final class QueuedSink: SinkWriter {
    /// Where the queue is, and how much it takes.
    package struct Options: Sendable {
        package var directory: String
        /// How the log is kept; it has one partition.
        package var log = LogOptions()
        package var memoryBytesMax = 8 << 20
        /// Bytes that are sent at once, about: a target far away answers once for all of them.
        package var sendBytesMax = 4 << 20

        package init(directory: String) {
            self.directory = directory
            log.sync = .os
        }
    }

    private let target: any SinkWriter
    /// What the target is called in messages.
    private let name: String
    private let options: Options
    private let fileSystem: any FileSystem
    private let work: any SideWork
    private var isWorking = false
    private var writer: LogWriter?
    private var queue: SinkQueue?
    private let interruption = Interruption()
    private let haste = Interruption()

    private static let version: UInt8 = 1

    package init(
        _ target: any SinkWriter, name: String, _ options: Options, fileSystem: any FileSystem,
        work: any SideWork = ThreadWork()
    ) {
        self.work = work
        self.target = target
        self.name = name
        self.options = options
        self.fileSystem = fileSystem
    }

    /// What an earlier run left belongs to output that is made anew.
    package func open() throws {
        let writer = try openWriter()
        let mark = writer.mark.partitions[0]
        if mark.end.offset > mark.start { try writer.trim(0, to: mark.end.offset) }
        try start(writer, sent: mark.end.offset)
    }

    /// Goes on with what was not taken when the checkpoint was made.
    package func resume(_ own: [UInt8], epoch: Int) throws {
        try resume(own, epoch: epoch, .all)
    }

    /// Goes on with what is whole of it.
    package func beginAnew(_ own: [UInt8], epoch: Int) throws {
        try resume(own, epoch: epoch, .whatIsWhole)
    }

    private func resume(
        _ own: [UInt8], epoch: Int, _ restoring: LogWriter.Restoring
    ) throws {
        guard !own.isEmpty else { return try open() }
        let writer = try openWriter()
        var reader = ByteReader(own)
        guard try reader.integer(UInt8.self) == Self.version else {
            throw ByteReader.Damage(cause: "the version of a queue's place is not known here")
        }
        let sent = try reader.integer(Int64.self)
        let ends = try LogPlaces(decoding: try reader.countedArray())
        let mark = writer.mark.partitions[0]
        guard let place = ends.partitions.first, place.offset >= mark.start, sent < place.offset
        else {
            // All that the checkpoint knew of was taken, and what came later is made anew.
            return try open()
        }
        try writer.restore(to: ends, epoch: UInt64(epoch), restoring)
        let end = writer.mark.partitions[0].end.offset
        let next = min(max(sent, mark.start), end)
        if restoring == .all { try check(next..<end) }
        try start(writer, sent: next)
    }

    /// Throws where rows that wait are damaged: the sender would step over them.
    private func check(_ offsets: Range<Int64>) throws(StorageError) {
        guard !offsets.isEmpty else { return }
        do throws(StorageError) {
            _ = try LogView(options.directory, fileSystem: fileSystem).excerpt(offsets)
        } catch {
            throw StorageError(
                error.kind, operation: "restore", path: error.path, offset: error.offset,
                cause: "rows that wait for \(name) are damaged: \(error.cause)",
                advice: "put it back, or begin anew with --allow-reset and the sink's name")
        }
    }

    private func openWriter() throws -> LogWriter {
        if let writer { return writer }
        try LogWriter.prepare(options.directory, options: options.log, fileSystem: fileSystem)
        // Who appends waits by itself, and never with the log's locks.
        let made = try LogWriter(options.directory, fileSystem: fileSystem.impatient)
        writer = made
        return made
    }

    private func start(_ writer: LogWriter, sent: Int64) throws {
        try target.open()
        let queue = SinkQueue(writer, sent: sent, options, work: work)
        self.queue = queue
        interruption.set { queue.interrupt() }
        haste.set { queue.hurry() }
        let view = try LogView(options.directory, fileSystem: fileSystem)
        let sender = QueueSender(target, queue: queue, view: view, work: work)
        let handed = Handover(sender: sender)
        work.start { handed.sender.goOn() }
        isWorking = true
    }

    /// Carries the sender to its work.
    private struct Handover: @unchecked Sendable {
        // Sendable: from here on only that work uses the sender and the target, until it
        // is joined; interrupts of a target may come from anywhere.
        let sender: QueueSender
    }

    package func watch(_ wake: @escaping @Sendable () -> Void) { queue?.watch(wake) }

    package func check() throws { try queue?.check() }

    package func write(_ parts: [EncodedPart]) throws { try queue?.add(parts, target: name) }

    package func flush() throws {}

    /// Waits until the target has taken everything, or the run is told to stop.
    package func close() throws {
        guard let queue else { return }
        var failure: (any Error)?
        do {
            try queue.drain(target: name)
        } catch {
            failure = error
            if error is OutputLeft { target.interrupt() }
        }
        try finish(queue, failure)
    }

    package func hurry() { haste.interrupt() }

    /// Leaves what the target has not taken to the next run; throws why sending had failed.
    package func leave() throws {
        guard let queue else { return }
        let failure = queue.failure
        target.interrupt()
        try finish(queue, nil)
        if let failure { throw failure }
    }

    private func finish(_ queue: SinkQueue, _ failure: (any Error)?) throws {
        queue.close()
        if isWorking { work.join() }
        isWorking = false
        self.queue = nil
        if failure == nil { try queue.trim() }
        defer { writer = nil }
        try target.close()
        try writer?.close()
        if let failure { throw failure }
    }

    package func interrupt() {
        interruption.interrupt()
        target.interrupt()
    }

    // MARK: Checkpoints

    package var waitingLog: String? { options.directory }

    package func stage(for epoch: Int) throws -> StagedOutput {
        var staged = StagedOutput()
        guard let queue, let writer else { return staged }
        try queue.spill(target: name)
        let standing = queue.standing
        var own = ByteWriter()
        own.append(Self.version)
        own.append(standing.sent)
        own.append(counted: writer.ends.encoded)
        staged.own = own.bytes
        // What was taken needs no log.
        if !standing.isDrained {
            staged.sync = { try writer.sync() }
            staged.byteCount = writer.byteCount
            staged.waiting = WaitingRows(
                in: options.directory, standing.sent..<writer.ends.partitions[0].offset)
        }
        staged.commit = { try queue.trim() }
        return staged
    }
}
