#if SQLite
import Connectors
import Dataflow
import GRDB
import Storage
import TestSupport
import Testing

/// What a table takes and refuses, and what other connections do to a sink.
struct SQLiteSinkTests {
    private typealias Cell = BatchText.Cell

    private let world = TableWorld()

    // MARK: Rows

    @Test func theLastRowOfAKeyStays() throws {
        let sink = world.sink(key: ["k"])
        try sink.open()
        let rows = [(1, "a"), (2, "b"), (1, "c")].map { TableWorld.row($0.0, $0.1) }
        try world.commit(rows, as: 1, to: sink)
        try world.commit([[.int(2), .null]], as: 2, to: sink)
        #expect(try world.text("SELECT * FROM t ORDER BY k") == "1|c\n2|null")
    }

    @Test func aKeyOfAllColumnsIsASet() throws {
        let sink = world.sink(key: ["v", "k"])
        try sink.open()
        try world.commit([1, 2, 1, 1].map { TableWorld.row($0, "x") }, as: 1, to: sink)
        #expect(try world.numbers() == [1, 2])
    }

    @Test func valuesStayWhatTheyAre() throws {
        let fields = [
            Field("b", .bool), Field("i", .int), Field("f", .float), Field("s", .string),
            Field("j", .json), Field("ms", .timestamp, timestampFormat: .milliseconds),
            Field("at", .timestamp),
        ]
        let sink = world.sink(fields)
        try sink.open()
        let text = "a\0b é 🙂 '\""
        let time: Int64 = 1_767_226_197_694_000
        let rows: [[Cell]] = [
            [
                .bool(true), .int(.max), .float(0.1), .text(Array(text.utf8)),
                .text(Array("{\"a\":[1]}".utf8)), .int(time), .int(time),
            ],
            [.bool(false), .int(.min), .float(-1e308), .text([]), .null, .int(0), .null],
            Array(repeating: .null, count: 7),
        ]
        try world.commit(rows, as: 1, to: sink, fields)
        let query = "SELECT b, i, f, CAST(s AS BLOB), j, ms, at FROM t"
        #expect(
            try world.rows(query) == [
                [
                    "1", "\(Int64.max)", "0.1", text, "{\"a\":[1]}", "1767226197694",
                    "2026-01-01T00:09:57.694Z",
                ],
                ["0", "\(Int64.min)", "-1e+308", "", "null", "0", "null"],
                Array(repeating: "null", count: 7),
            ])
        let types =
            "SELECT typeof(b), typeof(i), typeof(f), typeof(s), typeof(ms), typeof(at) FROM t"
        #expect(
            try world.rows(types)[0] == ["integer", "integer", "real", "text", "integer", "text"])
    }

    @Test func namesMayHoldAnything() throws {
        let names = [
            "a\"b", "x) VALUES (1); DROP TABLE t; --", "select", "é 🙂", "it's", "[x]", "`y`",
            "%s?1",
            "a\nb", "\\", ";",
        ]
        let fields = names.map { Field($0, .string) }
        let table = "t\"; DROP TABLE weir_sinks; --"
        for key in [[], names] {
            let sink = world.sink(fields, key: key) {
                $0.shape.table = table + "\(key.count)"
                $0.owner = RowOwner(pipeline: "p'\"", sink: "s'; --\(key.count)")
                $0.staging = world.directory("state/rows-\(key.count)")
            }
            try sink.open()
            let row = names.map { Cell.text(Array($0.utf8)) }
            try world.commit([row], as: 1, to: sink, fields)
            let quoted = "\"" + (table + "\(key.count)").replacing("\"", with: "\"\"") + "\""
            #expect(try world.rows("SELECT * FROM \(quoted)") == [names])
        }
        #expect(try world.rows("SELECT sink FROM weir_sinks").count == 2)
    }

    /// The name under which SQL knows the row that came.
    @Test func theLastRowStaysInATableCalledExcluded() throws {
        let sink = world.sink(key: ["k"]) { $0.shape.table = "excluded" }
        try sink.open()
        let rows = [(1, "a"), (2, "b"), (1, "c")].map { TableWorld.row($0, $1) }
        try world.commit(rows, as: 1, to: sink)
        #expect(try world.text("SELECT * FROM excluded ORDER BY k") == "1|c\n2|b")
    }

    @Test func refusedRowsAreSetAside() throws {
        try world.execute(
            "CREATE TABLE t (k INTEGER CHECK (k < 5), v TEXT NOT NULL UNIQUE ON CONFLICT ROLLBACK)")
        let sink = world.sink()
        try sink.open()
        let rows: [[Cell]] = [
            TableWorld.row(1, "a"), TableWorld.row(7, "b"), [.int(2), .null],
            TableWorld.row(3, "a"), TableWorld.row(4, "c\""),
        ]
        try world.commit(rows, as: 1, to: sink)
        try world.commit([TableWorld.row(4, "c\"")], as: 2, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|a\n4|c\"")
        #expect(
            try world.text("SELECT * FROM weir_rejected") == """
                p|s|1|CHECK constraint failed: k < 5|{"k":7,"v":"b"}
                p|s|1|NOT NULL constraint failed: t.v|{"k":2,"v":null}
                p|s|1|UNIQUE constraint failed: t.v|{"k":3,"v":"a"}
                p|s|2|UNIQUE constraint failed: t.v|{"k":4,"v":"c\\""}
                """)
        #expect(world.notices.count == 2)
        #expect(world.notices[0].hasPrefix("sink 's': 3 rows were refused by table 't' of "))
        #expect(world.notices[1].contains("1 row was refused"))
    }

    /// SQLite would give a null a number of its own, or take each for another row.
    @Test(arguments: ["k INTEGER PRIMARY KEY, v TEXT", "k INT UNIQUE, v TEXT", ""])
    func aNullIsNoKey(_ columns: String) throws {
        if !columns.isEmpty { try world.execute("CREATE TABLE t (\(columns))") }
        let sink = world.sink(key: ["k"])
        try sink.open()
        try world.commit([[.null, .null], TableWorld.row(1, "a")], as: 1, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|a")
        #expect(
            try world.text("SELECT reason, row FROM weir_rejected")
                == "the key column 'k' is null|{\"k\":null,\"v\":null}")
    }

    @Test func aValueOfAnotherTypeIsRefusedWhereTheTableIsStrict() throws {
        try world.execute("CREATE TABLE t (k TEXT, v INTEGER PRIMARY KEY)")
        let sink = world.sink()
        try sink.open()
        try world.commit([TableWorld.row(1, "2"), TableWorld.row(2, "x")], as: 1, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|2")
        #expect(try world.text("SELECT reason FROM weir_rejected") == "datatype mismatch")
    }

    @Test func aTriggerRefusesARowAndNotAllOfThem() throws {
        let sink = world.sink()
        try sink.open()
        try world.execute(
            "CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.k = 2 "
                + "BEGIN SELECT RAISE(ABORT, 'no'); END")
        _ = try world.commit(1...3, as: 1, to: sink)
        #expect(try world.numbers() == [1, 3])
        #expect(try world.text("SELECT reason FROM weir_rejected") == "no")
        try world.execute(
            "CREATE TRIGGER all_of_them BEFORE INSERT ON t WHEN NEW.k = 5 "
                + "BEGIN SELECT RAISE(ROLLBACK, 'none'); END")
        let error = #expect(throws: StorageError.self) { try world.commit(4...6, as: 2, to: sink) }
        #expect(error?.cause.contains("undid the transaction: none") == true)
        #expect(try world.numbers() == [1, 3])
        try world.execute("DROP TRIGGER all_of_them")
        _ = try world.commit(7...7, as: 3, to: sink)
        #expect(try world.numbers() == [1, 3, 4, 5, 6, 7])
    }

    // MARK: Tables

    @Test func aTableThatLacksColumnsIsRefused() throws {
        try world.execute("CREATE TABLE t (K INTEGER, other TEXT)")
        let sink = world.sink(TableWorld.fields + [Field("w", .int)])
        let error = #expect(throws: StorageError.self) { try sink.open() }
        #expect(error?.cause == "table 't' has no columns 'v', 'w'")
        #expect(throws: StorageError.self) {
            try world.sink(key: ["K"]) { $0.shape.columns.removeLast() }.open()
        }
        try world.execute("DROP TABLE t")
        let absent = #expect(throws: StorageError.self) {
            try world.sink { $0.shape.isMade = false }.open()
        }
        #expect(absent?.cause == "there is no table 't'")
    }

    /// What others have in the table stays, and columns that the rows do not have.
    @Test func aTableThatIsThereIsWrittenOn() throws {
        try world.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, V TEXT, k INTEGER, w TEXT DEFAULT 'd');"
                + "INSERT INTO t (V, k) VALUES ('mine', 0)")
        let sink = world.sink()
        try sink.open()
        try world.commit([TableWorld.row(1, "a")], as: 1, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|mine|0|d\n2|a|1|d")
    }

    @Test func whatIsNoDatabaseIsLeftAlone() throws {
        let text = String(repeating: "no database ", count: 100)
        try DiskFileSystem().write(text, to: world.path)
        let error = #expect(throws: StorageError.self) { try world.sink().open() }
        #expect(error?.kind == .corrupt)
        #expect(try DiskFileSystem().text(of: world.path) == text)
    }

    // MARK: Other connections

    @Test func aLockedDatabaseTakesTheRowsLater() throws {
        let sink = world.sink()
        try sink.open()
        let other = try world.connection(leavesTransactionsOpen: true)
        try other.inDatabase { try $0.execute(sql: "BEGIN EXCLUSIVE") }
        try sink.write(TableWorld.parts([TableWorld.row(1, "a")]))
        let first = try sink.stage(for: 1)
        try first.sync()
        let error = #expect(throws: StorageError.self) { try first.commit() }
        #expect(error?.cause == "database is locked")
        try sink.write(TableWorld.parts([TableWorld.row(2, "b")]))
        let second = try sink.stage(for: 2)
        #expect(second.byteCount > first.byteCount)
        try second.sync()
        try other.inDatabase { try $0.execute(sql: "COMMIT") }
        try second.commit()
        #expect(try world.numbers() == [1, 2])
    }

    /// Without write-ahead, a reader lets a transaction begin, and not end.
    @Test func aReaderOnlyDelaysTheRows() throws {
        let sink = world.sink()
        try sink.open()
        let reader = try world.connection(leavesTransactionsOpen: true)
        try reader.inDatabase { database in
            try database.execute(sql: "BEGIN")
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM t") == 0)
        }
        try sink.write(TableWorld.parts([TableWorld.row(1, "a")]))
        let staged = try sink.stage(for: 1)
        try staged.sync()
        for _ in 0..<2 { #expect(throws: StorageError.self) { try staged.commit() } }
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        try staged.commit()
        #expect(try world.numbers() == [1])
    }

    /// A reader does not keep a commit in write-ahead mode, which stays as it is.
    @Test func writeAheadModeStays() throws {
        try world.execute("PRAGMA journal_mode = WAL")
        let sink = world.sink()
        try sink.open()
        let reader = try world.connection(leavesTransactionsOpen: true)
        try reader.inDatabase { try $0.execute(sql: "BEGIN; SELECT * FROM t") }
        _ = try world.commit(1...3, as: 1, to: sink)
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        #expect(try world.numbers() == [1, 2, 3])
        #expect(try world.text("PRAGMA journal_mode") == "wal")
    }

    @Test func twoRunsOfOneNameAreTold() throws {
        let sink = world.sink()
        try sink.open()
        _ = try world.commit(1...3, as: 1, to: sink)
        let other = world.sink { $0.staging = world.directory("other/rows-s") }
        try other.open()
        try sink.write(TableWorld.parts([TableWorld.row(4, "d")]))
        let staged = try sink.stage(for: 2)
        try staged.sync()
        let error = #expect(throws: StorageError.self) { try staged.commit() }
        #expect(error?.kind == .alreadyExists)
        #expect(try world.numbers() == [1, 2, 3])
    }

    // MARK: Without checkpoints

    @Test func withoutCheckpointsRowsGoAtEachFlush() throws {
        let sink = world.sink(isStaged: false) { $0.rowsPerTransaction = 1000 }
        try sink.open()
        try sink.write(TableWorld.parts([TableWorld.row(1, "a"), [.null, .null]]))
        #expect(try world.numbers() == [])
        try sink.flush()
        #expect(try world.text("SELECT * FROM t") == "1|a\nnull|null")
        let many = (0..<1500).map { TableWorld.row($0, "x") }
        try sink.write(TableWorld.parts(many))
        #expect(try world.text("SELECT count(*) FROM t") == "1502")
        try sink.close()
        #expect(try sink.lastEpoch() == 0)
        #expect(try world.text("SELECT name FROM sqlite_master") == "t")
    }
}
#endif
