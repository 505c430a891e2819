import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Connectors

@Suite(.serialized)
struct HTTPSinkTests {
    private let directory = TemporaryDirectory()
    private let files = DiskFileSystem()

    private func sink(
        _ server: TestHTTPServer, notices: Notices = Notices(),
        _ change: (inout HTTPSink.Options) -> Void = { _ in }
    ) throws -> HTTPSink {
        let address = try HTTPAddress("http://127.0.0.1:\(server.port)/in?source=test")
        return try sink(address, notices: notices, change)
    }

    private func sink(
        _ address: HTTPAddress, notices: Notices = Notices(),
        _ change: (inout HTTPSink.Options) -> Void = { _ in }
    ) throws -> HTTPSink {
        var options = HTTPSink.Options(address)
        options.firstPauseMilliseconds = 1
        options.longestPauseMilliseconds = 4
        change(&options)
        let sink = HTTPSink(options, fileSystem: files, clock: .system, notice: { notices.add($0) })
        try sink.open()
        return sink
    }

    /// Runs a write on another thread; gives its error.
    private func start(_ sink: HTTPSink, _ parts: [EncodedPart]) -> TestThread<String> {
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

    /// What the log of refused rows holds, a line each.
    private func refused() throws -> [String] {
        let view = try LogView(directory("refused"), fileSystem: files)
        let reader = try LogReader(view, partition: 0, from: .earliest)
        var lines: [String] = []
        while let batch = try reader.next() {
            var records = batch.records
            while let record = try records.next() {
                guard let value = record.value else { continue }
                let slice = batch.slice(value)
                lines.append(String(decoding: slice.slab.array(slice.range), as: UTF8.self))
            }
        }
        return lines
    }

    // MARK: What is sent

    @Test func rowsAreLinesOfAPost() throws {
        let server = try TestHTTPServer { _ in .status(200) }
        let sink = try sink(server) { $0.headers = [("X-Api-Key", "k")] }
        try sink.write([EncodedPart("{\"a\":1}\n{\"a\":2}\n"), EncodedPart("{\"a\":3}\n")])
        try sink.close()
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1)
        #expect(request.method == "POST")
        #expect(request.uri == "/in?source=test")
        #expect(request.body == "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
        #expect(request.headers["content-type"] == "application/x-ndjson")
        #expect(request.headers["x-api-key"] == "k")
        #expect(request.headers["content-length"] == "24")
    }

    @Test func requestsHaveTheirLimits() throws {
        let server = try TestHTTPServer { _ in .status(204) }
        let sink = try sink(server) {
            $0.rowsMax = 3
            $0.bytesMax = 8
            $0.body = .array
            $0.method = "PUT"
            $0.headers = [("content-type", "application/vnd.rows+json")]
        }
        try sink.write([EncodedPart("1\n2\n3\n4\n"), EncodedPart("55555\n666666666666\n7\n8\n")])
        try sink.close()
        let bodies = server.requests.map(\.body)
        #expect(bodies == ["[1,2,3]", "[4,55555]", "[666666666666]", "[7,8]"])
        #expect(server.requests.allSatisfy { $0.method == "PUT" })
        let types = Set(server.requests.map { $0.headers["content-type"] })
        #expect(types == ["application/vnd.rows+json"])
    }

    @Test func aRowCanHaveARequestOfItsOwn() throws {
        let server = try TestHTTPServer { _ in .status(201, body: "{\"id\":7}") }
        let sink = try sink(server) { $0.body = .row }
        try sink.write([EncodedPart("{\"a\":1}\n{\"a\":2}\n")])
        try sink.close()
        #expect(server.requests.map(\.body) == ["{\"a\":1}", "{\"a\":2}"])
        #expect(server.requests[0].headers["content-type"] == "application/json")
    }

    // MARK: Servers that do not take rows

    /// Answers with each of these once, then with 200.
    private func server(_ answers: [TestAnswer]) throws -> TestHTTPServer {
        let script = AnswerScript(answers)
        return try TestHTTPServer { _ in script.next() }
    }

