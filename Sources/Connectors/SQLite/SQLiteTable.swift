#if SQLite
import GRDB
import Storage
import Synchronization

/// A table of a database, and the connection to it: rows go in by transactions, which note how
/// far they came.
///
/// Any thread may call it; one at a time does.
final class SQLiteTable: Sendable {
    private struct State {
        var connection: DatabaseQueue?
        /// The file that the connection has open.
        var identity: FileStatus.Identity?
        /// What the database said last of this sink.
        var standing: SinkStanding?
    }

    private let path: String
    private let shape: TableShape
    private let owner: RowOwner
    /// Whether the database notes how far the sink's log was applied.
    private let isStaged: Bool
    /// How long a transaction waits for one of another connection.
    private let busySeconds: Double
    private let fileSystem: any FileSystem
    private let state = Mutex(State())

    /// Pages of the database that are kept in memory, in KiB.
    private static let cacheKiB = 16 << 10

    init(
        _ path: String, _ shape: TableShape, owner: RowOwner, isStaged: Bool,
        busySeconds: Double, fileSystem: any FileSystem
    ) {
        // Some paths mean something else to SQLite.
        self.path = path.hasPrefix("/") || path.hasPrefix("./") ? path : "./" + path
        self.shape = shape
        self.owner = owner
        self.isStaged = isStaged
        self.busySeconds = busySeconds
        self.fileSystem = fileSystem
    }

    /// What the database said last; nothing while it is not open.
    var standing: SinkStanding { state.withLock { $0.standing ?? SinkStanding() } }

    // MARK: Opening

    /// Opens the database and sees to the table. One that was to have an epoch, or a later one,
    /// and has not, is damage.
    func open(expecting epoch: Int = 0, of lineage: Int64? = nil) throws {
        if epoch > 0, try fileSystem.status(of: path) == nil {
            throw gone("there is no database, and it had checkpoint \(epoch)")
        }
        try close()
        try fileSystem.makeDirectories(FilePath.directory(of: path))
        let connection = try translating { try connect() }
        let standing = try translating {
            try connection.inDatabase { try prepare($0, expecting: epoch, of: lineage) }
        }
        let identity = try fileSystem.status(of: path)?.identity
        state.withLock { state in
            state.connection = connection
            state.identity = identity
            state.standing = standing
        }
    }

    private func connect() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "weir \(owner.sink)"
        configuration.busyMode = .timeout(busySeconds)
        // As for every connection that does not ask for them.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            // Durable in every journal mode: FULL leaves the removal of a journal to the
            // system, and a power cut then undoes what was committed.
            try database.execute(
                sql: "PRAGMA synchronous = EXTRA; PRAGMA cache_size = -\(Self.cacheKiB)")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private func prepare(
        _ database: Database, expecting epoch: Int, of lineage: Int64?
    ) throws -> SinkStanding? {
        var standing: SinkStanding?
        try database.inTransaction(.immediate) {
            if isStaged {
                standing = try SinkStanding.read(owner, in: database)
                if let standing, let lineage, standing.lineage != lineage { throw foreign }
                try check(standing, expecting: epoch, in: database)
                try SinkStanding.prepare(in: database)
            }
            try shape.prepare(in: database, path: path)
            return .commit
        }
        return standing
    }

    private func check(
        _ standing: SinkStanding?, expecting epoch: Int, in database: Database
    ) throws {
        guard epoch > 0 else { return }
        guard let standing else {
            throw gone(
                "its table weir_sinks knows nothing of sink '\(owner.sink)', which had "
                    + "checkpoint \(epoch)")
        }
        guard standing.epoch >= epoch else {
            throw gone("it should have checkpoint \(epoch), and has \(standing.epoch)")
        }
        guard try shape.isThere(in: database) else {
            throw gone("there is no table '\(shape.table)', and it had checkpoint \(epoch)")
        }
    }

    /// The error for a database in which another run has begun as this sink since.
    private var foreign: StorageError {
        StorageError(
            .corrupt, operation: "write to", path: path,
            cause: "another run of a pipeline '\(owner.pipeline)' has begun there as sink "
                + "'\(owner.sink)' since",
            advice: "give the pipelines or their sinks different names, and bring the database "
                + "back, or begin anew with --allow-reset and the sink's name")
    }

    /// The error for output that is not there any more.
    private func gone(_ cause: String) -> StorageError {
        StorageError(
            .corrupt, operation: "write to", path: path, cause: cause,
            advice: "bring the database back, or begin anew with --allow-reset and the sink's "
                + "name")
    }

