#if SQLite
import Execution
import GRDB
import Glibc
import Storage
import TestSupport
import Testing

/// Processes that write to a database and are killed again and again.
struct SQLiteKillTests {
    private let directory = TemporaryDirectory()
    private static let rowCount = 80_000
    private static let killCount = 36
    /// Rows a second while it is killed.
    private static let rate = 4000

    /// How a run is to end.
    private enum Ending {
        case at(String)
        case after(milliseconds: Int32)
        /// While SQLite is about to change its file.
        case inTransaction(milliseconds: Int32)
        case behindCheckpoint(milliseconds: Int32)
    }

    private func prepare() throws {
        let lines = (0..<Self.rowCount).map {
            "{\"n\":\($0),\"k\":\($0 * 7 % 997),\"s\":\"row \($0)\"}\n"
        }
        try DiskFileSystem().write(lines.joined(), to: directory("in.ndjson"))
        try DiskFileSystem().write(
            """
            name: kill
            settings:
              state: { path: state, memory_limit: 1MiB }
              checkpoint: { every: 20ms, min_pause: 1ms }
              chunk_size: 8KiB
            sources:
              in: { type: file, paths: [ in.ndjson ], schema: { n: int, k: int, s: string } }
            steps:
              most: { type: filter, where: "n <> 3" }
            sinks:
              t: { type: sqlite, path: out.db, table: t, inputs: in }
              u: { type: sqlite, path: out.db, table: u, key: k, inputs: most }
              odd: { type: sqlite, path: other.db, table: t, inputs: most }
            """, to: directory("kill.yaml"))
    }

    /// Starts a run in a directory, with some options.
    private func start(_ options: String, environment: String = "") throws -> WeirProcess {
        let process = try WeirProcess(
            shell: """
                cd "\(directory.path)" && \(environment) exec "$WEIR" run kill.yaml \(options)
                """)
        process.closeInput()
        return process
    }

    /// Checkpoints that are in the directory of the state.
    private var newest: String {
        let names = (try? DiskFileSystem().names(in: directory("state"))) ?? []
        return names.filter { $0.hasSuffix(".manifest") }.max() ?? ""
    }

    /// Whether a run came to the end of its input, and to its own: the next one begins anew.
    private func hasEnded() throws -> Bool {
        let inspection = CheckpointInspection(directory("state"), fileSystem: DiskFileSystem())
        return try inspection.list().checkpoints.last?.hasEnded == true
    }

    private var isInTransaction: Bool {
        ["out.db-journal", "other.db-journal"].contains { name in
            (try? DiskFileSystem().status(of: directory(name))) ?? nil != nil
        }
    }

    private func waits(_ condition: () -> Bool) {
        for _ in 0..<10_000 where !condition() { _ = poll(nil, 0, 1) }
    }

    private func nextEnding(_ number: Int, _ random: inout SplitMix64) -> Ending {
        let moment = random.pick(["before", "after"])
        let part = random.pick(["before", "within", "after"])
        let count = random.int(1...12)
        switch number % 9 {
        case 0: return .at("write:log.marks:\(count):\(part)")
        case 1: return .inTransaction(milliseconds: Int32(random.int(0...4)))
        case 2: return .at("sync:log.marks:\(count):\(moment)")
        case 3: return .after(milliseconds: Int32(random.int(0...150)))
        case 4: return .at("rename:checkpoint-*.manifest:\(random.int(1...3)):\(moment)")
        case 5: return .at("write:*.segment:\(count):\(part)")
        case 6: return .inTransaction(milliseconds: 0)
        case 7: return .at("sync:*.segment:\(random.int(1...4)):\(moment)")
        default: return .behindCheckpoint(milliseconds: Int32(random.int(0...40)))
        }
    }

    /// Runs until it is killed; gives what it ended with.
    private func live(_ ending: Ending, workers: Int) throws -> (status: Int32, errors: String) {
        let options = "--workers \(workers) --set sources.in.rate_limit=\(Self.rate)/s"
        var environment = ""
        if case .at(let point) = ending { environment = "WEIR_KILL_AT='\(point)'" }
        let before = newest
        let process = try start(options, environment: environment)
        switch ending {
        case .at: break
        case .after(let time): _ = poll(nil, 0, time)
        case .inTransaction(let time):
            waits { newest != before }
            for _ in 0..<300 where !isInTransaction { _ = poll(nil, 0, 1) }
            _ = poll(nil, 0, time)
        case .behindCheckpoint(let time):
            waits { newest != before }
            _ = poll(nil, 0, time)
        }
        if case .at = ending {
        } else {
            process.send(signal: SIGKILL)
        }
        let errors = process.allErrors()
        return (process.wait(), errors)
    }

    /// All rows of a table, with the numbers that SQLite gave them or by a key.
    private func rows(_ table: String, of database: String, by order: String) throws -> [String] {
        try DatabaseQueue(path: directory(database)).read { database in
            try String.fetchAll(
                database, sql: "SELECT n || '|' || k || '|' || s FROM \(table) ORDER BY \(order)")
        }
    }

