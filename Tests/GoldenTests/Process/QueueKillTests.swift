import Glibc
import Storage
import TestSupport
import Testing

/// Pipelines into a server that is away: checkpoints are made meanwhile, and after a kill every
/// record arrives.
struct QueueKillTests {
    private let directory = TemporaryDirectory()

    private func write(_ name: String, _ text: String) throws {
        let file = try DiskFileSystem().open(directory(name), .write(truncating: true))
        try file.writeAll(SlabSlice(text), at: 0)
    }

    /// The newest checkpoint in the directory of the state.
    private var newest: String? {
        let names = (try? DiskFileSystem().names(in: directory("state"))) ?? []
        return names.filter { $0.hasSuffix(".manifest") }.max()
    }

    @Test func recordsForAServerThatIsAwayArriveAfterAKill() throws {
        let listener = try #require(TestSocket.listen())
        let port = listener.port
        listener.finish()
        try write("in.ndjson", (0..<5000).map { "{\"n\":\($0)}\n" }.joined())
        try write(
            "away.yaml",
            """
            settings:
              state: { path: "\(directory("state"))" }
              checkpoint: { every: 20ms, min_pause: 0s }
              chunk_size: 4KiB
            sources:
              in: { type: file, paths: [ "\(directory("in.ndjson"))" ], follow: true, schema: { n: int } }
            sinks: { out: { type: tcp, connect: "127.0.0.1:\(port)", retry_max: 100ms } }
            """)
        let first = try WeirProcess("run", directory("away.yaml"))
        for _ in 0..<1000 where newest == nil { _ = poll(nil, 0, 10) }
        let early = try #require(newest)
        let more = try DiskFileSystem().open(directory("in.ndjson"), .write(truncating: false))
        let size = try more.status().byteCount
        try more.writeAll(SlabSlice((5000..<6000).map { "{\"n\":\($0)}\n" }.joined()), at: size)
        // The checkpoint behind the new records comes although nothing was delivered.
        for _ in 0..<1000 where newest == early { _ = poll(nil, 0, 10) }
        #expect(newest != early)
        first.send(signal: SIGKILL)
        _ = first.wait()
        let server = try #require(TestSocket.listen(port: port))
        let second = try WeirProcess("run", directory("away.yaml"))
        let connection = try #require(server.accept())
        var bytes: [UInt8] = []
        var lines: Set<Substring> = []
        while lines.count < 6000 {
            let received = connection.receive()
            try #require(!received.isEmpty, "\(lines.count) lines")
            bytes += received
            guard let end = bytes.lastIndex(of: 10) else { continue }
            lines.formUnion(String(decoding: bytes[...end], as: UTF8.self).split(separator: "\n"))
            bytes.removeFirst(end + 1)
        }
        second.send(signal: SIGTERM)
        #expect(second.wait() == 0)
        #expect(lines == Set((0..<6000).map { "{\"n\":\($0)}"[...] }))
    }

    /// A run that is stopped does not wait for the server either.
    @Test func aSignalEndsARunWhoseServerIsAway() throws {
        let listener = try #require(TestSocket.listen())
        let port = listener.port
        listener.finish()
        try write(
            "away.yaml",
            """
            settings:
              state: { path: "\(directory("state"))" }
              checkpoint: { every: 20ms }
            sources: { in: { type: stdin, schema: { n: int } } }
            sinks: { out: { type: tcp, connect: "127.0.0.1:\(port)", retry_max: 100ms } }
            """)
        let first = try WeirProcess("run", directory("away.yaml"))
        first.send((0..<100).map { "{\"n\":\($0)}\n" }.joined())
        for _ in 0..<1000 where newest == nil { _ = poll(nil, 0, 10) }
        first.send(signal: SIGTERM)
        #expect(first.wait() == 0)
        let server = try #require(TestSocket.listen(port: port))
        let second = try WeirProcess("run", directory("away.yaml"))
        second.send("{\"n\":100}\n")
        second.closeInput()
        let connection = try #require(server.accept())
        let expected = (0...100).map { "{\"n\":\($0)}\n" }.joined()
        #expect(connection.receiveAll(expected.utf8.count) == Array(expected.utf8))
        #expect(second.wait() == 0)
    }
}
