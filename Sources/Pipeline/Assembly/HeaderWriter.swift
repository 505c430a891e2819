import Dataflow
import Storage

/// Puts the line of names at the start of what a CSV sink writes to a stream; files have it from
/// `FileSink`.
final class HeaderWriter: SinkWriter {
    private let writer: any SinkWriter
    private let header: String
    private var isBegun = false

    init(_ writer: any SinkWriter, _ header: String) {
        self.writer = writer
        self.header = header
    }

    func open() throws { try writer.open() }

    func write(_ parts: [EncodedPart]) throws {
        try writer.write(isBegun ? parts : [part()] + parts)
        isBegun = true
    }

    private func part() -> EncodedPart {
        let slab = Slab(byteCount: header.utf8.count)
        let byteCount = slab.copy(header, to: 0)
        return EncodedPart(target: "", slab: slab, byteCount: byteCount, rowCount: 0)
    }

    func flush() throws { try writer.flush() }

    /// An output without rows still has its names.
    func close() throws {
        if !isBegun { try writer.write([part()]) }
        try writer.close()
    }

    func leave() throws { try writer.leave() }

    func interrupt() { writer.interrupt() }

    func watch(_ wake: @escaping @Sendable () -> Void) { writer.watch(wake) }

    func check() throws { try writer.check() }

    func stage(for epoch: Int) throws -> StagedOutput { try writer.stage(for: epoch) }

    func committed(_ epoch: Int) { writer.committed(epoch) }

    func resume(_ own: [UInt8], epoch: Int) throws { try writer.resume(own, epoch: epoch) }

    func beginAnew(_ own: [UInt8], epoch: Int) throws {
        try writer.beginAnew(own, epoch: epoch)
    }

    func lastEpoch() throws -> Int { try writer.lastEpoch() }

    var waitingLog: String? { writer.waitingLog }
}
