import TestSupport
import Testing

@testable import Execution

/// Rows of a table's source that are rejected, in runs that are killed: each leaves exactly once.
struct RestoredTableTests {
    private static let yaml = """
        settings:
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s }
          chunk_size: 1KiB
          workers: 2
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            follow: true
            schema: { id: int }
          shops:
            type: file
            paths: [ shops.ndjson ]
            follow: true
            max_record: 100B
            schema: { id: int, city: string }
            table: { key: id }
        steps:
          joined: { type: broadcast_join, table: shops, on: id, kind: left, select: [ city ] }
        sinks:
          out: { type: file, path: out.ndjson }
          rejects: { type: file, path: rejects.ndjson, inputs: shops.errors }
        """

    private let clock = VirtualClock()
    private let files = MemoryFileSystem()

    private func rejected(_ life: Life) -> Int {
        life.files.text("rejects.ndjson")?.split(separator: "\n").count ?? 0
    }

    /// What is left when a life that made a checkpoint without reading more of the table is killed.
    private func killed(_ life: Life) -> MemoryFileSystem {
        life.pass(seconds: 2, without: ["source-1"])
        life.pass(seconds: 2, without: ["source-1"])
        return life.killed
    }

    private func expectOne(on files: MemoryFileSystem) throws {
        let second = try Life(Self.yaml, over: files, at: clock)
        second.settle()
        second.files.append("in.ndjson", "{\"id\":3}\n")
        second.pass(seconds: 2)
        second.pass(seconds: 2)
        #expect(rejected(second) == 1)
        #expect(second.files.text("out.ndjson")?.contains("\"city\":\"b\"") == true)
    }

    private func begin() throws -> Life {
        files.put("in.ndjson", "{\"id\":1}\n")
        files.put("shops.ndjson", "{\"id\":1,\"city\":\"a\"}\n{\"id\":3,\"city\":\"b\"}\n")
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        #expect(rejected(life) == 0)
        return life
    }

    @Test func aBadUpdateIsNotLostBetweenItsTableAndItsError() throws {
        let life = try begin()
        life.files.append("shops.ndjson", "{\"id\":null,\"city\":\"c\"}\n")
        life.step("source-1")
        life.files.append("in.ndjson", "{\"id\":2}\n")
        try expectOne(on: killed(life))
    }

    @Test func anOverlongUpdateIsNotRejectedAgain() throws {
        let life = try begin()
        let city = String(repeating: "c", count: 200)
        life.files.append("shops.ndjson", "{\"id\":4,\"city\":\"\(city)\"}\n")
        life.settle()
        life.files.append("in.ndjson", "{\"id\":2}\n")
        try expectOne(on: killed(life))
    }

