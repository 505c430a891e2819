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

    /// A table of which a part was read when the checkpoint was made is read again as a whole.
    @Test func whatWasRejectedWhileATableWasLoadedIsNotRejectedAgain() throws {
        files.put("in.ndjson", "{\"id\":1}\n")
        let rows = (5..<300).map { "{\"id\":\($0),\"city\":\"x\"}\n" }.joined()
        files.put(
            "shops.ndjson",
            "{\"id\":1,\"city\":\"a\"}\n{\"id\":null,\"city\":\"c\"}\n" + rows
                + "{\"id\":3,\"city\":\"b\"}\n")
        let life = try Life(Self.yaml, over: files, at: clock)
        life.step("source-1")
        life.step("source-1")
        let left = killed(life)
        #expect(left.text("rejects.ndjson")?.split(separator: "\n").count == 1)
        try expectOne(on: left)
    }
}
