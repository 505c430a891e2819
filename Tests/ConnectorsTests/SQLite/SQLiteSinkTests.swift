#if SQLite
import Connectors
import Dataflow
import GRDB
import Storage
import TestSupport
import Testing

/// What a table takes and refuses, and how a sink goes on with a database that is another one.
struct SQLiteSinkTests {
    private typealias Cell = BatchText.Cell

    private let world = TableWorld()

    /// Writes rows and commits them as an epoch; gives what a checkpoint keeps.
    @discardableResult
    private func commit(
        _ rows: [[Cell]], as epoch: Int, to sink: SQLiteSink,
        _ fields: [Field] = TableWorld.fields
    ) throws -> [UInt8] {
        try sink.write(TableWorld.parts(rows, fields))
        let staged = try sink.stage(for: epoch)
        try staged.sync()
        try staged.commit()
        sink.committed(epoch)
        return staged.own
    }

    private func commit(_ numbers: ClosedRange<Int>, as epoch: Int, to sink: SQLiteSink) throws
        -> [UInt8]
    {
        try commit(numbers.map { TableWorld.row($0, "v\($0)") }, as: epoch, to: sink)
    }

    private func numbers() throws -> [Int] {
        try world.rows("SELECT k FROM t ORDER BY rowid").compactMap { Int($0[0]) }
    }

    // MARK: Rows

    @Test func theLastRowOfAKeyStays() throws {
        let sink = world.sink(key: ["k"])
        try sink.open()
        let rows = [(1, "a"), (2, "b"), (1, "c")].map { TableWorld.row($0.0, $0.1) }
        try commit(rows, as: 1, to: sink)
        try commit([[.int(2), .null]], as: 2, to: sink)
        #expect(try world.text("SELECT * FROM t ORDER BY k") == "1|c\n2|null")
    }

