import Dataflow
import Storage

/// The `window` step at work: incremental aggregates per window and group.
///
/// A window `[start, end)` is a bucket of state. A row goes into its window if the watermark that
/// stood before it is below the window's end, and is late otherwise; when the watermark behind a
/// chunk reaches the end, the window's results leave (see `WindowResults`), and its state is
/// dropped. Sliding and session windows can share all of this: only which buckets a row touches
/// and when a bucket's groups become a result would differ.
final class WindowOperator: Operator {
    private let step: WindowStep
    private let rejection: RowRejection
    private let splitter: BucketSplitter
    private let encoder: KeyEncoder
    private let aggregates: [WindowAggregate]
    private let state: BucketedState
    /// What the windows keep beside their tables, by start.
    private var extras: [Int64: GroupExtras] = [:]
    private let results: WindowResults
    private(set) var counters = StepCounters()

    init(_ step: WindowStep, _ context: StepContext) {
        self.step = step
        rejection = RowRejection(
            step: context.step, sources: context.sources, schema: step.input)
        splitter = BucketSplitter(size: step.size, offset: step.offset)
        encoder = KeyEncoder(columns: step.by)
        var width = 0
        var aggregates: [WindowAggregate] = []
        for (index, aggregate) in step.aggregates.enumerated() {
            guard let kernel = aggregate.makeKernel() else { continue }
            aggregates.append(
                WindowAggregate(aggregate, kernel: kernel, index: index, offset: width))
            width += (kernel.stateWidth + 7) & ~7
        }
        self.aggregates = aggregates
        state = BucketedState(
            valueWidth: width, references: aggregates.flatMap(\.references), name: context.step,
            store: context.store)
        results = WindowResults(step, aggregates, name: context.step)
    }

    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) throws {
        guard let time = step.input.eventTime, let mark = step.input.watermark else { return }
        counters.received += batch.count
        var parts = splitter.split(
            batch.selection, times: batch.columns[time], watermarks: batch.columns[mark],
            retain: 0)
        if !parts.late.isEmpty {
            counters.late += parts.late.count
            output.emit(batch.selecting(parts.late), to: .late)
        }
        var failures = RowFailures()
        let inputs = aggregates.map { $0.inputs(batch, on: parts.onTime, failures: &failures) }
        if !failures.isEmpty { parts = refuse(failures, parts, batch, at: chunk, into: &output) }
        let keys = encoder.encode(batch.selecting(parts.onTime))
        if !keys.refused.isEmpty {
            let refused = RowFailures(refusedBy: keys)
            parts = refuse(refused, parts, batch, at: chunk, into: &output)
        }
        counters.absorbed += parts.onTime.count
        let entries = Slab(byteCount: keys.rowCount * 4)
        let ordinals = step.input.ordinal.map { batch.columns[$0] }
        let place = GroupStates.Place(
            chunk: chunk.number, watermarks: batch.columns[mark], ordinals: ordinals)
        for (start, rows) in parts.buckets where !rows.isEmpty {
            let table = try state.getOrInsert(start, keys, rows: rows, into: entries)
            let groups = GroupStates(
                table: table, keys: keys, rows: rows, entries: entries,
                extras: extras[start] ?? makeExtras(start), place: place)
            for (aggregate, input) in zip(aggregates, inputs) {
                aggregate.update(input, rows, groups)
            }
            try state.balance(start)
        }
    }

    private func makeExtras(_ start: Int64) -> GroupExtras {
        let made = GroupExtras()
        extras[start] = made
        return made
    }

    /// Takes rows out that have no key, or for which an argument or filter of an aggregate fails.
    private func refuse(
        _ failures: RowFailures, _ parts: BucketSplitter.Parts, _ batch: Batch, at chunk: Chunk,
        into output: inout Emitter
    ) -> BucketSplitter.Parts {
        counters.errors += failures.count
        output.emit(rejection.rows(failures, of: batch, at: chunk), to: .errors)
        return parts.excluding(failures)
    }

    func advance(to watermark: Int64, at chunk: Chunk, into output: inout Emitter) throws -> Int64 {
        try close(upTo: watermark, into: &output)
        return watermark
    }

    func finish(at chunk: Chunk, into output: inout Emitter) throws {
        try close(upTo: EventTime.end, into: &output)
    }

    private func close(upTo watermark: Int64, into output: inout Emitter) throws {
        for start in state.buckets {
            let end = splitter.end(of: start)
            guard end <= watermark, let table = try state.load(start) else { continue }
            let made = results.make(
                start: start, end: end, table: table, extras: extras[start] ?? GroupExtras())
            counters.emitted += made.batch.count
            output.emit(made.batch)
            if let rejected = made.rejected { output.emit(rejected, to: .errors) }
            try state.drop(start)
            extras[start] = nil
        }
    }

    /// Its own part is what windows keep beside their tables.
    func snapshot() throws -> OperatorSnapshot {
        var own = ByteWriter()
        let kept = extras.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        own.append(count: kept.count)
        for (start, extras) in kept {
            own.append(start)
            extras.encode(to: &own)
        }
        return OperatorSnapshot(families: state.snapshot(), own: own.bytes)
    }

    func restore(_ snapshots: [OperatorSnapshot]) throws {
        for snapshot in snapshots {
            // States refer to extras by numbers, which mean something on their own worker only:
            // where several become one, those of the later ones move up.
            let known = try loadNumbered()
            try state.restore([snapshot])
            var reader = ByteReader(snapshot.own)
            let count = try reader.count()
            for _ in 0..<count {
                let start = try reader.integer(Int64.self)
                let shift = try (extras[start] ?? makeExtras(start)).add(from: &reader)
                if shift != .none { try renumber(start, by: shift, from: known[start] ?? 0) }
            }
            try reader.finish()
        }
    }

    /// Brings the windows that have extras into memory; gives where their next entries will be.
    private func loadNumbered() throws -> [Int64: UInt32] {
        var ends: [Int64: UInt32] = [:]
        for start in extras.keys { ends[start] = try state.load(start)?.nextEntry ?? 0 }
        return ends
    }

    private func renumber(_ start: Int64, by shift: GroupExtras.Shift, from first: UInt32) throws {
        guard let table = try state.load(start) else { return }
        for entry in table.sortedEntries() where entry >= first {
            for aggregate in aggregates {
                aggregate.kernel.renumber(table, entry, offset: aggregate.offset, by: shift)
            }
        }
    }
}
