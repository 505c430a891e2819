import Glibc
import Storage
import TestSupport
import Testing

/// What signals do to a run.
struct SignalTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalEndsTheRunInOrder(_ signal: Int32) throws {
        let weir = try WeirProcess("run", "pipelines/shell-filter.yaml", "--stats")
        for number in 0..<100 { weir.send("{\"amount\":\(1000 + number)}\n") }
        for number in 0..<100 { #expect(weir.line() == "{\"amount\":\(1000 + number)}") }
        weir.send(signal: signal)
        #expect(weir.rest() == "")
        #expect(weir.allErrors().contains("sink out: rows 100"))
        #expect(weir.wait() == 0)
    }

    @Test func aSignalClosesNoWindow() throws {
        let weir = try WeirProcess("run", "pipelines/csv-hourly.yaml", "--stats")
        weir.send("timestamp,value\n2014-02-14 10:00:00,1\n2014-02-14 11:10:00,2\n")
        #expect(weir.line()?.hasPrefix("hour,") == true)
        #expect(weir.line()?.hasPrefix("2014-02-14 10:00:00,1,") == true)
        weir.send(signal: SIGTERM)
        #expect(weir.rest() == "")
        #expect(weir.allErrors().contains("absorbed 2 + held 0; emitted 1"))
        #expect(weir.wait() == 0)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSecondSignalEndsTheRunAtOnce(_ signal: Int32) throws {
        // Nobody listens there, so that what was read cannot be written.
        let listener = try #require(TestSocket.listen())
        let port = listener.port
        listener.finish()
        let weir = try WeirProcess(
            "run", "pipelines/shell-filter.yaml", "--set", "sinks.out.type=tcp", "--set",
            "sinks.out.connect=127.0.0.1:\(port)")
        weir.send("{\"amount\":1000}\n")
        #expect(weir.someErrors().contains("127.0.0.1:\(port)"))
        #expect(weir.wait(milliseconds: 100) { weir.send(signal: signal) } == 128 + signal)
    }

    /// What was read when the signal comes is written, however much is under way: the output is the
    /// beginning of the input, and no record of it is cut.
    @Test func whatWasReadIsWritten() throws {
        let output = directory("out.ndjson")
        let weir = try WeirProcess(
            "run", "pipelines/w1-filter.yaml", "--stats", "--workers", "3", "--set",
            "sources.orders.rows=100000000", "--set", "steps.paid.where=amount > 0", "--set",
            "sinks.out.type=file", "--set", "sinks.out.path=\(output)", "--set",
            "settings.chunk_size=20KiB")
        while (try? DiskFileSystem().status(of: output))??.byteCount ?? 0 < 100_000 {
            _ = poll(nil, 0, 10)
        }
        weir.send(signal: SIGTERM)
        #expect(weir.wait() == 0)
        let errors = weir.allErrors()
        let lines = try DiskFileSystem().text(of: output).split(separator: "\n")
        #expect(errors.contains("source orders: rows \(lines.count), errors 0"))
        #expect(errors.contains("sink out: rows \(lines.count)"))
        let expected = try GeneratedInput.ids(lines.count)
        for (line, id) in zip(lines, expected) where !line.hasPrefix("{\"order_id\":\"\(id)\"") {
            Issue.record("\(line) is not order \(id)")
            break
        }
        #expect(lines.last?.hasSuffix("}") == true)
    }
}