    @Test func whatWasNotTakenIsSentAgain() throws {
        let codes = [500, 503, 429, 408, 401, 403, 404, 302, 425, 599]
        let server = try server(codes.map { .status($0) } + [.close])
        let notices = Notices()
        let sink = try sink(server, notices: notices)
        try sink.write([EncodedPart("{\"a\":1}\n")])
        try sink.write([EncodedPart("{\"a\":2}\n")])
        try sink.close()
        let bodies = server.requests.map(\.body)
        #expect(bodies == Array(repeating: "{\"a\":1}\n", count: 12) + ["{\"a\":2}\n"])
        let texts = notices.all
        #expect(texts.count == 11)
        #expect(texts[0].contains("it answered 500 Internal Server Error; again in"))
        #expect(texts[10].contains("it closed the connection"))
        #expect(texts.allSatisfy { !$0.contains("source=test") })
    }

    @Test func aRedirectIsToldAndNotFollowed() throws {
        let elsewhere = ["Location": "https://elsewhere.example/in"]
        let server = try server([.status(301, headers: elsewhere)])
        let notices = Notices()
        let sink = try sink(server, notices: notices)
        try sink.write([EncodedPart("1\n")])
        try sink.close()
        #expect(notices.all[0].contains("301 Moved Permanently, to https://elsewhere.example/in"))
    }

    @Test func aServerIsWaitedForAsLongAsItAsks() throws {
        let server = try server([.status(503, headers: ["Retry-After": "1"])])
        let notices = Notices()
        let sink = try sink(server, notices: notices)
        try sink.write([EncodedPart("1\n")])
        try sink.close()
        #expect(notices.all[0].hasSuffix("; again in 1000 ms"))
    }

    @Test func anAnswerThatDoesNotComeIsNotWaitedForForEver() throws {
        let server = try server([.silence])
        let notices = Notices()
        let sink = try sink(server, notices: notices) { $0.timeoutMilliseconds = 50 }
        try sink.write([EncodedPart("1\n")])
        try sink.close()
        #expect(notices.all[0].contains("it did not answer in time"))
        #expect(server.requests.count >= 2)
    }

    @Test func writeWaitsForAServerThatComesLate() throws {
        let first = try TestHTTPServer { _ in .status(200) }
        let port = first.port
        try first.stop()
        let notices = Notices()
        let address = try HTTPAddress("http://127.0.0.1:\(port)")
        let sink = try sink(address, notices: notices)
        let write = start(sink, [EncodedPart("late\n")])
        while notices.all.count < 3 { SystemTime.sleep(nanoseconds: 1_000_000) }
        let second = try TestHTTPServer(port: port) { _ in .status(200) }
        #expect(write.join() == "written")
        #expect(second.requests.map(\.body) == ["late\n"])
        #expect(notices.all[0].contains("onnection refused"))
        try sink.close()
    }

    @Test(arguments: [TestAnswer.silence, .status(503)])
    func interruptEndsAWrite(_ answer: TestAnswer) throws {
        let server = try TestHTTPServer { _ in answer }
        let sink = try sink(server)
        let write = start(sink, [EncodedPart("1\n")])
        server.waitForRequest()
        sink.interrupt()
        let url = "http://127.0.0.1:\(server.port)/in"
        #expect(write.join() == "writing to \(url) was interrupted while it waited")
        try sink.close()
    }

    // MARK: Rows that are refused

