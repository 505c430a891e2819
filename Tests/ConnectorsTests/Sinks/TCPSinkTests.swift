import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

@Suite(.serialized)
struct TCPSinkTests {
    private func sink(
        port: Int, _ change: (inout TCPSink.Options) -> Void = { _ in }
    ) throws -> TCPSink {
        var options = TCPSink.Options(host: "127.0.0.1", port: port)
        options.firstPauseMilliseconds = 1
        options.longestPauseMilliseconds = 4
        change(&options)
        let sink = TCPSink(options, clock: .system)
        try sink.open()
        return sink
    }

    /// Runs a write on another thread.
    private func start(_ sink: TCPSink, _ parts: [EncodedPart]) -> TestThread<String> {
        nonisolated(unsafe) let sink = sink
        return TestThread {
            do {
                try unsafe sink.write(parts)
                return "written"
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func recordsArriveInOrderAndTheEndIsOrderly() throws {
        let server = try #require(TestSocket.listen())
        let sink = try sink(port: server.port)
        try sink.write([EncodedPart("one\n"), EncodedPart("two\n")])
        let connection = try #require(server.accept())
        #expect(connection.receiveAll(8) == Array("one\ntwo\n".utf8))
        try sink.write([EncodedPart("three\n")])
        try sink.close()
        #expect(connection.receiveAll(100) == Array("three\n".utf8))
    }

    @Test func lengthPrefixesReplaceNewlines() throws {
        let server = try #require(TestSocket.listen())
        let sink = try sink(port: server.port) { $0.isLengthPrefixed = true }
        try sink.write([EncodedPart("one\nthree\n")])
        let connection = try #require(server.accept())
        #expect(
            connection.receiveAll(16)
                == [0, 0, 0, 3] + Array("one".utf8) + [0, 0, 0, 5] + Array("three".utf8))
        try sink.close()
    }

    @Test func writeWaitsForAServerThatComesLate() throws {
        let reserved = try #require(TestSocket.listen())
        let port = reserved.port
        reserved.finish()
        let sink = try sink(port: port)
        let write = start(sink, [EncodedPart("late\n")])
        SystemTime.sleep(nanoseconds: 5_000_000)
        let server = try #require(TestSocket.listen(port: port))
        let connection = try #require(server.accept())
        #expect(connection.receiveAll(5) == Array("late\n".utf8))
        #expect(write.join() == "written")
        try sink.close()
    }

    @Test func whatWasNotTakenIsSentAgainFromTheStartOfARecord() throws {
        let server = try #require(TestSocket.listen())
        let sink = try sink(port: server.port)
        let lines = (0..<100_000).map { "line \($0) " + String(repeating: "x", count: 100) + "\n" }
        let text = lines.joined()
        let write = start(sink, [EncodedPart(text)])
        let first = try #require(server.accept())
        let received = first.receiveAll(1000)
        #expect(text.utf8.starts(with: received))
        first.reset()
        let second = try #require(server.accept())
        #expect(second.receiveAll(text.utf8.count) == Array(text.utf8))
        #expect(write.join() == "written")
        #expect(sink.connectionCount == 2)
        try sink.close()
    }

    @Test func serverThatClosesIsConnectedToAgain() throws {
        let server = try #require(TestSocket.listen())
        let sink = try sink(port: server.port)
        try sink.write([EncodedPart("one\n")])
        let first = try #require(server.accept())
        #expect(first.receiveAll(4) == Array("one\n".utf8))
        first.finish()
        // Until the end of the connection has come to the sink's side.
        var number = 0
        while sink.connectionCount < 2 && number < 1000 {
            SystemTime.sleep(nanoseconds: 1_000_000)
            try sink.write([EncodedPart("try \(number)\n")])
            number += 1
        }
        let second = try #require(server.accept())
        #expect(String(decoding: second.receive(), as: UTF8.self).hasPrefix("try "))
        try sink.close()
    }

    @Test func interruptEndsAWriteToAServerThatNeverReads() throws {
        let server = try #require(TestSocket.listen())
        let sink = try sink(port: server.port)
        let part = EncodedPart(String(repeating: "x", count: 8 << 20) + "\n")
        let write = start(sink, [part, part])
        let connection = try #require(server.accept())
        sink.interrupt()
        #expect(
            write.join()
                == "writing to 127.0.0.1:\(server.port) was interrupted while it waited")
        try sink.close()
        #expect(connection.receiveAll(20 << 20).count < 16 << 20)
    }

    @Test func interruptEndsAWriteWithoutAServer() throws {
        let reserved = try #require(TestSocket.listen())
        let port = reserved.port
        reserved.finish()
        let sink = try sink(port: port) { $0.firstPauseMilliseconds = 60_000 }
        let write = start(sink, [EncodedPart("x\n")])
        SystemTime.sleep(nanoseconds: 2_000_000)
        sink.interrupt()
        #expect(write.join()?.hasPrefix("writing to 127.0.0.1") == true)
    }

    @Test func pausesGrowAndAreTheSameForASeed() {
        var backoff = Backoff(firstMilliseconds: 50, longestMilliseconds: 5000, seed: 1)
        var again = Backoff(firstMilliseconds: 50, longestMilliseconds: 5000, seed: 1)
        var other = Backoff(firstMilliseconds: 50, longestMilliseconds: 5000, seed: 2)
        let pauses = (0..<12).map { _ in backoff.take() }
        #expect(pauses == (0..<12).map { _ in again.take() })
        #expect(pauses != (0..<12).map { _ in other.take() })
        var longest = 50
        for pause in pauses {
            #expect(pause >= longest / 2 && pause <= longest)
            longest = min(longest * 2, 5000)
        }
        backoff.reset()
        #expect(backoff.take() <= 50)
    }
}
