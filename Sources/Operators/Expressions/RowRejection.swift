package import Dataflow

/// Turns rows for which an expression failed into rows of `.errors`.
package struct RowRejection: Sendable {
    private let step: String
    /// The names of the plan's sources.
    private let sources: [String]
    private let record: Int?
    private let ordinal: Int?

    /// For a step of that name; `schema` is that of the batches.
    package init(step: String, sources: [String], schema: Schema) {
        self.step = step
        self.sources = sources
        record = schema.record
        ordinal = schema.ordinal
    }

    /// The failed rows of a batch as a batch of `RejectedRows.schema`.
    package func rows(_ failures: RowFailures, of batch: Batch, at chunk: Chunk) -> Batch {
        var rejected = RejectedRows()
        let source = sources.indices.contains(chunk.source) ? sources[chunk.source] : ""
        for (row, message) in zip(failures.rows, failures.messages) {
            let position = position(of: row, in: batch, at: chunk)
            guard let record, batch.columns[record].isValid(row) else {
                rejected.add(
                    error: message, step: step, source: source, position: position, raw: nil)
                continue
            }
            let records = batch.columns[record]
            records.strings[row].withBytes { bytes in
                rejected.add(
                    error: message, step: step, source: source, position: position, raw: bytes)
            }
        }
        return rejected.take()
    }

    /// The chunk's place, and the number of the record in it, from 1.
    private func position(of row: Int, in batch: Batch, at chunk: Chunk) -> String {
        guard case .records(let raw) = chunk.content else { return "" }
        guard let ordinal, batch.columns[ordinal].isValid(row) else { return "\(raw.place)" }
        let ordinals = batch.columns[ordinal]
        return "\(raw.place) record \(ordinals.int64s[row] + 1)"
    }
}
