package import Dataflow
package import Storage

/// Appends rows to an embedded log, a record each; made where it is absent.
///
/// Without checkpoints, what was written counts at each flush, and at the end. With checkpoints it
/// counts when its checkpoint is complete, and a restore removes what was appended later, so that
/// no row is lost or doubled. Parts that name a target are keyed: the target is the key of their
/// records, and its hash chooses the partition; all others go to partition 0.
package final class LogSink: SinkWriter {
    /// Where to, and how.
    package struct Options: Sendable {
        package var directory: String
        /// How the log is made where it is absent.
        package var log = LogOptions()
        /// Whether output counts with checkpoints alone.
        package var isStaged = false
        /// Whose rows they are.
        package let owner: LogOwner
        /// What to do when the log has committed more than the restored checkpoint knows of.
        package var ahead = StagedFileSink.Ahead.refuse
        /// What to do when another pipeline has staged output in the log.
        package var others = StagedByOthers.refused

        package init(directory: String, owner: LogOwner) {
            self.directory = directory
            self.owner = owner
        }
    }

    private let options: Options
    private let fileSystem: any FileSystem
    private let clock: EngineClock
    private let notice: @Sendable (String) -> Void
    private var writer: LogWriter?
    private var batches: [LogBatchBuilder] = []
    /// What the log had when its limits were last applied.
    private var bytesRetained = 0

    /// Bytes of records after which a batch is appended.
    private static let batchBytesMax = 1 << 20

    package init(
        _ options: Options, fileSystem: any FileSystem, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        self.fileSystem = fileSystem
        self.clock = clock
        self.notice = notice
    }

    package func open() throws { _ = try openWriter() }

    private func openWriter() throws -> LogWriter {
        if let writer { return writer }
        do throws(StorageError) {
            try LogWriter.create(
                options.directory, options: options.log, fileSystem: fileSystem)
        } catch {
            guard error.kind == .alreadyExists else { throw error }
        }
        let (clock, options) = (clock, options)
        // It waits for room without the log's locks, which whoever makes room needs.
        let made = try waitingForRoom { () throws(StorageError) in
            do throws(StorageError) {
                let made = try LogWriter(
                    options.directory, mode: options.isStaged ? .staged : .plain,
                    staged: options.others, fileSystem: fileSystem.impatient,
                    clock: { clock.monotonicNanoseconds() / 1000 })
                if options.isStaged { try made.claim(for: options.owner, options.others) }
                return made
            } catch {
                guard error.kind == .wouldLose else { throw error }
                throw StorageError(
                    error.kind, operation: error.operation, path: error.path,
                    cause: error.cause,
                    advice: "run that pipeline, or give that output up with --allow-reset "
                        + options.owner.sink)
            }
        }
        for note in made.findings.notes(of: options.directory) { notice(note) }
        batches = (0..<made.options.partitionCount).map { _ in LogBatchBuilder() }
        writer = made
        return made
    }

    package func write(_ parts: [EncodedPart]) throws {
        let writer = try openWriter()
        let now = clock.wallMicroseconds()
        for part in parts where part.byteCount > 0 {
            var partition = 0
            var key: SlabSlice?
            if !part.target.isEmpty {
                let bytes = Array(part.target.utf8)
                let slab = Slab(bytes)
                partition = Int(slab.hash(0..<bytes.count) % UInt64(batches.count))
                key = SlabSlice(slab, 0..<bytes.count)
            }
            try add(part, key, to: partition, now, writer)
        }
        // Nothing of ours waits: what was written is in the log's files.
        for partition in batches.indices { try append(partition, writer) }
    }

    /// Makes records of the lines of a part.
    private func add(
        _ part: EncodedPart, _ key: SlabSlice?, to partition: Int, _ now: Int64,
        _ writer: LogWriter
    ) throws {
        let batch = batches[partition]
        let bytes = part.slab.bytes(0..<part.byteCount)
        var start = 0
        while start < part.byteCount {
            let found = ByteScan.first(UInt8(ascii: "\n"), in: bytes, start..<part.byteCount)
            let end = found ?? part.byteCount
            let record = SlabSlice(part.slab, start..<end)
            if let key {
                batch.add(key: key, value: record, timestamp: now)
            } else {
                batch.add(record, timestamp: now)
            }
            start = end + 1
            if batch.byteCount >= Self.batchBytesMax { try append(partition, writer) }
        }
    }

    private func append(_ partition: Int, _ writer: LogWriter) throws {
        let batch = batches[partition]
        guard batch.recordCount > 0 else { return }
        _ = try waitingForRoom { () throws(StorageError) in
            try writer.append(batch, to: partition)
        }
        batch.reset()
    }

    /// Does something again and again until the disk has room for it; the log's own quota ends it.
    private func waitingForRoom<Result>(
        _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try fileSystem.waitingForRoom(options.directory) { () throws(StorageError) in
            do throws(StorageError) {
                return try body()
            } catch {
                guard error.kind == .quotaExceeded, options.log.quota != nil else { throw error }
                throw StorageError(
                    .other, operation: error.operation, path: error.path, cause: error.cause,
                    advice: error.advice)
            }
        }
    }

    package func flush() throws {
        guard !options.isStaged, let writer else { return }
        try waitingForRoom { () throws(StorageError) in try writer.commit() }
        // Nothing can go before another segment is finished.
        if writer.byteCount - bytesRetained >= writer.options.segmentBytes {
            try Self.retain(writer, clock)
            bytesRetained = writer.byteCount
        }
    }

    /// Removes the oldest segments, as far as the log's limits of size and age say.
    private static func retain(_ writer: LogWriter, _ clock: EngineClock) throws {
        guard writer.options.bytesKept != nil || writer.options.ageKept != nil else { return }
        try writer.retain(now: clock.wallMicroseconds())
    }

    package func close() throws {
        if !options.isStaged, let writer { try Self.retain(writer, clock) }
        try writer?.close()
        writer = nil
    }

    package func interrupt() {}

    // MARK: Checkpoints

    package func stage(for epoch: Int) throws -> StagedOutput {
        guard let writer, options.isStaged else {
            try flush()
            return StagedOutput()
        }
        let ends = writer.ends
        var staged = StagedOutput()
        staged.own = ends.encoded
        staged.byteCount = writer.stagedByteCount
        staged.log = options.directory
        staged.sync = { _ = try writer.stage() }
        let clock = clock
        staged.commit = {
            try writer.commit(ends, epoch: UInt64(epoch))
            try Self.retain(writer, clock)
        }
        return staged
    }

    package func resume(_ own: [UInt8], epoch: Int) throws {
        let writer = try openWriter()
        guard options.isStaged, !own.isEmpty else { return }
        let mark = writer.mark
        let ends = try LogPlaces(decoding: own)
        if mark.epoch > UInt64(epoch) {
            switch options.ahead {
            case .refuse:
                throw SinkAhead(
                    paths: [options.directory], epoch: epoch, sinkEpoch: Int(mark.epoch))
            case .rollBack: return try writer.restore(to: ends, epoch: UInt64(epoch))
            case .acceptDuplicates: break
            }
        } else if mark.epoch < UInt64(epoch) {
            try checkRoom(for: ends, behind: mark)
            return try writer.restore(to: ends, epoch: UInt64(epoch))
        }
        // It is committed, and what others have appended since is theirs.
        try writer.restore(to: mark.ends, epoch: UInt64(epoch))
    }

    /// What counts stays, and of what was staged what is whole in each partition counts, too.
    package func beginAnew(_ own: [UInt8], epoch: Int) throws {
        let writer = try openWriter()
        guard options.isStaged, !own.isEmpty, writer.mark.epoch < UInt64(epoch) else { return }
        try writer.restore(
            to: try LogPlaces(decoding: own), epoch: UInt64(epoch), .whatIsWhole)
    }

    /// Throws where rows of others stand in the place of what was staged.
    private func checkRoom(for ends: LogPlaces, behind mark: LogMark) throws {
        let pairs = zip(ends.partitions, mark.partitions)
        for (partition, (staged, marked)) in pairs.enumerated()
        where staged.offset < marked.end.offset {
            throw StorageError(
                .corrupt, operation: "restore", path: options.directory,
                cause: "the output staged for partition \(partition) up to offset "
                    + "\(staged.offset) is gone: others have appended rows up to "
                    + "\(marked.end.offset)",
                advice: "begin anew behind them with --allow-reset \(options.owner.sink)")
        }
    }

    package func lastEpoch() throws -> Int {
        guard options.isStaged,
            try fileSystem.status(of: FilePath.join(options.directory, "log.meta")) != nil
        else { return 0 }
        return Int(try LogView(options.directory, fileSystem: fileSystem).mark().epoch)
    }
}
