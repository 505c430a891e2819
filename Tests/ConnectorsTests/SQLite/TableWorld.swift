#if SQLite
import Connectors
import Dataflow
import GRDB
import Storage
import Synchronization
import TestSupport

/// A database in a directory of its own, sinks into its table `t`, and what is in it.
final class TableWorld: Sendable {
    typealias Cell = BatchText.Cell

    let directory = TemporaryDirectory()
    let disk = FaultyMarks()
    private let told = Mutex<[String]>([])

    var path: String { directory("out.db") }

    /// What sinks have told so far.
    var notices: [String] { told.withLock { $0 } }

    /// Rows of `k` and `v`.
    static let fields = [Field("k", .int), Field("v", .string)]

    func sink(
        _ fields: [Field] = TableWorld.fields, key: [String] = [], isStaged: Bool = true,
        _ change: (inout SQLiteSink.Options) -> Void = { _ in }
    ) -> SQLiteSink {
        var shape = TableShape(table: "t", columns: fields.map { TableShape.Column($0) })
        shape.key = key
        var options = SQLiteSink.Options(
            path: path, shape: shape, owner: RowOwner(pipeline: "p", sink: "s"))
        options.busySeconds = 0.01
        options.log.segmentBytes = 4096
        if isStaged { options.staging = directory("state/rows-s") }
        change(&options)
        return SQLiteSink(options, fileSystem: disk) { [self] notice in
            told.withLock { $0.append(notice) }
        }
    }

    /// Rows as a worker encodes them.
    static func parts(_ rows: [[Cell]], _ fields: [Field] = TableWorld.fields) -> [EncodedPart] {
        var schema = Schema()
        for field in fields { schema.add(field, leaves: true) }
        let columns = fields.enumerated().map { index, field in
            CellBatches.column(rows.map { $0[index] }, field.type)
        }
        let encoder = try? RowEncoder(
            schema: schema, columns: Array(fields.indices), zones: .none)
        return encoder?.encode(Batch(columns: columns, count: rows.count)) ?? []
    }

    static func row(_ key: Int, _ value: String) -> [Cell] {
        [.int(Int64(key)), .text(Array(value.utf8))]
    }

    /// Writes rows and commits them as an epoch; gives what a checkpoint keeps.
    @discardableResult
    func commit(
        _ rows: [[Cell]], as epoch: Int, to sink: SQLiteSink,
        _ fields: [Field] = TableWorld.fields
    ) throws -> [UInt8] {
        try sink.write(Self.parts(rows, fields))
        let staged = try sink.stage(for: epoch)
        try staged.sync()
        try staged.commit()
        sink.committed(epoch)
        return staged.own
    }

    func commit(_ numbers: ClosedRange<Int>, as epoch: Int, to sink: SQLiteSink) throws
        -> [UInt8]
    {
        try commit(numbers.map { Self.row($0, "v\($0)") }, as: epoch, to: sink)
    }

    func numbers() throws -> [Int] {
        try rows("SELECT k FROM t ORDER BY rowid").compactMap { Int($0[0]) }
    }

    /// A connection beside the sink's.
    func connection(leavesTransactionsOpen: Bool = false) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = leavesTransactionsOpen
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func execute(_ sql: String) throws {
        try connection().inDatabase { try $0.execute(sql: sql) }
    }

    /// Rows that a query gives, values as text, blobs and text with all their bytes.
    func rows(_ sql: String) throws -> [[String]] {
        try connection().inDatabase { database in
            try Row.fetchAll(database, sql: sql).map { row in
                row.databaseValues.map { value in
                    switch value.storage {
                    case .null: "null"
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): String(decoding: data, as: UTF8.self)
                    }
                }
            }
        }
    }

    func text(_ sql: String) throws -> String {
        try rows(sql).map { $0.joined(separator: "|") }.joined(separator: "\n")
    }
}
#endif
