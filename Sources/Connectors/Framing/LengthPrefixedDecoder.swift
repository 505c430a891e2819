package import Dataflow
import Storage

/// Decodes chunks of records that have a length before them, with the decoder of their format.
///
/// The records of a chunk are laid out anew with a line end behind each, as the decoders expect. A
/// line feed inside a record would end it there: it becomes a carriage return, which JSON takes for
/// the same white space, and refuses inside a string as it does a line feed.
package final class LengthPrefixedDecoder: Decoder {
    private let decoder: any Decoder

    /// For records that `decoder` reads line by line.
    package init(_ decoder: any Decoder) { self.decoder = decoder }

    package func begin(_ chunk: RawChunk) {
        let bytes = chunk.slab.bytes(chunk.range)
        let lines = Slab(byteCount: bytes.byteCount)
        let prefix = Framing.lengthPrefixByteCount
        var at = 0
        var out = 0
        while at + prefix <= bytes.byteCount {
            let count = min(
                ByteScan.bigEndianLength(in: bytes, at: at), bytes.byteCount - at - prefix)
            lines.copyLine(bytes.extracting(at + prefix..<at + prefix + count), to: out)
            at += prefix + count
            out += count + 1
        }
        decoder.begin(
            RawChunk(
                slab: lines, range: 0..<out, place: chunk.place, partition: chunk.partition,
                events: chunk.events, origin: chunk.origin))
    }

    package func next(rowsMax: Int, rejects: inout RejectedRows) -> Batch? {
        decoder.next(rowsMax: rowsMax, rejects: &rejects)
    }
}