    private func content() throws -> [[String]] {
        [
            try rows("t", of: "out.db", by: "rowid"), try rows("u", of: "out.db", by: "k"),
            try rows("t", of: "other.db", by: "rowid"),
        ]
    }

    @Test func tablesAreThoseOfAnUndisturbedRunHoweverOftenItIsKilled() throws {
        var random = SplitMix64(seed: Seeds.base)
        let note = Seeds.note(Seeds.base)
        try prepare()
        var kills = 0
        var number = 0
        var isFinished = false
        while kills < Self.killCount && !isFinished {
            let ending = nextEnding(number, &random)
            let (status, errors) = try live(ending, workers: random.int(1...4))
            number += 1
            // One that was killed behind its end has come to it.
            isFinished = try hasEnded()
            if status == 128 + SIGKILL {
                kills += 1
            } else if status != 0 {
                Issue.record("\(ending) ended with \(status): \(errors); \(note)")
                return
            }
        }
        #expect(kills >= 30, "\(note)")
        if !isFinished {
            let last = try start("--workers 3")
            let errors = last.allErrors()
            #expect(last.wait() == 0, "\(errors)")
        }
        let killed = try content()
        for name in ["out.db", "other.db"] {
            let integrity = try DatabaseQueue(path: directory(name)).read {
                try String.fetchAll($0, sql: "PRAGMA integrity_check")
            }
            #expect(integrity == ["ok"])
            try DiskFileSystem().unlink(directory(name))
        }
        let plain = try start(
            "--workers 1 --set settings.checkpoint=null --set settings.state=null")
        #expect(plain.wait() == 0)
        let undisturbed = try content()
        #expect(undisturbed[0].count == Self.rowCount)
        #expect(undisturbed[0].last == "79999|676|row 79999")
        for (found, wanted) in zip(killed, undisturbed) where found != wanted {
            let (missing, extra) = (Set(wanted).subtracting(found), Set(found).subtracting(wanted))
            Issue.record(
                """
                \(found.count) rows instead of \(wanted.count), without \(missing.sorted().prefix(3)), \
                with \(extra.sorted().prefix(3)); \(note)
                """)
        }
    }

    // MARK: Exit codes

    /// Runs to a stop behind some commits.
    private func stop() throws {
        try prepare()
        let process = try start("--set sources.in.rate_limit=\(Self.rate)/s")
        waits { newest >= "checkpoint-0000000000000003.manifest" }
        process.send(signal: SIGTERM)
        #expect(process.wait() == 0)
    }

    private func run(_ options: String) throws -> (status: Int32, errors: String) {
        let process = try start(options)
        let errors = process.allErrors()
        return (process.wait(), errors)
    }

    @Test func aDatabaseThatVanishedEndsARunWithFour() throws {
        try stop()
        try DiskFileSystem().unlink(directory("out.db"))
        for _ in 0..<2 {
            let (status, errors) = try run("")
            #expect(status == 4)
            #expect(errors.contains("there is no database") && errors.contains("--allow-reset"))
        }
        let (status, errors) = try run("--allow-reset t --allow-reset u")
        #expect(status == 0, "\(errors)")
        let found = try rows("t", of: "out.db", by: "rowid")
        #expect(!found.isEmpty && found.count < Self.rowCount)
        #expect(found.last == "79999|676|row 79999")
        #expect(try rows("t", of: "other.db", by: "rowid").count == Self.rowCount - 1)
    }

    @Test func aDatabaseThatIsAheadEndsARunWithFour() throws {
        try stop()
        try DatabaseQueue(path: directory("other.db")).write {
            try $0.execute(sql: "UPDATE weir_sinks SET epoch = epoch + 5")
        }
        for flag in ["", "--roll-back-sinks"] {
            let (status, errors) = try run(flag)
            #expect(status == 4)
            #expect(errors.contains("bring back a backup"), "\(errors)")
        }
        let (status, errors) = try run("--accept-duplicates")
        #expect(status == 0, "\(errors)")
        #expect(try rows("t", of: "out.db", by: "rowid").count == Self.rowCount)
        #expect(try rows("t", of: "other.db", by: "rowid").count == Self.rowCount - 1)
    }

    @Test func rowsThatWaitForATableAreNotLostUnasked() throws {
        try prepare()
        // Checkpoints become complete, and nothing comes to the database.
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(10)
        let process = try start("--set sources.in.rate_limit=\(Self.rate)/s")
        waits { !newest.isEmpty }
        let other = try DatabaseQueue(path: directory("other.db"), configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let before = newest
        waits { newest != before }
        process.send(signal: SIGKILL)
        _ = process.wait()
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        let (status, errors) = try run("--set sinks.odd.table=v")
        #expect(status == 3)
        #expect(errors.contains("--allow-reset odd"), "\(errors)")
        #expect(try run("").status == 0)
        #expect(try rows("t", of: "other.db", by: "rowid").count == Self.rowCount - 1)
    }
}
#endif
