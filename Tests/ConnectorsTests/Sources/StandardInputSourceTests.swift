import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

struct StandardInputSourceTests {
    private let pipe = TestPipe()

    private func source(recordBytesMax: Int = 1 << 20) -> StandardInputSource {
        StandardInputSource(
            StandardStream(descriptor: pipe.readEnd, name: "stdin"),
            recordBytesMax: recordBytesMax, clock: .system)
    }

    @Test func trickleComesOutAtOnce() throws {
        let source = source()
        var reading = SourceReading()
        pipe.send("one\ntw")
        try reading.read(source)
        pipe.send("o\n")
        try reading.read(source)
        try reading.read(source)
        #expect(reading.chunks == ["one\n", "two\n"])
        pipe.send("last")
        pipe.closeWriteEnd()
        try reading.read(source)
        #expect(reading.chunks == ["one\n", "two\n", "last"])
        #expect(reading.places.last == "stdin:8")
        #expect(reading.hasEnded)
    }

    @Test func whatIsThereComesAsOneChunk() throws {
        let source = source()
        for number in 0..<100 { pipe.send("\(number)\n") }
        var reading = SourceReading()
        try reading.read(source)
        #expect(reading.chunks.count == 1)
        #expect(reading.text.split(separator: "\n").count == 100)
    }

    @Test func waitsForTheRestOfARecord() throws {
        let source = source()
        pipe.send("unfinished")
        guard case .nothing = try source.read(byteCount: 100, waitMilliseconds: 3) else {
            Issue.record("no record is whole")
            return
        }
    }

    @Test func longRecordIsRejected() throws {
        let source = source(recordBytesMax: 10)
        pipe.send(String(repeating: "x", count: 30_000) + "\nok\n")
        var reading = SourceReading()
        try reading.read(source, byteCount: 4096)
        #expect(reading.rejected == ["stdin:0 the record is longer than max_record (10 bytes)"])
        #expect(reading.chunks == ["ok\n"])
        #expect(reading.places == ["stdin:30001"])
    }

    @Test func interruptEndsTheWait() throws {
        let source = source()
        source.interrupt()
        guard case .nothing = try source.read(byteCount: 100, waitMilliseconds: 60_000) else {
            Issue.record("nothing was there")
            return
        }
    }
}
