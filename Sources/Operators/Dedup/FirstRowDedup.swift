import Dataflow
import Storage

/// `dedup` with `keep: first`: passes the first arrival of each key at once.
///
/// A row touches the table of its own bucket only. Where a key is unique over a window of several
/// buckets, the buckets around its own are asked too, with the same hash. A row whose bucket has
/// expired is late. Expiry is decided by the row's own watermark, so that it does not matter how
/// rows are cut into chunks.
final class FirstRowDedup: Operator {
    private let step: DedupStep
    private let rejection: RowRejection
    private let splitter: BucketSplitter
    private let encoder: KeyEncoder
    private let state: BucketedState
    private(set) var counters = StepCounters()

    /// Keys that are remembered.
    var keyCount: Int { state.count }

    init(_ step: DedupStep, _ context: StepContext) {
        self.step = step
        rejection = RowRejection(
            step: context.step, sources: context.sources, schema: step.input)
        state = BucketedState(valueWidth: 0, name: context.step, store: context.store)
        splitter = BucketSplitter(size: step.bucketSize)
        encoder = KeyEncoder(columns: step.key)
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) throws {
        guard let time = step.input.eventTime, let mark = step.input.watermark else { return }
        counters.received += batch.count
        var parts = splitter.split(
            batch.selection, times: batch.columns[time], watermarks: batch.columns[mark],
            retain: step.retain)
        if !parts.late.isEmpty {
            counters.late += parts.late.count
            output.emit(batch.selecting(parts.late), to: .late)
        }
        let onTime = batch.selecting(parts.onTime)
        let keys = encoder.encode(onTime)
        if !keys.refused.isEmpty {
            let refused = RowFailures(refusedBy: keys)
            counters.errors += refused.count
            output.emit(rejection.rows(refused, of: batch, at: chunk), to: .errors)
            parts = parts.excluding(refused)
        }
        let entries = Slab(byteCount: keys.rowCount * 4)
        switch step.scope {
        case .bucket:
            for (start, rows) in parts.buckets where !rows.isEmpty {
                _ = try state.getOrInsert(start, keys, rows: rows, into: entries)
                try state.balance(start)
            }
        case .window: try insertInOrder(parts, keys, entries)
        }
        let fresh = parts.onTime.marked(HotTable.isNewMark, in: entries)
        counters.passed += fresh.count
        counters.duplicate += parts.onTime.count - fresh.count
        output.emit(batch.selecting(fresh))
    }

    /// Inserts runs of rows of one bucket in the order of arrival, unless a bucket in reach has
    /// their key.
    private func insertInOrder(
        _ parts: BucketSplitter.Parts, _ keys: EncodedKeys, _ entries: Slab
    ) throws {
        for (start, rows) in parts.runs where !rows.isEmpty {
            var rest = rows
            for other in step.neighbours(of: start, among: state.buckets) {
                rest = try state.missing(other, keys, among: rest, found: entries)
            }
            _ = try state.getOrInsert(start, keys, rows: rest, into: entries)
            try state.balance(start)
        }
    }

    func advance(to watermark: Int64, at chunk: Chunk, into output: inout Emitter) throws -> Int64 {
        for start in state.buckets {
            // A bucket is asked for as long as a row of a later one may come that is not late.
            let expiry = splitter.expiry(of: start, retain: step.retain)
            if EventTime.advanced(expiry, by: step.reach) <= watermark { try state.drop(start) }
        }
        return watermark
    }

    func snapshot() throws -> OperatorSnapshot { OperatorSnapshot(families: state.snapshot()) }

    func restore(_ snapshots: [OperatorSnapshot]) throws { try state.restore(snapshots) }
}
