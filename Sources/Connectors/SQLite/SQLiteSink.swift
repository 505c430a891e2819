#if SQLite
package import Dataflow
package import Storage

/// Writes rows to a table of a SQLite database: rows that `RowEncoder` has encoded.
///
/// With checkpoints, rows wait in an embedded log below the state. When their checkpoint is
/// complete, one transaction puts all of them into the table and notes the epoch beside it, so
/// that no row is lost or doubled, whatever is killed when. Without checkpoints, there is a
/// transaction for some thousand rows, and for what came when nothing more is at hand.
package final class SQLiteSink: SinkWriter {
    /// Where to, and how.
    package struct Options: Sendable {
        package var path: String
        package var shape: TableShape
        package var owner: RowOwner
        /// The directory of the log in which rows wait for their checkpoint; nil without.
        package var staging: String?
        /// What to do when the database has more than the restored checkpoint knows of.
        package var ahead = StagedFileSink.Ahead.refuse
        /// Without checkpoints: rows after which a transaction ends. Each costs some syncs.
        package var rowsPerTransaction = 65_536
        /// How long a transaction waits for one of another connection.
        package var busySeconds = 5.0
        /// How the log is kept; it has one partition.
        package var log = LogOptions()

        package init(path: String, shape: TableShape, owner: RowOwner) {
            self.path = path
            self.shape = shape
            self.owner = owner
            log.sync = .os
            log.segmentBytes = 16 << 20
        }
    }

    private let options: Options
    private let fileSystem: any FileSystem
    private let notice: @Sendable (String) -> Void
    private let table: SQLiteTable
    private var staging: RowStaging?
    /// Tells what this run and those that go on from it write from what others do.
    private var lineage: Int64 = 0
    /// Without checkpoints: rows that are in no transaction yet.
    private var parts: [EncodedPart] = []
    private var (rowCount, byteCount) = (0, 0)

    package init(
        _ options: Options, fileSystem: any FileSystem,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        self.fileSystem = fileSystem
        self.notice = notice
        table = SQLiteTable(
            options.path, options.shape, owner: options.owner,
            isStaged: options.staging != nil, busySeconds: options.busySeconds,
            fileSystem: fileSystem)
    }

    private static let bytesPerTransaction = 16 << 20

    // MARK: Opening

    /// Rows that are there stay: the table may be others' too.
    package func open() throws {
        try table.open()
        lineage = Int64.random(in: 1...Int64.max)
        if options.staging != nil { try begin(try openStaging()) }
    }

    /// Begins with nothing that waits.
    private func begin(_ staging: RowStaging) throws {
        try staging.empty()
        try table.rebase(applied: staging.start, lineage: lineage)
    }

    private func openStaging() throws -> RowStaging {
        if let staging { return staging }
        let made = try RowStaging(
            options.staging ?? "", options.log, fileSystem: fileSystem)
        staging = made
        return made
    }

    package func resume(_ own: [UInt8], epoch: Int) throws {
        guard options.staging != nil, !own.isEmpty else { return try open() }
        let rows = try StagedRows(decoding: own)
        try table.open(expecting: rows.committed, of: rows.lineage)
        lineage = rows.lineage
        let standing = table.standing
        if standing.epoch > epoch && options.ahead != .acceptDuplicates {
            throw SinkAhead(
                paths: ["table '\(options.shape.table)' of \(options.path)"], epoch: epoch,
                sinkEpoch: standing.epoch,
                advice: "Rows of a database cannot be taken back, with --roll-back-sinks either:"
                    + " bring back a backup of it, or go on behind them with "
                    + "--accept-duplicates")
        }
        let staging = try openStaging()
        if rows.isWaiting && standing.epoch < epoch {
            try staging.restore(to: rows.ends, from: standing.applied)
            try commit(rows, epoch: epoch, staging)
        }
        try begin(staging)
    }

    /// Where the database is what the checkpoint says, those of the rows that wait for it which are
    /// whole are put in. Otherwise they are not for it, and those that are there stay.
    package func beginAnew(_ own: [UInt8], epoch: Int) throws {
        guard options.staging != nil, !own.isEmpty else { return try open() }
        var rows = try StagedRows(decoding: own)
        do {
            try table.open(expecting: rows.committed, of: rows.lineage)
        } catch let error as StorageError where error.kind == .corrupt {
            return try open()
        }
        lineage = rows.lineage
        let staging = try openStaging()
        let applied = table.standing.applied
        let end = try staging.wholeEnd(from: applied, upTo: rows.end)
        if rows.isWaiting && table.standing.epoch < epoch && end > applied {
            rows.ends.partitions[0].offset = end
            try commit(rows, epoch: epoch, staging)
        }
        try begin(staging)
    }

    package func lastEpoch() throws -> Int { table.standing.epoch }

    // MARK: Writing

    package func write(_ parts: [EncodedPart]) throws {
        if let staging {
            for part in parts where part.byteCount > 0 { try staging.add(part) }
            return try staging.append()
        }
        for part in parts where part.byteCount > 0 {
            self.parts.append(part)
            rowCount += part.rowCount
            byteCount += part.byteCount
            if rowCount >= options.rowsPerTransaction || byteCount >= Self.bytesPerTransaction {
                try flush()
            }
        }
    }

    package func flush() throws {
        guard staging == nil, !parts.isEmpty else { return }
        let slices = parts.map { SlabSlice($0.slab, 0..<$0.byteCount) }
        // A failure ends the run, which does not wait for the database once more.
        parts = []
        (rowCount, byteCount) = (0, 0)
        tell(try table.insert(slices))
    }

    private func tell(_ refusals: Refusals) {
        Self.tell(refusals, options, notice)
    }

    /// Says that the table refused rows.
    private static func tell(
        _ refusals: Refusals, _ options: Options, _ notice: (String) -> Void
    ) {
        guard refusals.count > 0 else { return }
        let (noun, verb) = refusals.count == 1 ? ("row", "was") : ("rows", "were")
        notice(
            "sink '\(options.owner.sink)': \(refusals.count) \(noun) \(verb) refused by table "
                + "'\(options.shape.table)' of \(options.path) (\(refusals.reason)), and went "
                + "to its table weir_rejected")
    }

    package func close() throws {
        try flush()
        try staging?.close()
        staging = nil
        try table.close()
    }

    package func interrupt() {}

    // MARK: Checkpoints

    package var waitingLog: String? { options.staging }

    package func stage(for epoch: Int) throws -> StagedOutput {
        guard let staging else {
            try flush()
            return StagedOutput()
        }
        let byteCount = staging.stage(for: epoch)
        let rows = StagedRows(
            committed: table.standing.epoch, lineage: lineage, isWaiting: byteCount > 0,
            columns: options.shape.columns.map(\.name), ends: staging.ends)
        var staged = StagedOutput()
        staged.own = rows.encoded
        guard byteCount > 0 else { return staged }
        staged.byteCount = byteCount
        staged.log = staging.log.directory
        if table.standing.applied < rows.end {
            staged.waiting = WaitingRows(
                in: staging.log.directory, table.standing.applied..<rows.end)
        }
        let (log, view, table) = (staging.log, staging.view, table)
        let (options, notice) = (options, notice)
        staged.sync = { try log.sync() }
        staged.commit = {
            Self.tell(try table.apply(rows, epoch: epoch, from: view), options, notice)
            try RowStaging.finish(rows, epoch: epoch, log)
        }
        return staged
    }

    /// Commits what an earlier run has staged.
    private func commit(_ rows: StagedRows, epoch: Int, _ staging: RowStaging) throws {
        tell(try table.apply(rows, epoch: epoch, from: staging.view))
        try RowStaging.finish(rows, epoch: epoch, staging.log)
    }

    package func committed(_ epoch: Int) { staging?.committed(epoch) }
}
#endif
