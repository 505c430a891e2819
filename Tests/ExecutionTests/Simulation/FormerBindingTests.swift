import Dataflow
import Storage
import TestSupport
import Testing

@testable import Execution

/// State whose meaning an earlier version told in other words.
struct FormerBindingTests {
    private static let yaml = """
        settings:
          state: { path: state }
          checkpoint: { every: 1s, min_pause: 0s }
        sources:
          in:
            type: file
            paths: [ in ]
            follow: true
            schema: { id: string, ts: timestamp_s }
            event_time: ts
            watermark: { max_delay: 0s }
        steps:
          tens: { type: window, window: { kind: tumbling, size: 10s }, aggregate: { n: count() } }
        sinks:
          out: { type: file, path: out.ndjson }
        """

    private static func row(_ seconds: Int) -> String { "{\"id\":\"x\",\"ts\":\(seconds)}\n" }

    private static func text(_ text: String) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(text)
        return writer.bytes
    }

    /// Types of what is computed were not told.
    @Test func aWindowGoesOnThatWasBoundWithoutTypes() throws {
        let (files, clock) = (MemoryFileSystem(), VirtualClock())
        files.put("in", Self.row(5))
        let first = try Life(Self.yaml, over: files, at: clock)
        first.settle()
        first.pass(seconds: 2)
        let killed = first.killed
        let manifests = CheckpointFiles(path: "state", fileSystem: killed)
        let epoch = try #require(try manifests.epochs().last)
        let path = manifests.path(of: epoch)
        let types = " of rows"
        let meaning = try manifests.read(epoch).steps[0].binding.meaning
        #expect(meaning.hasSuffix(types))
        var body = try ManifestFile.read(path, in: killed)
        let range = try #require(body.firstRange(of: Self.text(meaning)))
        body.replaceSubrange(range, with: Self.text(String(meaning.dropLast(types.count))))
        try ManifestFile.write(body, to: path, in: killed)
        let second = try Life(Self.yaml, over: killed, at: clock)
        second.settle()
        second.files.append("in", Self.row(7) + Self.row(25))
        second.pass(seconds: 2)
        second.pass(seconds: 2)
        let lines = second.files.text("out.ndjson")?.split(separator: "\n") ?? []
        #expect(lines.count == 1)
        #expect(lines.first?.contains("\"n\":2") == true)
        let newest = try #require(try manifests.epochs().last)
        #expect(newest > epoch)
        #expect(try manifests.read(newest).steps[0].binding.meaning == meaning)
    }
}
