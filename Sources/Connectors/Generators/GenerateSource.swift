package import Dataflow
import Storage

/// A source of generated records; bounded if its options give a number of rows.
///
/// Gives records as fast as they are taken: a `rate` is kept by a `RateLimitedSource` around it.
/// Places in messages are byte offsets in the data as a whole.
package final class GenerateSource: Source {
    private let generator: RecordGenerator
    private var row = 0
    private var offset = 0

    package init(_ generator: RecordGenerator) { self.generator = generator }

    package var isBounded: Bool { generator.options.rows != nil }

    package func open() {}

    package func read(byteCount: Int, waitMilliseconds: Int) -> ReadResult {
        if row == generator.rowCount { return .end }
        // A large chunk leaves the room that a record needs within the size asked for, which is
        // one that the pool of slabs has.
        let reserve = byteCount > 16 * GeneratedText.reserve ? GeneratedText.reserve : 0
        var text = GeneratedText(byteCount: byteCount - reserve)
        row += generator.write(
            rows: row..<generator.rowCount, into: &text, within: byteCount - reserve)
        let place = SourcePlace(name: "generate", offset: offset)
        offset += text.byteCount
        return .chunk(RawChunk(slab: text.slab, range: 0..<text.byteCount, place: place))
    }

    /// The next row, and the offset of its first byte.
    package var position: SourcePosition? {
        var writer = ByteWriter()
        writer.append(Int64(row))
        writer.append(Int64(offset))
        return SourcePosition(writer.bytes)
    }

    package func resume(at position: SourcePosition) throws {
        var reader = ByteReader(position.bytes)
        row = min(max(0, Int(try reader.integer(Int64.self))), generator.rowCount)
        offset = Int(try reader.integer(Int64.self))
        try reader.finish()
    }

    /// Does nothing: a read never waits.
    package func interrupt() {}

    package func close() {}
}
