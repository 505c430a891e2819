#if SQLite
import Dataflow
import Storage

/// The log in which rows wait for their checkpoint; used by the sink's own thread.
///
/// Rows count in it as soon as they are synced, so that whoever commits can read them. Its mark
/// has the epoch of the last rows that came to the database.
final class RowStaging {
    let log: LogWriter
    let view: LogView
    private let fileSystem: any FileSystem
    private let batch = LogBatchBuilder()
    /// Bytes of rows so far, and of those that are in the database.
    private var written = 0
    private var done = 0
    /// What was written when an epoch was staged that is not committed yet.
    private var epochs: [(epoch: Int, written: Int)] = []

    /// Bytes of rows after which a batch is appended.
    private static let batchBytesMax = 1 << 20

    init(_ directory: String, _ options: LogOptions, fileSystem: any FileSystem) throws {
        self.fileSystem = fileSystem
        try LogWriter.prepare(directory, options: options, fileSystem: fileSystem)
        // Who appends waits for room by itself, and never with the log's locks.
        log = try LogWriter(directory, fileSystem: fileSystem.impatient)
        view = try LogView(directory, fileSystem: fileSystem)
    }

    /// The first offset that is kept.
    var start: Int64 { log.mark.partitions[0].start }

    /// Where rows end.
    var ends: LogPlaces { log.ends }

    /// Forgets all rows.
    func empty() throws {
        let mark = log.mark.partitions[0]
        if mark.end.offset > mark.start { try log.trim(0, to: mark.end.offset) }
    }

    /// Goes back to where an epoch ended, with the rows from an offset on.
    func restore(to ends: LogPlaces, from applied: Int64) throws {
        guard applied >= start else {
            throw StorageError(
                .corrupt, operation: "read", path: log.directory,
                cause: "rows from \(applied) on should wait here, and it begins at \(start)",
                advice: "begin anew with --allow-reset and the sink's name")
        }
        // Its epoch says that nothing of it is in the database yet.
        try log.restore(to: ends, epoch: 0)
    }

    /// Up to where all rows from `applied` on are whole, `end` at most.
    func wholeEnd(from applied: Int64, upTo end: Int64) throws -> Int64 {
        let mark = log.mark.partitions[0]
        guard applied >= mark.start, applied < mark.end.offset else { return applied }
        let reader = try LogReader(view, partition: 0, from: .offset(applied))
        var whole = applied
        while whole < end, let batch = try reader.next(), reader.damages.isEmpty,
            batch.header.endOffset <= end
        {
            whole = batch.header.endOffset
        }
        return whole
    }

    /// Adds a part, which is whole rows.
    func add(_ part: EncodedPart) throws {
        batch.add(SlabSlice(part.slab, 0..<part.byteCount), timestamp: 0)
        written += part.byteCount
        if batch.byteCount >= Self.batchBytesMax { try append() }
    }

    /// Hands what was added to the log.
    func append() throws {
        guard batch.recordCount > 0 else { return }
        _ = try fileSystem.waitingForRoom(log.directory) { () throws(StorageError) in
            try log.append(batch, to: 0)
        }
        batch.reset()
    }

    /// Notes where an epoch ends; gives how many bytes wait for it.
    func stage(for epoch: Int) -> Int {
        epochs.append((epoch, written))
        return written - done
    }

    func committed(_ epoch: Int) {
        while let first = epochs.first, first.epoch <= epoch {
            done = first.written
            epochs.removeFirst()
        }
    }

    /// Forgets rows that are in the database.
    static func finish(_ rows: StagedRows, epoch: Int, _ log: LogWriter) throws {
        try log.commit(log.mark.ends, epoch: UInt64(epoch))
        try log.trim(0, to: rows.end)
    }

    func close() throws { try log.close() }
}
#endif
