import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

struct StandardOutputSinkTests {
    private let pipe = TestPipe()

    private func sink() -> StandardOutputSink {
        StandardOutputSink(StandardStream(descriptor: pipe.writeEnd, name: "stdout"))
    }

    @Test func partsAreThereWhenTheWriteReturns() throws {
        let sink = sink()
        try sink.write([EncodedPart("one\n"), EncodedPart(""), EncodedPart("two\n")])
        #expect(pipe.receive(100) == Array("one\ntwo\n".utf8))
    }

    @Test func closedReaderEndsTheRunQuietly() throws {
        let sink = sink()
        pipe.closeReadEnd()
        #expect(throws: OutputClosed.self) { try sink.write([EncodedPart("one\n")]) }
    }

    @Test func slowReaderGetsEverythingInOrder() throws {
        let sink = sink()
        let text = (0..<60_000).map { "line \($0) with some more text in it\n" }.joined()
        let byteCount = text.utf8.count
        nonisolated(unsafe) let pipe = self.pipe
        let reader = TestThread { () -> [UInt8] in
            var all: [UInt8] = []
            while all.count < byteCount { all += unsafe pipe.receive(10_007) }
            return all
        }
        let half = text.utf8.index(text.startIndex, offsetBy: byteCount / 2)
        try sink.write([EncodedPart(String(text[..<half])), EncodedPart(String(text[half...]))])
        #expect(reader.join() == Array(text.utf8))
    }

    @Test func interruptEndsAWriteThatWaits() throws {
        let sink = sink()
        nonisolated(unsafe) let waiting = sink
        let writer = TestThread { () -> String in
            let part = EncodedPart(String(repeating: "x", count: 1 << 16) + "\n")
            do {
                while true { try unsafe waiting.write([part]) }
            } catch {
                return "\(error)"
            }
        }
        SystemTime.sleep(nanoseconds: 3_000_000)
        sink.interrupt()
        #expect(writer.join() == "writing to stdout was interrupted while it waited")
    }

    @Test func blackholeCounts() throws {
        let sink = BlackholeSink()
        try sink.open()
        try sink.write([EncodedPart("a\nb\n"), EncodedPart("c\n")])
        try sink.close()
        #expect(sink.rowCount == 3)
        #expect(sink.byteCount == 6)
    }
}
