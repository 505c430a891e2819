import Dataflow

/// Decides which decoded rows take part in event time: a row without one, or from too far in the
/// future, is rejected before it can move the watermark.
struct Admission {
    let schema: Schema
    /// How far behind the wall clock at arrival an event time may lie, in microseconds.
    let maxFuture: Int64?
    let source: String

    /// The rows that pass; the others go to `rejects`.
    func admit(
        _ batch: Batch, arrival: Int64, place: SourcePlace, rejects: inout RejectedRows
    ) -> Batch {
        guard let index = schema.eventTime else { return batch }
        let column = batch.columns[index]
        let latest = maxFuture.map { arrival.addingReportingOverflow($0) }
        guard column.validity != nil || latest != nil else { return batch }
        let limit = latest.map { $0.overflow ? Int64.max : $0.partialValue } ?? Int64.max
        let times = column.int64s
        var kept = SelectionBuilder(capacity: batch.count)
        var refused: [(row: Int, error: String)] = []
        batch.selection.forEach { row in
            if !column.isValid(row) {
                refused.append((row, "the event time is null"))
            } else if times[row] > limit {
                refused.append((row, "the event time is beyond max_future"))
            } else {
                kept.append(row)
            }
        }
        guard !refused.isEmpty else { return batch }
        for (row, error) in refused {
            reject(row, of: batch, error: error, place: place, rejects: &rejects)
        }
        return batch.selecting(kept.finish())
    }

    private func reject(
        _ row: Int, of batch: Batch, error: String, place: SourcePlace,
        rejects: inout RejectedRows
    ) {
        guard let record = schema.record else {
            rejects.add(
                error: error, step: source, source: source, position: place.description, raw: nil)
            return
        }
        batch.columns[record].text(at: row).withBytes { raw in
            rejects.add(
                error: error, step: source, source: source, position: place.description, raw: raw)
        }
    }
}
