import Connectors
import Dataflow

/// Encodes rows for the files that a path template sends them to.
final class TargetedEncoder: Encoder {
    private let encoder: any Encoder
    private let expander: PathExpander

    init(_ encoder: any Encoder, _ expander: PathExpander) {
        self.encoder = encoder
        self.expander = expander
    }

    func encode(_ batch: Batch) -> [EncodedPart] {
        expander.split(batch).flatMap { path, rows in
            encoder.encode(batch.selecting(rows)).map { part in
                EncodedPart(
                    target: path, slab: part.slab, byteCount: part.byteCount,
                    rowCount: part.rowCount)
            }
        }
    }
}
