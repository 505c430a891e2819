import Glibc
import Storage
import TestSupport
import Testing

/// A run that comes to its end says so in both of its places, by whichever start.
struct SecondPlaceEndTests {
    private let directory = TemporaryDirectory()
    private let files = DiskFileSystem()

    private func names(in place: String) throws -> [String] {
        try files.names(in: directory(place)).filter { $0 != "LOCK" && $0 != "COPIES" }
    }

    private func start(killedAt point: String? = nil) throws -> WeirProcess {
        let environment = point.map { "WEIR_KILL_AT='\($0)' " } ?? ""
        let weir = try WeirProcess(
            shell: "cd '\(directory.path)' && \(environment)exec \"$WEIR\" run end.yaml")
        weir.closeInput()
        return weir
    }

    @Test(arguments: [
        nil, "rename:second/checkpoint-*.manifest:1:before",
        "rename:second/checkpoint-*.manifest:1:after", "rename:state/checkpoint-*.manifest:1:after",
    ])
    func nothingButTheWordIsLeft(_ point: String?) throws {
        try files.write(
            """
            settings:
              state: { path: state }
              checkpoint: { every: 1h, second_place: { path: second } }
            sources:
              in:
                type: generate
                generator: orders
                rows: 3000
                rate: 10000/s
                schema: { order_id: string }
            sinks: { out: { type: file, path: out.ndjson } }
            """, to: directory("end.yaml"))
        // A checkpoint in both places that is not the last.
        let stopped = try start()
        _ = poll(nil, 0, 100)
        stopped.send(signal: SIGTERM)
        #expect(stopped.wait() == 0)
        // The run that comes to the end of the input, and one that completes it if it was killed.
        if let point { #expect(try start(killedAt: point).wait() == 128 + SIGKILL) }
        #expect(try start().wait() == 0)
        try expectEnd()
    }

    private func expectEnd() throws {
        for place in ["state", "second"] {
            let left = try names(in: place)
            #expect(left.count == 1 && left[0].hasSuffix(".manifest"), "\(place): \(left)")
        }
    }
}
