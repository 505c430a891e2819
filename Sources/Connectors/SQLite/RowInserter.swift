#if SQLite
import GRDB
import GRDBSQLite
import Storage

/// Puts rows into a table, within a transaction, and what the table refuses into
/// `weir_rejected`.
///
/// Values go from the bytes of the rows to SQLite's own functions, without objects in between.
@safe
struct RowInserter {
    /// Rows that the table refused.
    private(set) var refusals = Refusals()
    private let database: Database
    private let shape: TableShape
    private let columns: [String]
    private let owner: RowOwner
    private let epoch: Int
    private let path: String
    private let statement: Statement
    private let handle: OpaquePointer
    /// Places of the key's columns.
    private let key: [Int]
    private var rejection: Statement?

    private static let creation = """
        CREATE TABLE IF NOT EXISTS weir_rejected (
            pipeline TEXT NOT NULL, sink TEXT NOT NULL, epoch INTEGER NOT NULL,
            reason TEXT NOT NULL, row TEXT NOT NULL)
        """

    /// An inserter of rows of `columns`.
    init(
        _ database: Database, _ shape: TableShape, columns: [String], owner: RowOwner,
        epoch: Int, path: String
    ) throws {
        self.database = database
        self.shape = shape
        self.columns = columns
        self.owner = owner
        self.epoch = epoch
        self.path = path
        statement = try database.makeStatement(sql: shape.insertion(of: columns))
        unsafe handle = statement.sqliteStatement
        key = shape.key.compactMap { columns.firstIndex(of: $0) }
    }

    /// Puts all rows in; the values' bytes stay where they are meanwhile.
    mutating func insert(_ rows: SlabSlice) throws {
        var reader = RowReader(rows)
        // Bindings refer to the bytes of the rows.
        defer { _ = unsafe sqlite3_clear_bindings(handle) }
        while !reader.isAtEnd {
            let start = reader.position
            let nullKey = try bind(&reader)
            let row = SlabSlice(rows.slab, start..<reader.position)
            if let nullKey {
                try reject(row, "the key column '\(columns[nullKey])' is null")
                continue
            }
            let code = unsafe sqlite3_step(handle)
            if code == SQLITE_DONE {
                _ = unsafe sqlite3_reset(handle)
            } else {
                try fail(code, row)
            }
        }
    }

    /// Binds the values of a row; gives the place of one that is null and of the key: SQLite would
    /// take each such row for another one, or give it a number.
    @inline(__always)
    private func bind(_ reader: inout RowReader) throws(ByteReader.Damage) -> Int? {
        var nullKey: Int?
        for place in columns.indices {
            let index = Int32(truncatingIfNeeded: place &+ 1)
            switch try reader.next() {
            case .null:
                _ = unsafe sqlite3_bind_null(handle, index)
                if !key.isEmpty && key.contains(place) { nullKey = nullKey ?? place }
            case .integer(let value): _ = unsafe sqlite3_bind_int64(handle, index, value)
            case .float(let value): _ = unsafe sqlite3_bind_double(handle, index, value)
            case .text(let place), .json(let place):
                let text = unsafe reader.slab.base + place.lowerBound
                _ = unsafe sqlite3_bind_text(
                    handle, index, text.assumingMemoryBound(to: CChar.self),
                    Int32(truncatingIfNeeded: place.count), nil)
            }
        }
        return nullKey
    }

    /// Decides about a row that could not be put in: where it is the row's fault, it is set
    /// aside.
    private mutating func fail(_ code: Int32, _ row: SlabSlice) throws {
        let connection = unsafe database.sqliteConnection
        let reason = unsafe String(cString: sqlite3_errmsg(connection))
        _ = unsafe sqlite3_reset(handle)
        let error = DatabaseError(resultCode: ResultCode(rawValue: code), message: reason)
        switch error.resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG: break
        default: throw error
        }
        guard unsafe sqlite3_get_autocommit(connection) == 0 else {
            throw StorageError(
                .other, operation: "write to", path: path,
                cause: "a trigger of table '\(shape.table)' undid the transaction: \(reason)",
                advice: "let it RAISE(ABORT, …), which refuses the one row")
        }
        try reject(row, reason)
    }

    private mutating func reject(_ row: SlabSlice, _ reason: String) throws {
        if rejection == nil {
            try database.execute(sql: Self.creation)
            rejection = try database.makeStatement(
                sql: """
                    INSERT INTO weir_rejected (pipeline, sink, epoch, reason, row)
                    VALUES (?, ?, ?, ?, ?)
                    """)
        }
        try rejection?.execute(arguments: [
            owner.pipeline, owner.sink, epoch, reason, try RowText.json(row, columns),
        ])
        refusals.add(reason)
    }
}

/// Rows that a table refused, and why the first of them.
struct Refusals: Sendable {
    private(set) var count = 0
    private(set) var reason = ""

    mutating func add(_ reason: String) {
        if count == 0 { self.reason = reason }
        count += 1
    }
}

/// A row as a person reads it.
enum RowText {
    /// A row as a JSON object.
    static func json(
        _ row: SlabSlice, _ columns: [String]
    ) throws(ByteReader.Damage) -> String {
        var reader = RowReader(row)
        var parts: [String] = []
        for column in columns {
            let text: String
            switch try reader.next() {
            case .null: text = "null"
            case .integer(let value): text = "\(value)"
            case .float(let value): text = "\(value)"
            case .json(let place): text = string(place, of: row)
            case .text(let place): text = quoted(string(place, of: row))
            }
            parts.append(quoted(column) + ":" + text)
        }
        return "{" + parts.joined(separator: ",") + "}"
    }

    private static func string(_ place: Range<Int>, of row: SlabSlice) -> String {
        String(decoding: row.slab.array(place), as: UTF8.self)
    }

    private static func quoted(_ text: String) -> String {
        String(decoding: JSONText.quoted(text), as: UTF8.self)
    }
}
#endif
