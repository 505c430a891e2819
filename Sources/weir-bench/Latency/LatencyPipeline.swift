import Connectors
import Foundation
import Storage

/// The weir executable at work on a pipeline of its own: TCP, dedup, join, TCP.
final class LatencyPipeline {
    /// Where it listens.
    let port: UInt16
    private let process = Process()
    private let folder = BenchFiles.temporary("weir-latency")

    init(executable: String, rowsPerSecond: Int, resultPort: UInt16) throws {
        port = try LoopbackSocket.freePort()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let shops = folder.appendingPathComponent("shops.ndjson")
        try Self.shops().write(to: shops)
        let file = folder.appendingPathComponent("latency.yaml")
        try Data(Self.text(port, resultPort, shops.path).utf8).write(to: file)
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = ["run", file.path]
        try process.run()
    }

    private static func text(_ port: UInt16, _ resultPort: UInt16, _ shops: String) -> String {
        """
        name: latency
        sources:
          orders:
            type: tcp
            listen: 127.0.0.1:\(port)
            schema: { n: int, order_id: string, shop_id: int, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 5s }
          shops:
            type: file
            paths: [ '\(shops)' ]
            schema: { shop_id: int, category: string, city: string }
            table: { key: shop_id }
        steps:
          unique: { type: dedup, key: [ order_id ], bucket: 1m, retain: 15m }
          located: { type: broadcast_join, table: shops, on: shop_id, select: [ category, city ] }
        sinks:
          out: { type: tcp, connect: '127.0.0.1:\(resultPort)' }

        """
    }

    private static func shops() throws -> Data {
        let generator = try RecordGenerator(GeneratorOptions(.shops))
        var text = GeneratedText(byteCount: 4 << 20)
        generator.write(rows: 0..<generator.rowCount, into: &text)
        let bytes = text.slab.bytes(0..<text.byteCount)
        return unsafe bytes.withUnsafeBytes { unsafe Data($0) }
    }

    /// Ends the process in order; the second time does nothing.
    func stop() {
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}
