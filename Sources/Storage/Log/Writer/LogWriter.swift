import Synchronization

/// The one writer of a log; any thread may append and commit.
///
/// What is appended is in the log's files at once, and counts from the next commit on: readers stop
/// at the commit mark. Commits of several threads share a sync ("group commit"): while one syncs,
/// the others append and wait, and the next one to sync does it for all of them.
package final class LogWriter: Sendable {
    /// What a writer does with what it appends.
    package enum Mode: Sendable {
        /// `commit()` makes all count that was appended, and so does closing.
        case plain
        /// Only `commit(_:epoch:)` makes anything count; what a run before left behind the mark
        /// waits for `restore(to:epoch:)`, or goes with the first append.
        case staged
    }

    struct State: Sendable {
        var partitions: [LogPartitionWriter]
        var mark: LogMark
        /// One more with each append.
        var appended: UInt64 = 0
        var lastSync: Int64
        /// A sync that failed: what the files hold is unknown from then on.
        var failure: StorageError?
        /// Whether what lies behind the mark was neither taken in nor removed yet.
        var hasOpenTail: Bool
        var findings: LogFindings
        /// Held as long as the writer is open.
        var lock: (any File)?

        /// Notes that a sync failed; gives the error. Room on the disk does not mend it.
        mutating func fail(_ error: StorageError) -> StorageError {
            let lasting = StorageError(
                error.isLackOfRoom ? .inputOutput : error.kind, operation: error.operation,
                path: error.path, offset: error.offset, cause: error.cause, advice: error.advice)
            failure = lasting
            return lasting
        }
    }

    /// What is of one commit at a time.
    struct Committing: Sendable {
        /// Appends that count; nil before the first commit.
        var committed: UInt64?
        /// Appends that count and are durable; nil before the first sync, as what an earlier run
        /// left may not be.
        var synced: UInt64?
        /// The slot of the mark that is older, or was written later without a sync.
        var slot: Int
    }

    package let directory: String
    package let options: LogOptions
    package let mode: Mode
    let fileSystem: any FileSystem
    /// Microseconds that never go back.
    private let clock: @Sendable () -> Int64
    private let marks: any File
    let state: Mutex<State>
    let committing: Mutex<Committing>
    /// Trims and compactions go one after the other.
    let maintaining = Mutex(())

    /// Opens a log to write to it; another writer, of any process, is refused. `staged` is what a
    /// plain writer does with output that was staged, for others see `claim`.
    package init(
        _ directory: String, mode: Mode = .plain, staged: StagedByOthers = .refused,
        fileSystem: any FileSystem,
        clock: @escaping @Sendable () -> Int64 = { SystemTime.monotonicNanoseconds() / 1000 }
    ) throws(StorageError) {
        self.directory = directory
        self.mode = mode
        self.fileSystem = fileSystem
        self.clock = clock
        options = try LogOptions.read(directory, fileSystem: fileSystem)
        let lock = try Self.takeLock(directory, fileSystem)
        let marksPath = FilePath.join(directory, LogNames.marks)
        marks = try fileSystem.open(marksPath, .write(truncating: false))
        var opening = LogOpening(
            directory: directory, options: options, isStaged: mode == .staged,
            fileSystem: fileSystem)
        let slot = try opening.open(marks)
        committing = Mutex(Committing(slot: slot))
        state = Mutex(
            State(
                partitions: opening.partitions, mark: opening.mark, lastSync: clock(),
                hasOpenTail: true, findings: opening.findings, lock: lock))
        try opening.quarantine()
        // A writer before may have been killed before its names were durable.
        try fileSystem.syncDirectory(directory)
        try fileSystem.syncDirectory(FilePath.directory(of: directory))
        if opening.needsMark { try writeMark(isSynced: true) }
        if mode == .plain {
            if staged == .refused { try refuseStaged(by: LogOwner.read(directory, fileSystem)) }
            try discardTail()
        }
    }

    deinit { try? close() }

    /// What the opening found that was not as it should be.
    package var findings: LogFindings { state.withLock { $0.findings } }

    /// What counts by now.
    package var mark: LogMark { state.withLock { $0.mark } }

    /// Where what was appended ends, committed or not.
    package var ends: LogPlaces { state.withLock { LogPlaces($0.partitions.map(\.end)) } }

    /// Bytes of all segments.
    package var byteCount: Int {
        state.withLock { $0.partitions.reduce(0) { $0 + $1.byteCount } }
    }

    static func check(_ state: State, _ directory: String) throws(StorageError) {
        if let failure = state.failure { throw failure }
        if state.lock == nil {
            throw StorageError(
                .other, operation: "write to", path: directory, cause: "the log is closed")
        }
    }

    /// Adds a batch to a partition; gives its offsets. It counts from the next commit on.
    ///
    /// Where it fails, nothing was added, and the batch may be appended again.
    package func append(
        _ batch: LogBatchBuilder, to partition: Int
    ) throws(StorageError) -> Range<Int64> {
        precondition(batch.recordCount > 0, "a batch holds a record at least")
        guard batch.byteCount <= LogBatchBuilder.bodyBytesMax else {
            throw StorageError(
                .other, operation: "append to", path: directory,
                cause: "a batch of \(batch.byteCount) bytes is above the limit of "
                    + "\(LogBatchBuilder.bodyBytesMax)",
                advice: "append fewer or smaller records at once")
        }
        batch.seal(options.codec)
        return try state.withLock { state throws(StorageError) -> Range<Int64> in
            try Self.check(state, directory)
            if state.hasOpenTail { try Self.removeTail(&state) }
            if let quota = options.quota {
                let byteCount = state.partitions.reduce(0) { $0 + $1.byteCount }
                if byteCount + batch.storedByteCount > quota {
                    throw StorageError(
                        .quotaExceeded, operation: "append to", path: directory,
                        cause: "the log's quota of \(quota) bytes is used up",
                        advice: "trim the log, or give it a greater quota")
                }
            }
            let offsets = try state.partitions[partition].append(batch)
            state.appended += 1
            return offsets
        }
    }

    /// Begins another segment of a partition, so that the one before can be trimmed away once this
    /// is committed.
    package func startSegment(_ partition: Int) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            try Self.check(state, directory)
            if state.hasOpenTail { try Self.removeTail(&state) }
            try state.partitions[partition].startSegment()
            state.appended += 1
        }
    }

    // MARK: Commits

    /// Makes all count that was appended, and makes it durable as the log's options say.
    package func commit() throws(StorageError) {
        let isSynced: Bool =
            switch options.sync {
            case .every: true
            case .os: false
            case .interval(let interval):
                state.withLock { clock() - $0.lastSync >= interval }
            }
        try commit(isSynced: isSynced)
    }

    /// Makes all count that was appended, and makes it durable.
    package func sync() throws(StorageError) { try commit(isSynced: true) }

    private func commit(isSynced: Bool) throws(StorageError) {
        precondition(mode == .plain, "staged output counts when its epoch does")
        let wanted = state.withLock { $0.appended }
        try committing.withLock { committing throws(StorageError) in
            // One that came before has done it for this one, too.
            let done = isSynced ? committing.synced : committing.committed
            if let done, done >= wanted { return }
            let appended = state.withLock { $0.appended }
            var ends = self.ends
            if isSynced { ends = try syncFiles() }
            try write(ends, epoch: nil, isSynced: isSynced, &committing)
            committing.committed = max(committing.committed ?? 0, appended)
            // Without a sync, a commit that wants one has still to do it.
            if isSynced { committing.synced = appended }
        }
    }

    /// Makes durable what was appended; gives where it ends.
    func syncFiles() throws(StorageError) -> LogPlaces {
        typealias Taken = (files: [any File], hasNewNames: Bool, ends: LogPlaces)
        let taken = try state.withLock { state throws(StorageError) -> Taken in
            try Self.check(state, directory)
            var files: [any File] = []
            var hasNewNames = false
            for index in state.partitions.indices {
                let taken = state.partitions[index].takeUnsynced()
                files += taken.files
                hasNewNames = hasNewNames || taken.hasNewNames
            }
            return (files, hasNewNames, LogPlaces(state.partitions.map(\.end)))
        }
        do throws(StorageError) {
            for file in taken.files { try file.sync() }
            if taken.hasNewNames { try fileSystem.syncDirectory(directory) }
        } catch {
            // What the device has of the files nobody knows any more.
            throw state.withLock { $0.fail(error) }
        }
        state.withLock { state in
            state.lastSync = clock()
            for index in state.partitions.indices {
                let end = taken.ends.partitions[index].offset
                state.partitions[index].synced = max(state.partitions[index].synced, end)
            }
        }
        return taken.ends
    }

    /// Replaces the mark.
    func write(
        _ ends: LogPlaces, epoch: UInt64?, isSynced: Bool, _ committing: inout Committing
    ) throws(StorageError) {
        let mark = try state.withLock { state throws(StorageError) -> LogMark in
            try Self.check(state, directory)
            var mark = state.mark
            mark.sequence += 1
            if let epoch { mark.epoch = epoch }
            for index in mark.partitions.indices {
                let partition = state.partitions[index]
                mark.partitions[index] = LogMark.Partition(
                    start: partition.start, end: ends.partitions[index],
                    synced: min(partition.synced, ends.partitions[index].offset))
            }
            return mark
        }
        try mark.write(to: marks, slot: committing.slot)
        if isSynced {
            do throws(StorageError) {
                try marks.sync()
            } catch {
                throw state.withLock { $0.fail(error) }
            }
            // The other slot follows: damage of one of them costs nothing. If this fails, that
            // slot is the next to be written anyway.
            committing.slot = 1 - committing.slot
            do throws(StorageError) {
                try mark.write(to: marks, slot: committing.slot)
            } catch {}
        }
        state.withLock { $0.mark = mark }
    }

    /// Replaces the mark after something else than an append has changed.
    func writeMark(isSynced: Bool) throws(StorageError) {
        try committing.withLock { committing throws(StorageError) in
            let ends = state.withLock { $0.mark.ends }
            try write(ends, epoch: nil, isSynced: isSynced, &committing)
        }
    }

    /// Syncs if the interval has passed and something waits for it; to be called now and then.
    package func tick() throws(StorageError) {
        guard case .interval(let interval) = options.sync, mode == .plain else { return }
        let isDue = state.withLock { state in
            clock() - state.lastSync >= interval
                && state.partitions.contains { $0.synced < $0.end.offset }
        }
        if isDue { try sync() }
    }

    /// Commits what was appended and lets go of the log; a staged writer leaves it behind the mark.
    /// All of it is durable then, unless the log leaves that to the system and nobody wants it.
    package func close(durably: Bool = false) throws(StorageError) {
        if state.withLock({ $0.lock == nil }) { return }
        defer { release() }
        if let failure = state.withLock({ $0.failure }) { throw failure }
        if mode == .plain {
            // One whose opening failed has nothing to commit, nor the files to sync.
            let isBehind = state.withLock { state in
                !state.hasOpenTail
                    && (state.mark.ends != LogPlaces(state.partitions.map(\.end))
                        || state.partitions.contains { $0.synced < $0.end.offset })
            }
            if isBehind { try commit(isSynced: durably || options.sync != .os) }
        }
    }

    private func release() {
        state.withLock { state in
            for index in state.partitions.indices { state.partitions[index].closeEnd() }
            state.lock = nil
        }
    }

    // MARK: Epochs

    /// Makes what was appended durable without making it count; gives where it ends, for
    /// `commit(_:epoch:)`, or for `restore(to:epoch:)` of a later run.
    package func stage() throws(StorageError) -> LogPlaces {
        try committing.withLock { _ throws(StorageError) in try syncFiles() }
    }

    /// Makes all count up to where an epoch ends. It may be said again.
    package func commit(_ ends: LogPlaces, epoch: UInt64) throws(StorageError) {
        try committing.withLock { committing throws(StorageError) in
            let mark = state.withLock { $0.mark }
            if mark.epoch == epoch && mark.ends == ends { return }
            try write(ends, epoch: epoch, isSynced: true, &committing)
        }
    }

    /// Removes what lies behind the ends, whoever put it there.
    func discardTail() throws(StorageError) {
        try state.withLock { state throws(StorageError) in try Self.removeTail(&state) }
    }

    /// Removes what lies behind the ends.
    static func removeTail(_ state: inout State) throws(StorageError) {
        for index in state.partitions.indices {
            let greatest = try LogOpening.greatestTimestamp(of: state.partitions[index])
            try state.partitions[index].openEnd(greatestTimestamp: greatest)
        }
        state.hasOpenTail = false
    }
}
