package import Dataflow
import Storage

/// A table as a sink needs it: its columns, what tells its rows apart, and the SQL for both.
package struct TableShape: Sendable, Equatable {
    /// A column and the type that it is made with.
    package struct Column: Sendable, Equatable {
        package let name: String
        /// `INTEGER`, `REAL` or `TEXT`.
        package let type: String

        package init(_ name: String, type: String) {
            self.name = name
            self.type = type
        }

        /// The column for a field; times are of the type in which they leave.
        package init(_ field: Field) {
            let type =
                switch field.type {
                case .bool, .int: "INTEGER"
                case .float: "REAL"
                case .string, .json: "TEXT"
                case .timestamp: field.timestampFormat.unitNanoseconds == nil ? "TEXT" : "INTEGER"
                }
            self.init(field.name, type: type)
        }
    }

    package var table: String
    package var columns: [Column]
    /// Columns by which a row replaces one that is there; none where rows are only added.
    package var key: [String] = []
    /// Whether a table that is not there is made.
    package var isMade = true

    package init(table: String, columns: [Column]) {
        self.table = table
        self.columns = columns
    }
}

#if SQLite
import GRDB

extension TableShape {
    /// A name as SQL, whatever is in it.
    static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }

    private static func list(_ names: [String]) -> String {
        names.map(quoted).joined(separator: ", ")
    }

    /// How the table is made.
    var creation: String {
        var parts = columns.map { column in
            let isKey = key.contains(column.name)
            return "\(Self.quoted(column.name)) \(column.type)\(isKey ? " NOT NULL" : "")"
        }
        if !key.isEmpty { parts.append("PRIMARY KEY (\(Self.list(key)))") }
        return "CREATE TABLE \(Self.quoted(table)) (\(parts.joined(separator: ", ")))"
    }

    /// How a row of some columns is put in. What the table says of conflicts itself does not
    /// count: it might undo all of a transaction, or forget a row.
    func insertion(of columns: [String]) -> String {
        let marks = Array(repeating: "?", count: columns.count).joined(separator: ", ")
        // Under another name, a table that is called `excluded` does not hide the row that came.
        let alias = key.isEmpty ? "" : " AS \"weir target\""
        let insertion =
            "INSERT OR ABORT INTO \(Self.quoted(table))\(alias) (\(Self.list(columns))) "
            + "VALUES (\(marks))"
        if key.isEmpty { return insertion }
        let others = columns.filter { !key.contains($0) }.map {
            "\(Self.quoted($0)) = excluded.\(Self.quoted($0))"
        }
        let change =
            others.isEmpty ? "NOTHING" : "UPDATE SET \(others.joined(separator: ", "))"
        return "\(insertion) ON CONFLICT (\(Self.list(key))) DO \(change)"
    }

    /// Whether there is such a table, or a view.
    func isThere(in database: Database) throws -> Bool {
        try !columnNames(in: database).isEmpty
    }

    private func columnNames(in database: Database) throws -> [String] {
        try String.fetchAll(
            database, sql: "SELECT name FROM pragma_table_xinfo(?)", arguments: [table])
    }

    /// Sees to it that rows can be put in: makes the table, or holds the one that is there
    /// against what is needed.
    func prepare(in database: Database, path: String) throws {
        let there = try columnNames(in: database)
        if there.isEmpty {
            guard isMade else {
                throw StorageError(
                    .notFound, operation: "write to", path: path,
                    cause: "there is no table '\(table)'",
                    advice: "make it, or let the sink do it: without 'create: false'")
            }
            try database.execute(sql: creation)
        }
        let names = Set(there.map(Self.folded))
        let missing = columns.map(\.name).filter { !names.contains(Self.folded($0)) }
        guard there.isEmpty || missing.isEmpty else {
            let noun = missing.count == 1 ? "column" : "columns"
            throw StorageError(
                .other, operation: "write to", path: path,
                cause: "table '\(table)' has no \(noun) "
                    + missing.map { "'\($0)'" }.joined(separator: ", "),
                advice: "add what is missing with ALTER TABLE, or leave it out of the rows")
        }
        do {
            _ = try database.makeStatement(sql: insertion(of: columns.map(\.name)))
        } catch let error as DatabaseError where !key.isEmpty && error.isOfSQL {
            throw StorageError(
                .other, operation: "write to", path: path,
                cause: "rows of table '\(table)' cannot be replaced by "
                    + key.map { "'\($0)'" }.joined(separator: ", ")
                    + ": \(error.message ?? "")",
                advice: "give the table a primary key or a UNIQUE constraint of exactly the "
                    + "columns of 'key'")
        }
    }

    /// A name as SQLite compares it: regardless of the case of ASCII letters.
    private static func folded(_ name: String) -> String {
        String(
            decoding: name.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self)
    }
}
#endif
