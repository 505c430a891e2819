#if SQLite
import GRDB
import Glibc
import Storage
import TestSupport
import Testing

/// Processes that write to a database, and lose all their state while rows wait for it.
struct SQLiteLossTests {
    private let directory = TemporaryDirectory()
    private static let rowCount = 20_000

    private func prepare() throws {
        let lines = (0..<Self.rowCount).map { "{\"n\":\($0),\"s\":\"row \($0)\"}\n" }
        try DiskFileSystem().write(lines.joined(), to: directory("in.ndjson"))
        try DiskFileSystem().write(
            """
            name: loss
            settings:
              state: { path: state, reserve: 8KiB }
              checkpoint:
                { every: 20ms, min_pause: 1ms, second_place: { path: second, required: true } }
              chunk_size: 8KiB
            sources:
              in: { type: file, paths: [ in.ndjson ], schema: { n: int, s: string } }
            sinks:
              t: { type: sqlite, path: out.db, table: t }
            """, to: directory("loss.yaml"))
    }

    /// Runs something in the directory of the pipeline; gives the status and what it said.
    private func shell(_ script: String) throws -> (status: Int32, text: String) {
        let process = try WeirProcess(shell: "cd \"\(directory.path)\" && \(script) 2>&1")
        process.closeInput()
        let text = process.rest()
        return (process.wait(), text)
    }

    /// Runs at a limited rate until it is killed at a point.
    private func run(killedAt point: String) throws -> (status: Int32, text: String) {
        try shell(
            "WEIR_KILL_AT='\(point)' \"$WEIR\" run loss.yaml --set sources.in.rate_limit=4000/s")
    }

    private func numbers() throws -> [Int] {
        try DatabaseQueue(path: directory("out.db")).read { database in
            try Int.fetchAll(database, sql: "SELECT n FROM t ORDER BY rowid")
        }
    }

    /// The second place has every checkpoint before the database has its rows.
    @Test func rowsThatWaitOutliveTheirState() throws {
        try prepare()
        var random = SplitMix64(seed: Seeds.base)
        var brought = 0
        var isFinished = false
        for number in 0..<14 {
            let moment = random.pick(["before", "after"])
            let count = random.int(2...4)
            let point =
                switch number % 4 {
                case 0: "rename:state/checkpoint-*.manifest:\(count):before"
                case 1: "rename:state/checkpoint-*.manifest:\(count):after"
                case 2: "rename:second/checkpoint-*.manifest:\(count):\(moment)"
                default: "sync:rows-t/log.marks:\(random.int(2...9)):\(moment)"
                }
            let (status, text) = try run(killedAt: point)
            brought += text.contains("rows that wait for sink 't' were brought back") ? 1 : 0
            // A machine that is busy with others may make too few checkpoints for that.
            isFinished = status == 0
            if isFinished { break }
            #expect(status == 128 + SIGKILL, "\(point): \(text)")
            #expect(try shell("rm -r state").status == 0)
        }
        #expect(brought > 0)
        if !isFinished {
            let (status, text) = try shell("\"$WEIR\" run loss.yaml")
            #expect(status == 0, "\(text)")
        }
        #expect(try numbers() == Array(0..<Self.rowCount), "\(Seeds.note(Seeds.base))")
    }

    /// A second place for which nothing waits has the rows of a database that somebody locks.
    @Test func rowsThatWaitForALockOutliveTheirState() throws {
        try prepare()
        let process = try WeirProcess(
            shell: """
                cd "\(directory.path)" && exec "$WEIR" run loss.yaml \
                    --set settings.checkpoint.second_place.required=false \
                    --set sources.in.rate_limit=2000/s
                """)
        process.closeInput()
        waits { newest(in: "second", ".manifest") != nil }
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(10)
        let other = try DatabaseQueue(path: directory("out.db"), configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        waits { newest(in: "second", ".row") != nil }
        let epoch = try #require(newest(in: "state", ".manifest"))
        waits { newest(in: "second", ".manifest") == epoch }
        process.send(signal: SIGKILL)
        _ = process.wait()
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        let before = try numbers().count
        #expect(try shell("rm -r state").status == 0)
        let (status, text) = try shell("\"$WEIR\" run loss.yaml")
        #expect(status == 0, "\(text)")
        #expect(try numbers() == Array(0..<Self.rowCount), "\(before) before")
    }

    private func waits(_ condition: () -> Bool) {
        for _ in 0..<30_000 where !condition() { _ = poll(nil, 0, 1) }
    }

    /// The last file of a directory whose name ends so.
    private func newest(in place: String, _ ending: String) -> String? {
        let names = (try? DiskFileSystem().names(in: directory(place))) ?? []
        return names.filter { $0.hasSuffix(ending) }.max()
    }

    @Test func anExportHasRowsThatWait() throws {
        try prepare()
        let (killed, said) = try run(killedAt: "rename:state/checkpoint-*.manifest:4:after")
        #expect(killed == 128 + SIGKILL, "\(said)")
        #expect(try shell("\"$WEIR\" checkpoint verify state").status == 0)
        #expect(try shell("\"$WEIR\" checkpoint export state --to export").status == 0)
        #expect(try shell("ls export/*.row").status == 0)
        let damage = "truncate -s 200 $(ls state/rows-t/*.segment | tail -1)"
        #expect(try shell(damage).status == 0)
        let (status, text) = try shell("\"$WEIR\" checkpoint verify state")
        #expect(status == 4)
        #expect(text.contains("rows that wait for sink t"), "\(text)")
        #expect(try shell("rm -r state second").status == 0)
        #expect(try shell("\"$WEIR\" checkpoint restore state --from export").status == 0)
        let (ended, last) = try shell("\"$WEIR\" run loss.yaml")
        #expect(ended == 0, "\(last)")
        #expect(try numbers() == Array(0..<Self.rowCount))
    }
}
#endif