    /// A table of which a part was read when a run was killed is read again as a whole.
    @Test(arguments: 0...4)
    func whatWasRejectedWhileATableWasLoadedIsNotRejectedAgain(_ reads: Int) throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        let rows = (5..<100).map { "{\"id\":\($0),\"city\":\"x\"}\n" }.joined()
        files.put(
            "shops.ndjson",
            "{\"id\":1,\"city\":\"a\"}\n{\"id\":null,\"city\":\"c\"}\n" + rows
                + "{\"id\":3,\"city\":\"b\"}\n")
        let life = try Life(Self.yaml, over: files, at: clock)
        for _ in 0..<reads { life.step("source-1") }
        try expectOne(on: killed(life))
    }

    /// Rows are rejected by two parts of a run, whose order depends on how they are read.
    @Test(arguments: 0...3)
    func noErrorIsLostWhereATableIsReadInOtherPieces(_ reads: Int) throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        let rows = (5..<100).map { "{\"id\":\($0),\"city\":\"x\"}\n" }.joined()
        let bad = "{\"id\":null,\"city\":\"null\"}\n{\"id\":\"one\"}\n"
        files.put("shops.ndjson", bad + "{\"id\":3,\"city\":\"b\"}\n")
        let life = try Life(Self.yaml, over: files, at: clock)
        for _ in 0..<reads { life.step("source-1") }
        let left = killed(life)
        left.append("shops.ndjson", "{\"id\":\"two\"}\n" + rows)
        let second = try Life(Self.yaml, over: left, at: clock)
        second.settle()
        second.files.append("in.ndjson", "{\"id\":3}\n")
        second.pass(seconds: 2)
        second.pass(seconds: 2)
        let errors = (second.files.text("rejects.ndjson") ?? "").split(separator: "\n")
        #expect(errors.count == 3 && Set(errors).count == 3, "\(errors)")
    }

    /// What another file had rejected says nothing of the one that takes its place.
    @Test(arguments: 0...2)
    func noErrorIsLostWhereATableIsReadFromAnotherFile(_ reads: Int) throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        files.put("shops.ndjson", "{\"id\":null}\n{\"id\":3,\"city\":\"a\"}\n")
        files.put("other.ndjson", "{\"id\":\"x\"}\n{\"id\":3,\"city\":\"b\"}\n")
        let life = try Life(Self.yaml, over: files, at: clock)
        for _ in 0..<reads { life.step("source-1") }
        let left = killed(life)
        let before = rejected(life)
        let second = try Life(
            Self.yaml, over: left, at: clock, set: ["sources.shops.paths=[ other.ndjson ]"])
        second.settle()
        second.files.append("in.ndjson", "{\"id\":3}\n")
        second.pass(seconds: 2)
        second.pass(seconds: 2)
        #expect(rejected(second) == before + 1)
    }

    private static let joined = """
        settings: { workers: 2 }
        sources:
          in: { type: file, paths: [ in.ndjson ], follow: true, schema: { id: int } }
          marks:
            type: file
            paths: [ marks.ndjson ]
            schema: { source: string, mark: string }
            table: { key: source }
          shops:
            type: file
            paths: [ shops.ndjson ]
            follow: true
            schema: { id: int, city: string }
            table: { key: id }
        steps:
          marked: { type: broadcast_join, inputs: shops.errors, table: TABLE, on: KEYS }
          joined: { type: broadcast_join, inputs: in, table: shops, on: id, kind: left }
        sinks:
          out: { type: file, path: out.ndjson }
          rejects: { type: file, path: rejects.ndjson, inputs: marked }
        """

    /// Rows that a table rejects wait like others for the tables that they meet.
    @Test(arguments: ["source-1", "source-2"])
    func rejectedRowsOfATableMeetAnotherThatIsLoadedLater(_ first: String) throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        files.put("marks.ndjson", "{\"source\":\"shops\",\"mark\":\"M\"}\n")
        files.put("shops.ndjson", "{\"id\":null}\n{\"id\":1,\"city\":\"a\"}\n")
        let yaml = Self.joined.replacing("TABLE", with: "marks").replacing("KEYS", with: "source")
        let life = try Life(yaml, over: files, at: clock)
        for _ in 0..<5 {
            for part in [first, "worker-0", "worker-1"] { life.step(part) }
        }
        life.settle()
        life.pass(seconds: 2)
        #expect(rejected(life) == 1)
        #expect(life.files.text("rejects.ndjson")?.contains("\"mark\":\"M\"") == true)
    }

    /// Even the table that has rejected them.
    @Test func rejectedRowsMeetTheTableThatRejectedThem() throws {
        files.put("in.ndjson", "{\"id\":1,\"name\":\"shops\"}\n")
        files.put("shops.ndjson", "{\"number\":5}\n{\"number\":7,\"city\":\"shops\"}\n")
        let yaml = """
            settings: { workers: 2 }
            sources:
              in:
                type: file
                paths: [ in.ndjson ]
                follow: true
                schema: { id: int, name: string }
              shops:
                type: file
                paths: [ shops.ndjson ]
                schema: { number: int, city: string }
                table: { key: city }
            steps:
              marked:
                type: broadcast_join
                inputs: shops.errors
                table: shops
                on: { source: city }
            sinks:
              out: { type: file, path: out.ndjson, inputs: in }
              rejects: { type: file, path: rejects.ndjson, inputs: marked }
            """
        let life = try Life(yaml, over: files, at: clock)
        life.settle()
        let rejects = life.files.text("rejects.ndjson") ?? ""
        #expect(rejected(life) == 1)
        #expect(rejects.contains("\"position\":\"shops.ndjson:0 record 1\""), "\(rejects)")
        #expect(rejects.contains("\"number\":7"), "\(rejects)")
    }

    /// What is held while a table is loaded has a limit.
    @Test func aFileThatIsNoTableEndsTheRun() throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        let bad = "{\"id\":\"\(String(repeating: "x", count: 64 << 10))\"}\n"
        files.put("shops.ndjson", String(repeating: bad, count: 1100))
        let life = try Life(
            Self.yaml, over: files, at: clock,
            set: ["sources.shops.max_record=1MiB", "settings.chunk_size=8MiB"])
        life.settle()
        #expect(life.hasEnded)
        let failure = life.finish().map { "\($0)" } ?? ""
        #expect(failure.hasPrefix("table 'shops' cannot be loaded: 1"), "\(failure)")
        #expect(failure.contains("of its records were rejected, with more than 67108864 bytes"))
    }

    /// A stop ends a run whose table waits for another to hand on what it rejected.
    @Test func aStopEndsTheWaitForAnotherTable() throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        files.put("marks.ndjson", "{\"source\":\"shops\",\"mark\":\"M\"}\n")
        files.put("shops.ndjson", "{\"id\":null}\n{\"id\":1,\"city\":\"a\"}\n")
        let yaml = Self.joined.replacing("TABLE", with: "marks").replacing("KEYS", with: "source")
        let life = try Life(yaml, over: files, at: clock)
        for _ in 0..<5 { life.step("source-2") }
        life.stop()
        life.settle()
        #expect(life.hasEnded)
        #expect(life.finish() == nil)
    }
}