    @Test func rowsThatAreRefusedAreSetApartOneByOne() throws {
        let server = try TestHTTPServer { request in
            request.body.contains("bad") ? .status(422, body: "no\n \"bad\" rows") : .status(200)
        }
        let notices = Notices()
        let sink = try sink(server, notices: notices) {
            $0.refused = directory("refused")
        }
        let rows = (0..<20).map { "{\"n\":\($0)\($0 % 7 == 3 ? ",\"bad\":true" : "")}\n" }
        try sink.write([EncodedPart(rows.joined())])
        try sink.close()
        let taken = server.requests.filter { !$0.body.contains("bad") }.map(\.body).joined()
        #expect(taken == rows.filter { !$0.contains("bad") }.joined())
        let start = "{\"url\":\"http://127.0.0.1:\(server.port)/in\",\"status\":422,"
        #expect(
            try refused()
                == [3, 10, 17].map {
                    start + "\"answer\":\"no \\\"bad\\\" rows\",\"row\":{\"n\":\($0),\"bad\":true}}"
                })
        #expect(notices.all.count == 2)
        #expect(notices.all[0].contains("refused a row, 1 so far: 422"))
    }

    @Test func aRefusedRowEndsTheRunWhereItHasNoPlace() throws {
        let server = try TestHTTPServer { request in
            request.body.contains("bad") ? .status(400, body: "bad row") : .status(200)
        }
        let sink = try sink(server)
        let url = "http://127.0.0.1:\(server.port)/in"
        #expect(
            start(sink, [EncodedPart("1\n2\nbad\n4\n")]).join()
                == "cannot send to \(url): it refused a row: 400 Bad Request: bad row; to go on "
                + "without such rows, keep them with 'refused: PATH'")
        try sink.close()
    }

    /// A server that takes, loses its answer, is busy or refuses as a seed decides, against what an
    /// undisturbed one is given.
    @Test(arguments: 0..<20)
    func everyRowArrivesOrIsSetApart(seed: UInt64) throws {
        let random = Mutex(SplitMix64(seed: seed))
        let kept = Mutex<[Int]>([])
        let server = try TestHTTPServer { request in
            let rows = request.body.split(separator: "\n").compactMap { Int($0) }
            switch random.withLock({ $0.next() % 8 }) {
            case 0: return .status(503)
            case 1: return .close
            case 2 where rows.allSatisfy({ $0 % 11 != 5 }):
                // Taken, and nobody hears of it.
                kept.withLock { $0 += rows }
                return .close
            default: break
            }
            if rows.contains(where: { $0 % 11 == 5 }) { return .status(400) }
            kept.withLock { $0 += rows }
            return .status(200)
        }
        let sink = try sink(server) {
            $0.refused = directory("refused")
            $0.rowsMax = 1 + Int(seed) * 3
        }
        var rows = 0
        while rows < 200 {
            let count = 1 + Int(random.withLock { $0.next() % 40 })
            try sink.write([EncodedPart((rows..<rows + count).map { "\($0)\n" }.joined())])
            rows += count
        }
        try sink.close()
        var firsts: [Int] = []
        for row in kept.withLock({ $0 }) where !firsts.contains(row) { firsts.append(row) }
        #expect(firsts == (0..<rows).filter { $0 % 11 != 5 })
        let refused = try refused().map { $0.split(separator: ":").last ?? "" }
        #expect(refused == (0..<rows).filter { $0 % 11 == 5 }.map { "\($0)}" })
    }

    // MARK: Encryption

    @Test func bothSidesSayWhoTheyAre() throws {
        let server = try TestHTTPServer(isEncrypted: true) { _ in .status(200) }
        try files.write(TestCertificate.certificate, to: directory("cert.pem"))
        try files.write(TestCertificate.key, to: directory("key.pem"))
        let sink = try sink(try HTTPAddress("https://localhost:\(server.port)/")) {
            $0.tls.authorities = directory("cert.pem")
            $0.tls.identity = (directory("cert.pem"), directory("key.pem"))
        }
        try sink.write([EncodedPart("secret\n")])
        try sink.close()
        #expect(server.requests.map(\.body) == ["secret\n"])
    }

    @Test func aServerThatNobodyVouchesForGetsNothing() throws {
        let server = try TestHTTPServer(isEncrypted: true) { _ in .status(200) }
        let notices = Notices()
        let address = try HTTPAddress("https://localhost:\(server.port)/")
        let sink = try sink(address, notices: notices)
        let write = start(sink, [EncodedPart("secret\n")])
        while notices.all.isEmpty { SystemTime.sleep(nanoseconds: 1_000_000) }
        sink.interrupt()
        #expect(write.join() != "written")
        #expect(notices.all[0].contains("no encrypted connection"))
        #expect(server.requests.isEmpty)
        try sink.close()
    }

    @Test func filesThatAreNoCertificatesAreNamed() throws {
        let address = try HTTPAddress("https://localhost/")
        try files.write("nothing", to: directory("cert.pem"))
        let error = #expect(throws: StorageError.self) {
            try sink(address) { $0.tls.authorities = directory("cert.pem") }
        }
        #expect("\(try #require(error))".contains("cert.pem: no certificate in PEM form"))
        #expect(throws: StorageError.self) {
            try sink(address) { $0.tls.authorities = directory("absent.pem") }
        }
    }
}

/// Answers that are given one after the other, then 200.
private final class AnswerScript: Sendable {
    private let answers: Mutex<ArraySlice<TestAnswer>>

    init(_ answers: [TestAnswer]) { self.answers = Mutex(answers[...]) }

    func next() -> TestAnswer { answers.withLock { $0.popFirst() } ?? .status(200) }
}

/// What a sink told.
private final class Notices: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ text: String) { texts.withLock { $0.append(text) } }

    var all: [String] { texts.withLock { $0 } }
}
