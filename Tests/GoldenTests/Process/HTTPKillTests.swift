import Glibc
import Storage
import Synchronization
import TestSupport
import Testing

/// Pipelines into an HTTP server that is away, busy, forgetful and choosy, killed and started
/// again: every row arrives, or is set apart with the reason.
struct HTTPKillTests {
    private let directory = TemporaryDirectory()
    private let files = DiskFileSystem()

    private static let rows = 20_000

    /// Runs the pipeline until it is killed, or ends; its exit code.
    private func run(killedAfter milliseconds: Int32?) throws -> Int32 {
        let weir = try WeirProcess("run", directory("out.yaml"))
        if let milliseconds {
            _ = poll(nil, 0, milliseconds)
            weir.send(signal: SIGKILL)
        }
        return weir.wait()
    }

    @Test(arguments: [1, 2] as [UInt64])
    func everyRowArrivesOrIsSetApart(seed: UInt64) throws {
        let random = Mutex(SplitMix64(seed: seed))
        let taken = Mutex<[String: Int]>([:])
        let server = try TestHTTPServer { request in
            let fate = random.withLock { $0.next() % 10 }
            if fate == 0 { return .status(503) }
            if fate == 1 { return .close }
            let lines = request.body.split(separator: "\n").map(String.init)
            if lines.contains(where: { $0.contains("\"bad\"") }) { return .status(400) }
            taken.withLock { taken in
                for line in lines { taken[line, default: 0] += 1 }
            }
            // Taken, and nobody hears of it.
            return fate == 2 ? .close : .status(200)
        }
        let isBad = { (row: Int) in row % 1999 == 7 }
        let rows = (0..<Self.rows).map { "{\"n\":\($0)\(isBad($0) ? ",\"note\":\"bad\"" : "")}" }
        try files.write(rows.joined(separator: "\n") + "\n", to: directory("in.ndjson"))
        try files.write(
            """
            settings:
              state: { path: "\(directory("state"))" }
              checkpoint: { every: 20ms, min_pause: 0s }
              chunk_size: 4KiB
            sources:
              in:
                type: file
                paths: [ "\(directory("in.ndjson"))" ]
                schema: { n: int, note: string }
                rate_limit: 20000/s
            sinks:
              out:
                type: http
                url: "http://127.0.0.1:\(server.port)/in"
                max_rows: 100
                refused: "\(directory("refused"))"
                retry_min: 1ms
                retry_max: 5ms
            """, to: directory("out.yaml"))
        for _ in 0..<8 {
            let wait = Int32(20 + random.withLock { $0.next() % 200 })
            let code = try run(killedAfter: wait)
            #expect(code == 128 + SIGKILL || code == 0)
        }
        #expect(try run(killedAfter: nil) == 0)
        let good = Set(rows.indices.filter { !isBad($0) }.map { rows[$0] })
        #expect(Set(taken.withLock { $0.keys }) == good)
        let refused = try refusedRows()
        #expect(Set(refused) == Set(rows.indices.filter(isBad).map { rows[$0] }))
    }

    /// The rows in the log of those that were refused.
    private func refusedRows() throws -> [String] {
        let view = try LogView(directory("refused"), fileSystem: files)
        let reader = try LogReader(view, partition: 0, from: .earliest)
        var rows: [String] = []
        while let batch = try reader.next() {
            var records = batch.records
            while let record = try records.next() {
                guard let value = record.value else { continue }
                let slice = batch.slice(value)
                let line = String(decoding: slice.slab.array(slice.range), as: UTF8.self)
                #expect(line.contains("\"status\":400"))
                let start = try #require(line.firstRange(of: "\"row\":"))
                rows.append(String(line[start.upperBound...].dropLast()))
            }
        }
        return rows
    }
}
