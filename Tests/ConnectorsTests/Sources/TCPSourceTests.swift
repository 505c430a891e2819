import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

@Suite(.serialized)
struct TCPSourceTests {
    private func source(
        _ change: (inout TCPSource.Options) -> Void = { _ in },
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> TCPSource {
        var options = TCPSource.Options(host: "127.0.0.1", port: 0)
        change(&options)
        let source = TCPSource(options, clock: .system, notice: notice)
        try source.open()
        return source
    }

    private func connect(_ source: TCPSource) throws -> TestSocket {
        let port = try #require(source.boundPort)
        return try #require(TestSocket.connect(port: port))
    }

    /// Reads until there is as much as said, for some seconds at most.
    private func read(
        _ source: TCPSource, into reading: inout SourceReading, byteCount: Int = 1 << 16,
        until isEnough: (SourceReading) -> Bool
    ) throws {
        for _ in 0..<2000 where !isEnough(reading) {
            try reading.read(source, byteCount: byteCount, waitMilliseconds: 5, until: isEnough)
        }
        #expect(isEnough(reading))
    }

    @Test func oneByteAtATimeGivesWholeRecords() throws {
        let source = try source()
        defer { source.close() }
        let client = try connect(source)
        var reading = SourceReading()
        for byte in "one\ntwo\n".utf8 {
            client.send([byte])
            try reading.read(source, waitMilliseconds: 0)
        }
        try read(source, into: &reading) { $0.text == "one\ntwo\n" }
        #expect(reading.chunks.allSatisfy { $0.hasSuffix("\n") })
        #expect(reading.places.last?.hasPrefix("127.0.0.1:") == true)
        #expect(!source.isBounded)
    }

    @Test(arguments: [true, false])
    func connectionCutInsideARecordGivesAnErrorRecord(isReset: Bool) throws {
        let source = try source()
        defer { source.close() }
        let first = try connect(source)
        first.send("whole\nhalf")
        var reading = SourceReading()
        try read(source, into: &reading) { $0.text == "whole\n" }
        if isReset { first.reset() } else { first.finish() }
        let second = try connect(source)
        second.send(" of another\n")
        try read(source, into: &reading) { $0.chunks.count == 2 && $0.rejected.count == 1 }
        #expect(reading.chunks == ["whole\n", " of another\n"])
        #expect(reading.rejected.first?.hasSuffix(":6 the input ends inside a record") == true)
    }

    @Test func longRecordIsRejectedAndTheConnectionGoesOn() throws {
        let source = try source { $0.recordBytesMax = 1000 }
        defer { source.close() }
        let client = try connect(source)
        client.send("a\n" + String(repeating: "x", count: 200_000) + "\nb\n")
        var reading = SourceReading()
        try read(source, into: &reading) { $0.text == "a\nb\n" }
        #expect(reading.rejected.count == 1)
        #expect(reading.rejected.first?.contains("max_record (1000 bytes)") == true)
    }

    @Test func lengthPrefixedRecordsMayHoldAnything() throws {
        let source = try source { $0.framing = .lengthPrefixed }
        defer { source.close() }
        let client = try connect(source)
        client.send([0, 0, 0, 3, 10, 0, 65, 0, 0])
        var reading = SourceReading()
        try read(source, into: &reading) { !$0.chunks.isEmpty }
        client.send([0, 1, 66])
        try read(source, into: &reading) { $0.chunks.count == 2 }
        #expect(reading.chunks == ["\0\0\0\u{3}\n\0A", "\0\0\0\u{1}B"])
    }

    @Test func manyConnectionsKeepTheirRecordsApart() throws {
        let source = try source { $0.partitionPerConnection = true }
        defer { source.close() }
        let clients = try (0..<50).map { _ in try connect(source) }
        for round in 0..<20 {
            for (index, client) in clients.enumerated() {
                client.send("client \(index) ")
                client.send("round \(round)\n")
            }
        }
        for client in clients { client.finish() }
        var reading = SourceReading()
        try read(source, into: &reading) {
            $0.events.count { if case .finished = $0 { true } else { false } } == 50
        }
        let lines = reading.text.split(separator: "\n").map(String.init)
        let expected = (0..<50).flatMap { index in
            (0..<20).map { "client \(index) round \($0)" }
        }
        #expect(lines.sorted() == expected.sorted())
        #expect(reading.events.prefix(50).contains(.opened(0)))
        for (chunk, partition) in zip(reading.chunks, reading.partitions) {
            let names = Set(chunk.split(separator: "\n").map { $0.split(separator: " ")[1] })
            #expect(names.count == 1, "a chunk is of one connection, \(partition)")
        }
        #expect(source.connectionCount == 0)
        #expect(source.queuedByteCount == 0)
    }

    @Test func senderWaitsWhileNobodyReads() throws {
        let source = try source {
            $0.connectionBytesMax = 64 << 10
            $0.recordBytesMax = 4096
        }
        defer { source.close() }
        let client = try connect(source)
        let line = Array((String(repeating: "z", count: 99) + "\n").utf8)
        let block = Array(repeating: line, count: 1000).flatMap { $0 }
        var sent = 0
        var refusals = 0
        // Until the system's buffers are full for good.
        while refusals < 20 {
            let count = client.sendSome(Array(block[(sent % line.count)...]))
            sent += count
            refusals = count == 0 ? refusals + 1 : 0
            if count == 0 { SystemTime.sleep(nanoseconds: 2_000_000) }
            if sent > 200 << 20 { break }
        }
        #expect(sent < 200 << 20)
        #expect(source.queuedByteCount < 2 << 20)
        let rest = line.count - sent % line.count
        var received = 0
        while received < sent - sent % line.count {
            guard
                case .chunk(let chunk) = try source.read(byteCount: 1 << 16, waitMilliseconds: 2000)
            else { break }
            received += chunk.range.count
        }
        #expect(received == sent - sent % line.count)
        client.send(Array(line.suffix(rest)))
    }

    @Test func connectionsBeyondTheLimitAreRefused() throws {
        let notices = Mutex<[String]>([])
        let source = try source(
            { $0.connectionsMax = 2 }, notice: { text in notices.withLock { $0.append(text) } })
        defer { source.close() }
        let first = try connect(source)
        let second = try connect(source)
        first.send("a\n")
        second.send("b\n")
        var reading = SourceReading()
        try read(source, into: &reading) { $0.chunks.count == 2 }
        let third = try connect(source)
        #expect(third.receive().isEmpty)
        #expect(source.refusedConnectionCount == 1)
        #expect(notices.withLock { $0.count } == 1)
        #expect(notices.withLock { $0.first }?.hasSuffix("max_connections is 2") == true)
        first.finish()
        try read(source, into: &reading) { _ in source.connectionCount == 1 }
        let fourth = try connect(source)
        fourth.send("d\n")
        try read(source, into: &reading) { $0.chunks.last == "d\n" }
    }

    @Test func unfinishedRecordsOfAllAreBounded() throws {
        let source = try source { $0.unfinishedBytesMax = 1 << 20 }
        defer { source.close() }
        let clients = try (0..<3).map { _ in try connect(source) }
        let part = [UInt8](repeating: 97, count: 400_000)
        var reading = SourceReading()
        for client in clients { client.send(part) }
        try read(source, into: &reading) { !$0.rejected.isEmpty }
        #expect(
            reading.rejected.first?.hasSuffix("too many unfinished records on all connections")
                == true)
        // What the others have sent by now is all there can be.
        #expect(source.queuedByteCount <= 2 * part.count)
    }

