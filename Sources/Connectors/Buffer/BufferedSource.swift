package import Dataflow
package import Storage
import Synchronization

/// A source that cannot be read again, behind an embedded log from which it can.
///
/// Work of its own appends what the source gives to the log ("buffer"); the engine reads the
/// log. So what was appended survives a crash, and is read again from where the last checkpoint
/// stands. What all checkpoints that are kept have behind them is trimmed. The buffer grows while
/// the engine does not keep up, as far as its quota lets it; then the senders wait.
package final class BufferedSource: Source {
    /// Where the buffer is, and how it is kept.
    package struct Options: Sendable {
        package var directory: String
        /// How the log is kept; it has one partition.
        package var log = LogOptions()
        package var framing = Framing.newline
        /// Bytes that the source is asked for at once.
        package var chunkBytes = 512 << 10
        /// Whether a place that the log does not have is given up.
        package var givesUpPlace = false

        package init(directory: String) { self.directory = directory }
    }

    private let source: any Source
    private let options: Options
    private let fileSystem: any FileSystem
    /// Files whose owner waits for room on the disk.
    private let waiting: any FileSystem
    private let clock: EngineClock
    private let notice: @Sendable (String) -> Void
    private let shared = BufferIntake.Shared()
    private let work: any SideWork
    private var isWorking = false
    private var writer: LogWriter?
    private var outlet: BufferOutlet?
    private var lastTick = Int64.min

    /// Nanoseconds between two chunks without records that let checkpoints go on, so that they
    /// make room.
    private static let tickNanoseconds: Int64 = 200_000_000
    /// Bytes of a chunk, which must fit a batch of the log.
    private static let chunkBytesMax = 16 << 20

    /// The buffer of `source`, in `fileSystem`. The opening waits for room as `waiting` does; from
    /// then on the senders wait.
    package init(
        _ source: any Source, _ options: Options, fileSystem: any FileSystem,
        waiting: (any FileSystem)? = nil, clock: EngineClock,
        work: any SideWork = ThreadWork(), notice: @escaping @Sendable (String) -> Void
    ) {
        self.work = work
        self.source = source
        self.options = options
        self.fileSystem = fileSystem
        self.waiting = waiting ?? fileSystem
        self.clock = clock
        self.notice = notice
    }

    package var isBounded: Bool { source.isBounded }

    package func open() throws { try open(at: nil) }

    package func resume(at position: SourcePosition) throws { try open(at: position) }

    private func open(at position: SourcePosition?) throws {
        let place = try position.map { try goOn(from: try BufferOutlet.Place(decoding: $0)) }
        let writer = try openWriter(behind: place)
        let view = try LogView(options.directory, fileSystem: fileSystem)
        outlet = try BufferOutlet(view, framing: options.framing, at: place)
        try source.open()
        // What came before may be trimmed or gone: the connections of then are still to be ended.
        let intake = BufferIntake(
            source, into: writer,
            isLater: place != nil || writer.mark.partitions[0].end.offset > 0,
            chunkBytes: min(options.chunkBytes, Self.chunkBytesMax), clock: clock,
            shared: shared, work: work, notice: notice)
        start(intake)
    }

    /// Where the reading goes on in the log as it is now.
    private func goOn(from old: BufferOutlet.Place) throws -> BufferOutlet.Place {
        let writer = try openWriter(behind: old)
        let mark = writer.mark.partitions[0]
        var place = old
        // The log was begun anew behind that place, and no checkpoint was made since.
        if mark.start == old.beginningAnew { place.move(to: mark.start) }
        if mark.start <= place.offset && place.offset <= mark.end.offset { return place }
        let cause =
            "it has offsets from \(mark.start) up to \(mark.end.offset), and was read up to "
            + "\(old.offset)"
        guard options.givesUpPlace else {
            throw StorageError(
                .notFound, operation: "go on reading", path: options.directory, cause: cause,
                advice: "put the log's files back from a copy, or give its place up with "
                    + "--allow-reset and the source's name")
        }
        notice("the place in the buffer \(options.directory) is given up: \(cause)")
        if old.offset < mark.start {
            place.move(to: mark.start)
        } else {
            // What comes is not to get offsets that were read before.
            try writer.close()
            self.writer = nil
            try beginAnew(behind: old, fileSystem.impatient)
            place.move(to: old.beginningAnew)
        }
        return place
    }

    private func beginAnew(
        behind place: BufferOutlet.Place, _ files: any FileSystem
    ) throws(StorageError) {
        try LogWriter.rebuild(
            options.directory, from: [], end: place.beginningAnew, fileSystem: files)
    }

    /// Opens the log; where there is none, and it was read up to a place, it begins anew behind
    /// that.
    private func openWriter(behind place: BufferOutlet.Place?) throws -> LogWriter {
        if let writer { return writer }
        let clock = clock
        // Who appends waits by itself, and never with the log's locks.
        let files = fileSystem.impatient
        let made = try waiting.waitingForRoom(options.directory) { () throws(StorageError) in
            if let place, try LogWriter.isGone(options.directory, fileSystem: files) {
                try beginAnew(behind: place, files)
                notice(told(of: place))
            }
            try LogWriter.prepare(options.directory, options: options.log, fileSystem: files)
            return try LogWriter(
                options.directory, fileSystem: files,
                clock: { clock.monotonicNanoseconds() / 1000 })
        }
        for note in made.findings.notes(of: options.directory) { notice(note) }
        writer = made
        return made
    }

    /// What is to be said of a buffer that begins anew behind a place.
    private func told(of place: BufferOutlet.Place) -> String {
        if let old = place.directory, old != options.directory {
            return "the buffer \(options.directory) takes the place of \(old); what stands there "
                + "behind offset \(place.offset), if anything, is not read"
        }
        return "the buffer \(options.directory) is gone, and with it what it had behind offset "
            + "\(place.offset), if anything; it begins anew, at offset \(place.beginningAnew)"
    }

    private func start(_ intake: BufferIntake) {
        let handed = Handover(intake: intake)
        work.start { handed.intake.goOn() }
        isWorking = true
    }

    /// Carries the intake to its work.
    private struct Handover: @unchecked Sendable {
        // Sendable: from here on only that work uses the intake and the source, until it
        // is joined; interrupts of a source may come from anywhere.
        let intake: BufferIntake
    }

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        guard let outlet else { return .end }
        let deadline = clock.monotonicNanoseconds() + Int64(waitMilliseconds) * 1_000_000
        while true {
            let (hasEnded, isFull, failure) = shared.state.withLock {
                ($0.hasEnded, $0.isWaitingForRoom, $0.failure)
            }
            if let result = try outlet.next(byteCount: byteCount) { return result }
            if let failure { throw failure }
            if hasEnded { return .end }
            let now = clock.monotonicNanoseconds()
            if isFull && now >= lastTick &+ Self.tickNanoseconds {
                lastTick = now
                return .chunk(RawChunk(events: []))
            }
            let left = (deadline - now + 999_999) / 1_000_000
            if left <= 0 { return isFull ? .held : .nothing }
            if shared.reader.wait(milliseconds: Int(left)) {
                return try outlet.next(byteCount: byteCount) ?? .nothing
            }
        }
    }

    package func interrupt() { shared.reader.wake() }

    package func close() {
        if isWorking {
            shared.state.withLock { $0.isStopping = true }
            shared.room.wake()
            source.interrupt()
            work.join()
            isWorking = false
        }
        source.close()
        do {
            try writer?.close()
        } catch {
            notice("\(error)")
        }
        writer = nil
        outlet = nil
    }

    // MARK: Checkpoints

    /// What was buffered is; where that ends, nothing is known of what comes.
    package var isReplayable: Bool { false }

    package var position: SourcePosition? { outlet?.position }

    package func sync() throws { try writer?.sync() }

    package func keep(from positions: [SourcePosition], isFinished: Bool) throws {
        let places = try positions.map { try BufferOutlet.Place(decoding: $0) }
        let writer = try openWriter(behind: places.max { $0.offset < $1.offset })
        guard let least = places.map(\.offset).min(), writer.hasToTrim(0, to: least) else {
            return
        }
        try writer.trim(0, to: least)
        shared.room.wake()
    }
}

extension BufferedSource {
    /// What stands behind a position in another log than that of `directory`, and would stay there;
    /// nil where nothing does, or the log was brought to `directory`.
    package static func left(
        behind position: SourcePosition, for directory: String, fileSystem: any FileSystem
    ) -> String? {
        func mark(_ directory: String) -> LogMark.Partition? {
            try? LogView(directory, fileSystem: fileSystem).mark().partitions[0]
        }
        guard let place = try? BufferOutlet.Place(decoding: position), let old = place.directory,
            !old.isEmpty, old != directory, let end = mark(old)?.end.offset, end > place.offset
        else { return nil }
        if let new = mark(directory), new.start <= place.offset, new.end.offset >= end {
            return nil
        }
        return "what stands in the buffer \(old) from offset \(place.offset) up to \(end)"
    }
}
