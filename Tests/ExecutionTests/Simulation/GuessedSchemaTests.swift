import Storage
import TestSupport
import Testing

@testable import Execution

/// Fields that were guessed from the first records stay what they were guessed to be.
struct GuessedSchemaTests {
    private static let yaml = """
        settings:
          workers: 1
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s, second_place: { path: second, required: true } }
          dead_letter: rejects
        sources:
          in: { type: file, paths: [ "in-*.ndjson" ], follow: true }
        steps:
          big: { type: filter, where: id > 0 }
          sum: { type: map, set: { more: id + 1 } }
        sinks:
          out: { type: file, path: out.ndjson }
          rejects: { type: file, path: rejects.ndjson }
        """

    private let clock = VirtualClock()
    private let files = MemoryFileSystem()

    private func life(over files: MemoryFileSystem) throws -> Life {
        let life = try Life(Self.yaml, over: files, at: clock)
        life.settle()
        life.pass(seconds: 2)
        return life
    }

    /// The first records of the next run say something else; here or in the second place the
    /// checkpoint says what the rows are.
    @Test(arguments: [false, true])
    func aRunGoesOnWithWhatWasGuessed(isLocalLost: Bool) throws {
        files.put("in-1.ndjson", "{\"id\":1}\n")
        let left = try life(over: files).killed
        left.put("in-0.ndjson", "{\"id\":\"a\",\"note\":\"new\"}\n")
        left.append("in-1.ndjson", "{\"id\":2}\n")
        if isLocalLost {
            for path in left.paths where path.hasPrefix("state/") { left.remove(path) }
        }
        let second = try life(over: left)
        let text = "{\"id\":1,\"more\":2}\n{\"id\":2,\"more\":3}\n"
        #expect(second.files.text("out.ndjson") == text)
        #expect(second.files.text("rejects.ndjson")?.contains("in-0.ndjson") == true)
    }

    @Test func aFreshStartGuessesAnew() throws {
        files.put("in-1.ndjson", "{\"id\":1}\n")
        let left = try life(over: files).killed
        for path in left.paths where path.contains("/") { left.remove(path) }
        left.overwrite("in-1.ndjson", "{\"id\":1.5}\n")
        let second = try life(over: left)
        #expect(second.files.text("out.ndjson") == "{\"id\":1.5,\"more\":2.5}\n")
    }
}
