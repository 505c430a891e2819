import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// Senders that hear what of theirs is safe.
@Suite(.serialized)
struct AcknowledgedSourceTests {
    private struct Opened {
        let source: BufferedSource
        let port: Int
    }

    private func open(
        _ files: MemoryFileSystem, sync: LogOptions.Sync = .every,
        at position: SourcePosition? = nil
    ) throws -> Opened {
        var tcp = TCPSource.Options(host: "127.0.0.1", port: 0)
        tcp.isAcknowledged = true
        tcp.recordBytesMax = 1000
        let inner = TCPSource(tcp, clock: .system)
        var options = BufferedSource.Options(directory: "buffer")
        options.log.sync = sync
        let source = BufferedSource(
            inner, options, fileSystem: files, clock: .system, notice: { _ in })
        if let position { try source.resume(at: position) } else { try source.open() }
        return Opened(source: source, port: try #require(inner.boundPort))
    }

    /// The next acknowledgements, up to a count.
    private func hear(_ client: TestSocket, upTo count: Int) -> [Int] {
        var text = ""
        while !text.hasSuffix("\n") || text.split(separator: "\n").last != "\(count)"[...] {
            let bytes = client.receive()
            if bytes.isEmpty { break }
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text.split(separator: "\n").compactMap { Int($0) }
    }

    @Test(arguments: [LogOptions.Sync.every, .interval(20_000), .os])
    func sendersHearHowManyRecordsAreSafe(_ sync: LogOptions.Sync) throws {
        let opened = try open(MemoryFileSystem(), sync: sync)
        defer { opened.source.close() }
        let client = try #require(TestSocket.connect(port: opened.port))
        client.send("one\ntwo\n")
        #expect(hear(client, upTo: 2).last == 2)
        // One that is too long is safe among the rejected ones.
        client.send(String(repeating: "x", count: 2000) + "\nthree\n")
        #expect(hear(client, upTo: 4).last == 4)
        let other = try #require(TestSocket.connect(port: opened.port))
        other.send("of another\n")
        #expect(hear(other, upTo: 1) == [1])
    }

    @Test func oneWhoHasSentAllHearsTheRestAndThenTheEnd() throws {
        let opened = try open(MemoryFileSystem())
        defer { opened.source.close() }
        let client = try #require(TestSocket.connect(port: opened.port))
        client.send((0..<5000).map { "record \($0)\n" }.joined())
        client.finishSending()
        let heard = hear(client, upTo: 5000)
        #expect(heard.last == 5000 && heard == heard.sorted())
        #expect(client.receive().isEmpty)
    }

    /// Whatever was acknowledged is there after a power cut at that moment.
    @Test(arguments: Seeds.list(5))
    func acknowledgedRecordsSurviveAPowerCut(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        let opened = try open(files)
        let client = try #require(TestSocket.connect(port: opened.port))
        var sent = 0
        var cuts: [(disk: MemoryFileSystem, safe: Int)] = []
        for _ in 0..<20 {
            let count = random.int(1...50)
            client.send((sent..<sent + count).map { "record \($0)\n" }.joined())
            sent += count
            let heard = hear(client, upTo: sent)
            cuts.append((files.crash(seed: random.next()), heard.last ?? 0))
        }
        opened.source.close()
        #expect(cuts.last?.safe == sent)
        for cut in cuts {
            let later = try open(cut.disk)
            defer { later.source.close() }
            var reading = SourceReading()
            try reading.read(later.source)
            let lines = reading.text.split(separator: "\n")
            #expect(lines.count >= cut.safe, "\(Seeds.note(seed))")
            #expect(lines.enumerated().allSatisfy { $1 == "record \($0)" })
        }
    }

    /// A sink that waits for answers: what it has written is durable at the other end.
    @Test func sinkWritesWhatIsSafeAtTheOtherEnd() throws {
        let files = MemoryFileSystem()
        let opened = try open(files)
        var options = TCPSink.Options(host: "127.0.0.1", port: opened.port)
        options.isAcknowledged = true
        options.sendBytesMax = 1000
        let sink = TCPSink(options, clock: .system)
        var sent = ""
        for round in 0..<10 {
            let text = (0..<50).map { "line \(round).\($0)\n" }.joined()
            try sink.write([EncodedPart(text), EncodedPart(text)])
            sent += text + text
            let later = try open(files.crash(seed: UInt64(round)))
            var reading = SourceReading()
            try reading.read(later.source)
            later.source.close()
            #expect(reading.text == sent)
        }
        try sink.close()
        opened.source.close()
    }

    /// A record that is not durable is not acknowledged: the disk is full, and stays so.
    @Test func nothingIsAcknowledgedWhileTheDiskIsFull() throws {
        let files = MemoryFileSystem()
        let opened = try open(files)
        defer { opened.source.close() }
        let client = try #require(TestSocket.connect(port: opened.port))
        client.send("one\n")
        #expect(hear(client, upTo: 1) == [1])
        files.failAll(from: files.operationCount + 1, with: .noSpace)
        client.send("two\nthree\n")
        var reading = SourceReading()
        for _ in 0..<40 { try reading.read(opened.source, waitMilliseconds: 5) }
        #expect(reading.text == "one\n")
        #expect(client.receiveNow().isEmpty)
        files.heal()
        #expect(hear(client, upTo: 3).last == 3)
    }
}
