import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

struct RateLimitedSourceTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func source(records: Int, recordsPerSecond: Double) throws -> RateLimitedSource {
        files.put("a", (0..<records).map { "record \($0)\n" }.joined())
        let file = FileSource(
            FileSource.Options(patterns: ["a"]), fileSystem: files, clock: time.clock)
        let limited = RateLimitedSource(
            file, recordsPerSecond: recordsPerSecond, framing: .newline, clock: time.clock)
        try limited.open()
        return limited
    }

    /// The records of each read and when it returned, in milliseconds.
    private func run(
        _ source: RateLimitedSource
    ) throws -> [(count: Int, milliseconds: Double)] {
        var reads: [(Int, Double)] = []
        while true {
            switch try source.read(byteCount: 1 << 19, waitMilliseconds: 100) {
            case .chunk(let chunk):
                let count = Framing.newline.recordCount(in: chunk.slab.bytes(chunk.range))
                reads.append((count, Double(time.elapsed) / 1e6))
            case .end: return reads
            case .nothing, .held, .rejected: break
            }
        }
    }

    @Test(arguments: [50.0, 1000, 20_000, 200_000])
    func rateIsKeptAndEven(recordsPerSecond: Double) throws {
        let records = Int(recordsPerSecond)
        let reads = try run(source(records: records, recordsPerSecond: recordsPerSecond))
        #expect(reads.map(\.count).reduce(0, +) == records)
        let last = reads.last?.milliseconds ?? 0
        #expect(last > 950 && last < 1050, "one second's records took \(last) ms")
        let most = Int(max(recordsPerSecond * 0.03, 2))
        #expect(reads.allSatisfy { $0.count <= most }, "no burst: \(reads.map(\.count).max() ?? 0)")
        var sent = 0
        for read in reads {
            sent += read.count
            let due = recordsPerSecond * (read.milliseconds + 30) / 1000 + 2
            #expect(Double(sent) <= due)
        }
    }

    @Test func stallIsNotFollowedByABurst() throws {
        let source = try source(records: 10_000, recordsPerSecond: 1000)
        _ = try source.read(byteCount: 1 << 19, waitMilliseconds: 100)
        time.advance(nanoseconds: 5_000_000_000)
        let start = Double(time.elapsed) / 1e6
        let reads = try run(source).prefix { $0.milliseconds < start + 100 }
        #expect(reads.map(\.count).reduce(0, +) <= 130)
    }

    @Test func waitIsNotLongerThanAsked() throws {
        let source = try source(records: 10, recordsPerSecond: 1)
        _ = try source.read(byteCount: 100, waitMilliseconds: 0)
        let start = time.elapsed
        guard case .held = try source.read(byteCount: 100, waitMilliseconds: 50) else {
            Issue.record("one record a second")
            return
        }
        #expect(time.elapsed - start == 50_000_000)
    }
}