    @Test func silentClientCostsNothing() throws {
        let source = try source()
        defer { source.close() }
        let silent = try (0..<20).map { _ in try connect(source) }
        let client = try connect(source)
        client.send("a\n")
        var reading = SourceReading()
        try read(source, into: &reading) { $0.text == "a\n" }
        #expect(source.queuedByteCount == 0)
        #expect(silent.count == 20)
    }

    @Test func interruptEndsTheWait() throws {
        let source = try source()
        defer { source.close() }
        source.interrupt()
        guard case .nothing = try source.read(byteCount: 100, waitMilliseconds: 60_000) else {
            Issue.record("nothing was there")
            return
        }
    }

    @Test func portInUseIsSaid() throws {
        let source = try source()
        defer { source.close() }
        let port = try #require(source.boundPort)
        let second = TCPSource(TCPSource.Options(host: "127.0.0.1", port: port), clock: .system)
        let error = #expect(throws: NetworkError.self) { try second.open() }
        #expect(error?.address == "127.0.0.1:\(port)")
        #expect(error?.cause == "Address already in use")
        let nowhere = TCPSource(TCPSource.Options(host: "no.such.invalid", port: 0), clock: .system)
        let unknown = #expect(throws: NetworkError.self) { try nowhere.open() }
        #expect(unknown?.cause.contains("SocketAddressError") == false)
    }
}