    @Test func aKeyOfAllColumnsIsASet() throws {
        let sink = world.sink(key: ["v", "k"])
        try sink.open()
        try commit([1, 2, 1, 1].map { TableWorld.row($0, "x") }, as: 1, to: sink)
        #expect(try numbers() == [1, 2])
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
        try commit(rows, as: 1, to: sink, fields)
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
            try commit([row], as: 1, to: sink, fields)
            let quoted = "\"" + (table + "\(key.count)").replacing("\"", with: "\"\"") + "\""
            #expect(try world.rows("SELECT * FROM \(quoted)") == [names])
        }
        #expect(try world.rows("SELECT sink FROM weir_sinks").count == 2)
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
        try commit(rows, as: 1, to: sink)
        try commit([TableWorld.row(4, "c\"")], as: 2, to: sink)
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
        try commit([[.null, .null], TableWorld.row(1, "a")], as: 1, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|a")
        #expect(
            try world.text("SELECT reason, row FROM weir_rejected")
                == "the key column 'k' is null|{\"k\":null,\"v\":null}")
    }

    @Test func aValueOfAnotherTypeIsRefusedWhereTheTableIsStrict() throws {
        try world.execute("CREATE TABLE t (k TEXT, v INTEGER PRIMARY KEY)")
        let sink = world.sink()
        try sink.open()
        try commit([TableWorld.row(1, "2"), TableWorld.row(2, "x")], as: 1, to: sink)
        #expect(try world.text("SELECT * FROM t") == "1|2")
        #expect(try world.text("SELECT reason FROM weir_rejected") == "datatype mismatch")
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
        try commit([TableWorld.row(1, "a")], as: 1, to: sink)
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
        #expect(try numbers() == [1, 2])
    }

    /// A reader does not keep a commit in write-ahead mode, which stays as it is.
    @Test func writeAheadModeStays() throws {
        try world.execute("PRAGMA journal_mode = WAL")
        let sink = world.sink()
        try sink.open()
        let reader = try world.connection(leavesTransactionsOpen: true)
        try reader.inDatabase { try $0.execute(sql: "BEGIN; SELECT * FROM t") }
        _ = try commit(1...3, as: 1, to: sink)
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        #expect(try numbers() == [1, 2, 3])
        #expect(try world.text("PRAGMA journal_mode") == "wal")
    }

    @Test func twoRunsOfOneNameAreTold() throws {
        let sink = world.sink()
        try sink.open()
        _ = try commit(1...3, as: 1, to: sink)
        let other = world.sink { $0.staging = world.directory("other/rows-s") }
        try other.open()
        try sink.write(TableWorld.parts([TableWorld.row(4, "d")]))
        let staged = try sink.stage(for: 2)
        try staged.sync()
        let error = #expect(throws: StorageError.self) { try staged.commit() }
        #expect(error?.kind == .alreadyExists)
        #expect(try numbers() == [1, 2, 3])
    }

    // MARK: Restores

    @Test func aDatabaseThatIsAheadIsRefused() throws {
        let first = world.sink()
        try first.open()
        let own = try commit(1...3, as: 1, to: first)
        _ = try commit(4...6, as: 2, to: first)
        try first.close()
        for ahead in [StagedFileSink.Ahead.refuse, .rollBack] {
            let error = #expect(throws: SinkAhead.self) {
                try world.sink { $0.ahead = ahead }.resume(own, epoch: 1)
            }
            #expect(error?.description.contains("bring back a backup") == true)
        }
        let second = world.sink { $0.ahead = .acceptDuplicates }
        try second.resume(own, epoch: 1)
        #expect(try second.lastEpoch() == 2)
        _ = try commit(4...7, as: 3, to: second)
        #expect(try numbers() == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7])
    }

    enum Loss: String, CaseIterable { case database, table, row, rows, backup }

    /// Makes something of the database vanish.
    private func lose(_ loss: Loss) throws {
        switch loss {
        case .database: try DiskFileSystem().unlink(world.path)
        case .table: try world.execute("DROP TABLE t")
        case .row: try world.execute("DELETE FROM weir_sinks")
        case .rows: try world.execute("DROP TABLE weir_sinks")
        case .backup: try world.execute("UPDATE weir_sinks SET epoch = 1")
        }
    }

    @Test(arguments: Loss.allCases, [true, false])
    func outputThatVanishedIsDamage(_ loss: Loss, _ isCommitted: Bool) throws {
        let first = world.sink()
        try first.open()
        _ = try commit(1...3, as: 1, to: first)
        _ = try commit(4...6, as: 2, to: first)
        try first.write(TableWorld.parts([TableWorld.row(7, "v7")]))
        let staged = try first.stage(for: 3)
        try staged.sync()
        if isCommitted { try staged.commit() }
        try first.close()
        try lose(loss)
        for _ in 0..<2 {
            let error = #expect(throws: StorageError.self) {
                try world.sink().resume(staged.own, epoch: 3)
            }
            #expect(error?.kind == .corrupt && error?.advice.contains("--allow-reset") == true)
        }
        // As a run does that may begin anew.
        let anew = world.sink()
        #expect(throws: StorageError.self) { try anew.resume(staged.own, epoch: 3) }
        try anew.open()
        _ = try commit(8...9, as: 4, to: anew)
        #expect(try numbers().suffix(2) == [8, 9])
    }

    /// The rows of the only commit were in the database, and no checkpoint says so.
    @Test func aDatabaseThatVanishedBehindItsFirstCommitIsDamage() throws {
        let first = world.sink()
        try first.open()
        let own = try commit(1...3, as: 1, to: first)
        try first.close()
        try lose(.database)
        let error = #expect(throws: StorageError.self) { try world.sink().resume(own, epoch: 1) }
        #expect(error?.kind == .corrupt)
    }

    @Test func aDatabaseThatIsReplacedDuringARunIsDamage() throws {
        let sink = world.sink()
        try sink.open()
        _ = try commit(1...3, as: 1, to: sink)
        try DiskFileSystem().rename(world.path, to: world.directory("away.db"))
        #expect(throws: StorageError.self) { try commit(4...5, as: 2, to: sink) }
        try world.execute("CREATE TABLE t (k, v)")
        let error = #expect(throws: StorageError.self) { try commit(4...5, as: 3, to: sink) }
        #expect(error?.kind == .corrupt)
    }

    /// On another machine, with a checkpoint from the second place, there is no log of staged rows.
    @Test(arguments: [true, false])
    func rowsThatWaitedAreNotForgotten(_ isCommitted: Bool) throws {
        let first = world.sink()
        try first.open()
        _ = try commit(1...3, as: 1, to: first)
        try first.write(TableWorld.parts([TableWorld.row(4, "v4")]))
        let staged = try first.stage(for: 2)
        try staged.sync()
        if isCommitted { try staged.commit() }
        try first.close()
        let second = world.sink { $0.staging = world.directory("elsewhere/rows-s") }
        if isCommitted {
            try second.resume(staged.own, epoch: 2)
            _ = try commit(5...6, as: 3, to: second)
            #expect(try numbers() == [1, 2, 3, 4, 5, 6])
        } else {
            let error = #expect(throws: StorageError.self) {
                try second.resume(staged.own, epoch: 2)
            }
            #expect(error?.kind == .corrupt)
        }
    }

    /// A finished run is followed by one that begins anew, in the same log or in another one.
    @Test(arguments: ["state/rows-s", "other/rows-s"])
    func aRunThatBeginsAnewAddsItsRows(_ staging: String) throws {
        let first = world.sink()
        try first.open()
        _ = try commit(1...3, as: 1, to: first)
        try first.close()
        let second = world.sink { $0.staging = world.directory(staging) }
        try second.open()
        #expect(try second.lastEpoch() == 1)
        _ = try commit(1...2, as: 2, to: second)
        #expect(try numbers() == [1, 2, 3, 1, 2])
    }

    /// Rows that wait are of the columns of then.
    @Test func stagedRowsOfAnEditedPipelineArriveAsTheyWere() throws {
        let first = world.sink()
        try first.open()
        try first.write(TableWorld.parts([TableWorld.row(1, "a")]))
        let staged = try first.stage(for: 1)
        try staged.sync()
        try first.close()
        try world.execute("ALTER TABLE t ADD COLUMN w INTEGER")
        let fields = [Field("w", .int), Field("k", .int)]
        let second = world.sink(fields)
        try second.resume(staged.own, epoch: 1)
        try commit([[.int(9), .int(2)]], as: 2, to: second, fields)
        #expect(try world.text("SELECT k, v, w FROM t") == "1|a|null\n2|null|9")
    }

    // MARK: Without checkpoints

    @Test func withoutCheckpointsRowsGoAtEachFlush() throws {
        let sink = world.sink(isStaged: false)
        try sink.open()
        try sink.write(TableWorld.parts([TableWorld.row(1, "a"), [.null, .null]]))
        #expect(try numbers() == [])
        try sink.flush()
        #expect(try world.text("SELECT * FROM t") == "1|a\nnull|null")
        let many = (0..<9000).map { TableWorld.row($0, "x") }
        try sink.write(TableWorld.parts(many))
        #expect(try world.text("SELECT count(*) FROM t") == "9002")
        try sink.close()
        #expect(try sink.lastEpoch() == 0)
        #expect(try world.text("SELECT name FROM sqlite_master") == "t")
    }
}
#endif
