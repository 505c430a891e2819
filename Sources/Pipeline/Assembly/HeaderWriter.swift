import Dataflow
import Storage

/// Puts the line of names at the start of every target of a CSV sink.
final class HeaderWriter: SinkWriter {
    private let writer: any SinkWriter
    private let header: String
    /// The target there is from the start; nil where rows choose it.
    private let literalTarget: String?
    private var begun: Set<String> = []

    init(_ writer: any SinkWriter, _ header: String, _ literalTarget: String?) {
        self.writer = writer
        self.header = header
        self.literalTarget = literalTarget
    }

    func open() throws {
        try writer.open()
        if let literalTarget {
            begun.insert(literalTarget)
            try writer.write([part(literalTarget)])
        }
    }

    func write(_ parts: [EncodedPart]) throws {
        var all: [EncodedPart] = []
        for next in parts {
            if begun.insert(next.target).inserted { all.append(part(next.target)) }
            all.append(next)
        }
        try writer.write(all)
    }

    private func part(_ target: String) -> EncodedPart {
        let slab = Slab(byteCount: header.utf8.count)
        let byteCount = slab.copy(header, to: 0)
        return EncodedPart(target: target, slab: slab, byteCount: byteCount, rowCount: 0)
    }

    func flush() throws { try writer.flush() }

    func close() throws { try writer.close() }

    func interrupt() { writer.interrupt() }
}
