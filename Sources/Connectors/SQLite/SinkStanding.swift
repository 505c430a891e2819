#if SQLite
import GRDB

/// What a database has of a sink: a row of its table `weir_sinks`, which changes in the same
/// transaction as the sink's own table.
struct SinkStanding: Sendable, Equatable {
    /// The last checkpoint whose rows were applied.
    var epoch = 0
    /// The offset in the sink's log up to which they were.
    var applied: Int64 = 0
    /// Which run began it; runs that go on from its checkpoints have the same number.
    var lineage: Int64 = 0

    private static let creation = """
        CREATE TABLE IF NOT EXISTS weir_sinks (
            pipeline TEXT NOT NULL, sink TEXT NOT NULL, epoch INTEGER NOT NULL,
            applied INTEGER NOT NULL, lineage INTEGER NOT NULL, PRIMARY KEY (pipeline, sink)) WITHOUT ROWID
        """

    static func prepare(in database: Database) throws { try database.execute(sql: creation) }

    /// What is there; nil for nothing.
    static func read(_ owner: RowOwner, in database: Database) throws -> SinkStanding? {
        guard try database.tableExists("weir_sinks") else { return nil }
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT epoch, applied, lineage FROM weir_sinks WHERE pipeline = ? AND sink = ?
                """,
            arguments: [owner.pipeline, owner.sink])
        // Somebody else may have put anything there.
        guard let row, case .int64(let epoch) = (row["epoch"] as DatabaseValue).storage,
            case .int64(let applied) = (row["applied"] as DatabaseValue).storage,
            case .int64(let lineage) = (row["lineage"] as DatabaseValue).storage
        else { return nil }
        return SinkStanding(epoch: Int(epoch), applied: applied, lineage: lineage)
    }

    func write(_ owner: RowOwner, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO weir_sinks (pipeline, sink, epoch, applied, lineage)
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (pipeline, sink)
                DO UPDATE SET epoch = excluded.epoch, applied = excluded.applied,
                    lineage = excluded.lineage
                """,
            arguments: [owner.pipeline, owner.sink, epoch, applied, lineage])
    }
}
#endif

/// Whose rows they are.
package struct RowOwner: Sendable, Equatable {
    package let pipeline: String
    package let sink: String

    package init(pipeline: String, sink: String) {
        self.pipeline = pipeline
        self.sink = sink
    }
}
