#if SQLite
import Storage

/// What a checkpoint keeps of a sink's rows: where they stand in the sink's log, and what they
/// are.
///
///     own = version: 1 | committed: 8 | lineage: 8 | waiting: 1 | columns: count, text each
///         | ends: bytes
///
/// `committed` is the epoch that the database had when it was made, `lineage` whose rows they are,
/// `waiting` whether rows are in the log that no epoch of then had brought there.
struct StagedRows: Sendable {
    var committed: Int
    var lineage: Int64
    var isWaiting: Bool
    var columns: [String]
    var ends: LogPlaces

    private static let version: UInt8 = 1

    /// The offset behind the last row.
    var end: Int64 { ends.partitions[0].offset }

    init(
        committed: Int, lineage: Int64, isWaiting: Bool, columns: [String], ends: LogPlaces
    ) {
        self.committed = committed
        self.lineage = lineage
        self.isWaiting = isWaiting
        self.columns = columns
        self.ends = ends
    }

    init(decoding own: [UInt8]) throws(ByteReader.Damage) {
        var reader = ByteReader(own)
        guard try reader.integer(UInt8.self) == Self.version else {
            throw ByteReader.Damage(cause: "the version of staged rows is not known here")
        }
        committed = Int(try reader.integer(Int64.self))
        lineage = try reader.integer()
        isWaiting = try reader.flag()
        columns = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
        ends = try LogPlaces(decoding: try reader.countedArray())
        try reader.finish()
        guard ends.partitions.count == 1 else {
            throw ByteReader.Damage(cause: "staged rows stand in one partition")
        }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.version)
        writer.append(Int64(committed))
        writer.append(lineage)
        writer.append(isWaiting)
        writer.append(count: columns.count)
        for column in columns { writer.append(column) }
        writer.append(counted: ends.encoded)
        return writer.bytes
    }
}
#endif
