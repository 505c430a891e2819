import Glibc
import Storage
import TestSupport
import Testing

/// Much input, slow targets and hostile clients: memory is bounded and nothing disappears.
struct LoadTests {
    private let directory = TemporaryDirectory()

    private static let residentBytesMax = 300 << 20
    private static let filter = "pipelines/shell-filter.yaml"

    @Test func inputManyTimesLargerThanItsMemoryPasses() throws {
        let rows = 1_100_000
        let shell = try WeirProcess(
            shell: """
                "$WEIR" generate orders --rows \(rows) --span 20h | exec "$WEIR" run \
                pipelines/w2-dedup.yaml --stats --set sources.orders.type=stdin --set \
                sinks.out.type=blackhole
                """)
        shell.closeInput()
        let errors = shell.allErrors()
        let end = shell.wait()
        #expect(end == 0)
        #expect(errors.contains("source orders: rows \(rows), errors 0, bytes 19"), "\(errors)")
        #expect(try #require(Self.peakBytes(errors)) < Self.residentBytesMax)
    }

    @Test func aTargetThatNeverReadsHoldsTheInputBack() throws {
        let listener = try #require(TestSocket.listen())
        let orders = Array(try GeneratedInput.orders(200_000).utf8)
        let shell = try WeirProcess(
            shell: """
                "$WEIR" generate orders --rows 200000 | exec "$WEIR" run \(Self.filter) --stats \
                --set sinks.out.type=tcp --set sinks.out.connect=127.0.0.1:\(listener.port) \
                --set settings.bytes_in_flight=2MiB --set 'steps.keep.where=amount > 0'
                """)
        shell.closeInput()
        let target = try #require(listener.accept())
        // Time enough to read all of the input, if nothing held it back.
        _ = poll(nil, 0, 500)
        #expect(target.receiveAll(orders.count) == orders)
        let errors = shell.allErrors()
        #expect(shell.wait() == 0)
        #expect(try #require(Self.peakBytes(errors)) < 100 << 20)
    }

    @Test func aFileForEachRowTakesNoMoreMemoryThanARow() throws {
        let path = directory("files.yaml")
        try DiskFileSystem().write(
            """
            settings: { state: { path: "\(directory("state"))" }, checkpoint: { every: 1s } }
            sources:
              in:
                type: generate
                generator: orders
                rows: 4000
                duplicates: 0%
                schema: { order_id: string }
            sinks:
              out: { type: file, path: "\(directory("out"))/{order_id}.ndjson" }
            """, to: path)
        let weir = try WeirProcess("run", path, "--stats")
        let errors = weir.allErrors()
        #expect(weir.wait() == 0)
        #expect(try #require(Self.peakBytes(errors)) < 200 << 20, "\(errors)")
        let names = try DiskFileSystem().names(in: directory("out"))
        #expect(names.count { $0.hasSuffix(".ndjson") } == 4000)
    }

    /// The most memory that a run had at once, as `--stats` tells it, in bytes.
    private static func peakBytes(_ errors: String) -> Int? {
        let line = errors.split(separator: "\n").first { $0.hasPrefix("memory: peak ") }
        return line?.split(separator: " ").compactMap { Int($0) }.first.map { $0 << 10 }
    }

    /// A pipeline that takes TCP and prints rows and errors.
    private func server(port: Int, _ set: String...) throws -> WeirProcess {
        let yaml = """
            settings: { dead_letter: dead }
            sources:
              in:
                type: tcp
                listen: "127.0.0.1:\(port)"
                max_record: 64KiB
                schema: { id: int }
            steps:
              numbered: { type: filter, where: "id >= 0" }
            sinks:
              out: { type: stdout }
              dead: { type: stdout }
            """
        let path = directory("server.yaml")
        try DiskFileSystem().write(yaml, to: path)
        return try WeirProcess("run", path, "--stats")
    }

    private func freePort() throws -> Int {
        let listener = try #require(TestSocket.listen())
        defer { listener.finish() }
        return listener.port
    }

    private func connect(_ port: Int) throws -> TestSocket {
        for _ in 0..<600 {
            if let socket = TestSocket.connect(port: port) { return socket }
            _ = poll(nil, 0, 50)
        }
        throw WeirProcess.Failure(code: ECONNREFUSED)
    }

    @Test func clientsCannotHarmEachOther() throws {
        let port = try freePort()
        let weir = try server(port: port)
        let slow = try connect(port)
        let cut = try connect(port)
        let long = try connect(port)
        let silent = try connect(port)
        // One byte after the other; meanwhile another one sends a whole record.
        let record = Array("{\"id\":1}\n".utf8)
        for byte in record.dropLast() { slow.send([byte]) }
        cut.send("{\"id\":2}\n{\"id\":")
        #expect(weir.line() == "{\"id\":2}")
        slow.send([record[record.count - 1]])
        #expect(weir.line() == "{\"id\":1}")
        cut.finish()
        let error = try JSONValue(weir.line() ?? "")
        #expect(error["raw"] == .string("{\"id\":"))
        #expect(error["source"] == .string("in"))
        // A line of a MiB, and behind it one that fits; rows and errors leave by different sinks,
        // so that only what was waited for comes first.
        long.send([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20))
        long.send("\n")
        let tooLong = try JSONValue(weir.line() ?? "")
        #expect("\(tooLong["error"] ?? .null)".contains("max_record"), "\(tooLong)")
        long.send("{\"id\":3}\n")
        #expect(weir.line() == "{\"id\":3}")
        // Bytes that are no text, and nothing at all.
        silent.send([0xff, 0xfe, 0x00, 0x0a])
        #expect(try JSONValue(weir.line() ?? "")["error"] != nil)
        silent.reset()
        slow.finish()
        weir.send(signal: SIGTERM)
        #expect(weir.rest() == "")
        let errors = weir.allErrors()
        #expect(weir.wait() == 0)
        #expect(errors.contains("source in: rows 3, errors 3"), "\(errors)")
        #expect(errors.contains("sink dead: rows 3"))
    }

    @Test func manyConnectionsAtOnceLoseNothing() throws {
        let port = try freePort()
        let weir = try server(port: port)
        let probe = try connect(port)
        let (clients, each) = (20, 500)
        let senders = (0..<clients).map { client in
            TestThread {
                guard let socket = TestSocket.connect(port: port) else { return false }
                let lines = (0..<each).map { "{\"id\":\(client * each + $0)}\n" }
                return socket.send(lines.joined())
            }
        }
        var ids: [Int] = []
        for _ in 0..<clients * each {
            let line = weir.line() ?? ""
            ids.append(Int(line.dropFirst(6).dropLast()) ?? -1)
        }
        #expect(senders.allSatisfy { $0.join() == true })
        #expect(ids.sorted() == Array(0..<clients * each))
        // Of one connection the order is kept.
        for client in 0..<clients {
            let own = ids.filter { $0 / each == client }
            #expect(own == own.sorted())
        }
        probe.finish()
        weir.send(signal: SIGTERM)
        #expect(weir.wait() == 0)
    }
}
