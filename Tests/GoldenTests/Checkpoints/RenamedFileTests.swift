import Dataflow
import Execution
import Pipeline
import Storage
import TestSupport
import Testing

/// Files that are renamed between two lives of a run that reads them.
struct RenamedFileTests {
    private static let yaml = """
        name: renamed
        settings:
          state: { path: state, memory_limit: 1MiB }
          checkpoint: { every: 10ms }
          chunk_size: 5KiB
          workers: 2
        sources:
          in:
            type: file
            paths: [ "in/*.csv" ]
            format: { type: csv }
            FIELDS
        sinks:
          out: { type: file, path: out.ndjson }
          rejects: { type: file, path: rejects.ndjson, inputs: in.errors }
        """
    private static let fields = "schema: { number: int, name: string }"
    private let files = MemoryFileSystem()
    private let expected: [String]

    init() {
        let numbers = 0..<3000
        let rows = numbers.map { "\($0),name-\($0)\n" }
        files.put("in/a.csv", "number,name\n" + rows[..<2000].joined())
        files.put(
            "in/b.csv", "name,number\n" + numbers[2000...].map { "name-\($0),\($0)\n" }.joined())
        expected = numbers.map { "{\"number\":\($0),\"name\":\"name-\($0)\"}" }
    }

    private func run(
        _ fields: String, _ interruption: Interruption? = nil
    ) throws -> PipelineRun {
        try PipelineRun.run(
            Self.yaml.replacing("FIELDS", with: fields), name: "renamed", over: files,
            interruption: interruption)
    }

    /// A header belongs to the file, whatever that is called, and not to what took its name.
    @Test(
        arguments: ["in/0.csv", "in/c.csv"],
        [nil, "", "x,y,z\n1,2,3\n", "name,number\nname-7,7\n"])
    func aRenamedFileKeepsItsHeader(_ name: String, _ successor: String?) throws {
        let first = try run(Self.fields, Interruption(.stop, afterReads: 4))
        #expect(first.failure == nil)
        let before = first.lines("out.ndjson").count
        try #require(before > 0 && before < 2000)
        try files.rename("in/a.csv", to: name)
        if let successor { files.put("in/a.csv", successor) }
        let second = try run(Self.fields)
        #expect(second.failure == nil, "\(second.failure ?? "")")
        #expect(second.lines("rejects.ndjson") == [])
        let found = second.lines("out.ndjson").map(String.init).sorted()
        #expect(found == expected.sorted(), "\(found.count)")
    }

    /// Columns that were guessed stay what they were.
    @Test func aRenamedFileKeepsItsGuessedColumns() throws {
        try files.unlink("in/b.csv")
        let first = try run("max_record: 1KiB", Interruption(.stop, afterReads: 4))
        #expect(first.failure == nil, "\(first.failure ?? "")")
        try files.rename("in/a.csv", to: "in/z.csv")
        let second = try run("max_record: 1KiB")
        #expect(second.failure == nil, "\(second.failure ?? "")")
        #expect(second.lines("rejects.ndjson") == [])
        #expect(second.lines("out.ndjson").count == 2000)
    }
}