    func close() throws {
        let connection = state.withLock { state in
            defer { state = State() }
            return state.connection
        }
        try translating { try connection?.close() }
    }

    private func translating<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw error.described(of: path)
        } catch let damage as ByteReader.Damage {
            throw StorageError(
                .corrupt, operation: "read", path: path,
                cause: "rows that wait for table '\(shape.table)' are damaged: \(damage.cause)")
        }
    }

    // MARK: Rows

    /// Does something in a transaction.
    private func transact(_ body: (Database) throws -> Void) throws {
        let (connection, identity) = state.withLock { ($0.connection, $0.identity) }
        guard let connection else {
            throw StorageError(
                .other, operation: "write to", path: path, cause: "the database is closed")
        }
        guard try fileSystem.status(of: path)?.identity == identity else {
            throw gone("it was moved away, or replaced by another, while it was written to")
        }
        try translating {
            try connection.inDatabase { database in
                try database.inTransaction(.immediate) {
                    try body(database)
                    return .commit
                }
            }
        }
    }

    /// Puts rows in, at once.
    func insert(_ parts: [SlabSlice]) throws -> Refusals {
        var refusals = Refusals()
        try transact { database in
            var inserter = try inserter(database, shape.columns.map(\.name), epoch: 0)
            for part in parts { try inserter.insert(part) }
            refusals = inserter.refusals
        }
        return refusals
    }

    private func inserter(
        _ database: Database, _ columns: [String], epoch: Int
    ) throws -> RowInserter {
        try RowInserter(
            database, shape, columns: columns, owner: owner, epoch: epoch, path: path)
    }

    /// Puts rows in that wait in a log, up to the end of an epoch, and notes that; what is
    /// there by now is left out.
    func apply(_ rows: StagedRows, epoch: Int, from view: LogView) throws -> Refusals {
        var refusals = Refusals()
        var now = standing
        try transact { database in
            now = try currentStanding(in: database, epoch: epoch)
            guard now.epoch < epoch else { return }
            if now.applied < rows.end {
                var inserter = try inserter(database, rows.columns, epoch: epoch)
                try insert(now.applied..<rows.end, of: view, by: &inserter)
                refusals = inserter.refusals
            }
            now = SinkStanding(epoch: epoch, applied: rows.end, lineage: now.lineage)
            try now.write(owner, in: database)
        }
        state.withLock { $0.standing = now }
        return refusals
    }

    /// What the database says within a transaction: what it said before, or what a commit has
    /// left that came to its end and was taken for a failure.
    private func currentStanding(in database: Database, epoch: Int) throws -> SinkStanding {
        let known = state.withLock { $0.standing }
        let found = try SinkStanding.read(owner, in: database)
        guard let found else {
            throw gone("its table weir_sinks has lost the row of sink '\(owner.sink)'")
        }
        let isKnown = found == known || found.epoch == epoch && found.lineage == known?.lineage
        guard isKnown else {
            throw StorageError(
                .alreadyExists, operation: "write to", path: path,
                cause: "another run of pipeline '\(owner.pipeline)' writes there as sink "
                    + "'\(owner.sink)'",
                advice: "stop it, or give one of them another name")
        }
        return found
    }

    private func insert(
        _ range: Range<Int64>, of view: LogView, by inserter: inout RowInserter
    ) throws {
        let reader = try LogReader(view, partition: 0, from: .offset(range.lowerBound))
        while reader.nextOffset < range.upperBound {
            guard let batch = try reader.next(), reader.damages.isEmpty,
                batch.header.endOffset <= range.upperBound
            else {
                throw StorageError(
                    .corrupt, operation: "read", path: view.directory,
                    cause: "rows that wait for table '\(shape.table)' are damaged: "
                        + "\(reader.damages.first.map { "\($0)" } ?? "they end too early")")
            }
            var records = batch.records
            while let record = try records.next() {
                guard let value = record.value else { continue }
                try inserter.insert(batch.slice(value))
            }
        }
    }

    /// Notes that nothing waits below an offset of the log, which may be another log by now.
    func rebase(applied: Int64, lineage: Int64) throws {
        var standing = standing
        try transact { database in
            let found = try SinkStanding.read(owner, in: database)
            standing = SinkStanding(
                epoch: found?.epoch ?? 0, applied: applied, lineage: lineage)
            if found != standing { try standing.write(owner, in: database) }
        }
        state.withLock { $0.standing = standing }
    }
}
#endif
