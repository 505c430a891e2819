import Glibc
import Storage
import TestSupport
import Testing

/// Processes that are killed while they take records in: what they had acknowledged is in the
/// output, once.
struct BufferKillTests {
    private let directory = TemporaryDirectory()

    /// A sender that sends again what was not acknowledged.
    private struct Sender {
        let port: Int
        let total: Int
        var acknowledged = 0
        /// Records below this number were sent.
        var sent = 0
        /// Records that may have been taken in without an acknowledgement.
        var repeated: Set<Int> = []
        private var socket: TestSocket?
        private var base = 0
        private var text = ""

        init(port: Int, total: Int) {
            self.port = port
            self.total = total
        }

        mutating func connect() -> Bool {
            for _ in 0..<2000 {
                socket = TestSocket.connect(port: port)
                if socket != nil { break }
                _ = poll(nil, 0, 5)
            }
            base = acknowledged
            text = ""
            repeated.formUnion(acknowledged..<sent)
            sent = acknowledged
            return socket != nil
        }

        mutating func send(_ count: Int) {
            let end = min(sent + count, total)
            socket?.send((sent..<end).map { "{\"n\":\($0)}\n" }.joined())
            sent = end
        }

        /// Waits for an acknowledgement; says whether there was one.
        mutating func hear() -> Bool {
            let bytes = socket?.receive() ?? []
            text += String(decoding: bytes, as: UTF8.self)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            text = String(lines.last ?? "")
            for line in lines.dropLast() {
                acknowledged = max(acknowledged, base + (Int(line) ?? 0))
            }
            return !bytes.isEmpty
        }
    }

    private func pipeline(port: Int) throws -> String {
        let path = directory("kept.yaml")
        let yaml = """
            settings:
              state: { path: "\(directory("state"))" }
              checkpoint: { every: 50ms, min_pause: 0s }
            sources:
              in:
                type: tcp
                listen: "127.0.0.1:\(port)"
                framing: acknowledged
                schema: { n: int }
                buffer: { type: log, sync: os, quota: 16MiB }
            sinks: { out: { type: file, path: "\(directory("out.ndjson"))" } }
            """
        let file = try DiskFileSystem().open(path, .write(truncating: true))
        let slice = SlabSlice(yaml)
        try file.writeAll(slice, at: 0)
        return path
    }

    private var output: [Int] {
        let text = (try? DiskFileSystem().text(of: directory("out.ndjson"))) ?? ""
        return text.split(separator: "\n").compactMap { Int($0.dropFirst(5).dropLast()) }
    }

    @Test func whatWasAcknowledgedSurvivesKills() throws {
        let listener = try #require(TestSocket.listen())
        let port = listener.port
        listener.finish()
        let file = try pipeline(port: port)
        var random = SplitMix64(seed: Seeds.base)
        var sender = Sender(port: port, total: 20_000)
        for _ in 0..<8 {
            let weir = try WeirProcess("run", file)
            let isConnected = sender.connect()
            #expect(isConnected)
            for _ in 0..<random.int(1...12) {
                sender.send(random.int(1...300))
                let isHeard = random.chance(0.7) ? sender.hear() : true
                #expect(isHeard)
            }
            _ = poll(nil, 0, Int32(random.int(0...80)))
            weir.send(signal: SIGKILL)
            #expect(weir.wait() == 128 + SIGKILL)
        }
        let weir = try WeirProcess("run", file)
        let isConnected = sender.connect()
        #expect(isConnected)
        sender.send(20_000)
        while sender.acknowledged < 20_000 {
            let isHeard = sender.hear()
            try #require(isHeard)
        }
        for _ in 0..<600 {
            if Set(output).count == 20_000 { break }
            _ = poll(nil, 0, 50)
        }
        weir.send(signal: SIGTERM)
        #expect(weir.wait() == 0, "\(weir.allErrors())")
        var counts: [Int: Int] = [:]
        for number in output { counts[number, default: 0] += 1 }
        #expect((0..<20_000).allSatisfy { (counts[$0] ?? 0) > 0 })
        // Only what the sender has sent again can be there again.
        #expect(counts.allSatisfy { $0.value == 1 || sender.repeated.contains($0.key) })
    }

    /// What was read from a pipe before a kill is processed by the next run.
    @Test func whatCameThroughAPipeSurvivesAKill() throws {
        let path = directory("piped.yaml")
        let yaml = """
            settings:
              state: { path: "\(directory("state"))" }
              checkpoint: { every: 1h }
            sources: { in: { type: stdin, schema: { n: int }, buffer: log } }
            sinks: { out: { type: file, path: "\(directory("out.ndjson"))" } }
            """
        let written = try DiskFileSystem().open(path, .write(truncating: true))
        try written.writeAll(SlabSlice(yaml), at: 0)
        let first = try WeirProcess("run", path)
        first.send((0..<1000).map { "{\"n\":\($0)}\n" }.joined())
        let buffer = directory("state") + "/buffer-in"
        var end: Int64 = 0
        for _ in 0..<1000 where end == 0 {
            _ = poll(nil, 0, 10)
            let view = try? LogView(buffer, fileSystem: DiskFileSystem())
            end = (try? view?.mark())?.partitions[0].end.offset ?? 0
        }
        #expect(end > 0)
        first.send(signal: SIGKILL)
        _ = first.wait()
        #expect(output.isEmpty)
        let second = try WeirProcess("run", path)
        second.send((1000..<1100).map { "{\"n\":\($0)}\n" }.joined())
        second.closeInput()
        #expect(second.wait() == 0)
        let numbers = output
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
        #expect(numbers.suffix(100) == Array(1000..<1100)[...] && numbers.first == 0)
        // It came to its end: the next run has nothing of it.
        let third = try WeirProcess("run", path)
        third.send("{\"n\":5000}\n")
        third.closeInput()
        #expect(third.wait() == 0)
        #expect(output == [5000])
    }
}
