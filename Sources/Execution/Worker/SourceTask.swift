import Dataflow

/// What one worker read of a source.
package struct SourceCounters: Sendable, Equatable {
    package var rows = 0
    package var errors = 0
    package var bytes = 0

    package static func += (sum: inout SourceCounters, other: SourceCounters) {
        sum.rows += other.rows
        sum.errors += other.errors
        sum.bytes += other.bytes
    }
}

/// The task of a source, on one worker: decodes every n-th chunk, gives its rows their watermarks,
/// and runs the chain behind.
final class SourceTask {
    /// What a call of `step` achieved.
    enum Outcome {
        case done(Ticket, TaskOutput)
        case nothing
        /// A decoded chunk waits for the watermark of the one before.
        case waiting
    }

    /// A chunk that is decoded but not yet stamped.
    private struct Decoded {
        let ticket: Ticket
        let batches: [Batch]
    }

    let runner: TaskRunner
    private(set) var counters = SourceCounters()
    private let core: EngineCore
    private let decoder: any Decoder
    private let admission: Admission
    private let schema: Schema
    private let relay: WatermarkRelay?
    private var expected = Queue<Mark>()
    private var decoded: Decoded?

    init(_ runner: TaskRunner, core: EngineCore) {
        self.runner = runner
        self.core = core
        let node = core.topology.plan.sources[runner.task.source]
        decoder = node.makeDecoder()
        schema = node.schema
        admission = Admission(
            schema: node.schema, maxFuture: node.watermark?.maxFuture, source: node.name)
        relay = core.relays[runner.task.source]
    }

    func expect(_ mark: Mark) { expected.append(mark) }

    /// The barrier that is next in order, if one is.
    func takeBarrier() -> Barrier? {
        guard decoded == nil, case .barrier(let barrier)? = expected.first else { return nil }
        _ = expected.popFirst()
        return barrier
    }

    /// Decodes the next chunk, or sends the decoded one on.
    func step(waking parker: Parker) throws -> Outcome {
        if decoded == nil {
            guard case .chunk(let ticket)? = expected.first else { return .nothing }
            _ = expected.popFirst()
            decoded = Decoded(ticket: ticket, batches: try decode(ticket.chunk))
        }
        guard let ready = decoded else { return .nothing }
        let chunk = ready.ticket.chunk
        var watermark = EventTime.none
        if let relay {
            guard var tracker = relay.take(chunk.sequence, waking: parker) else { return .waiting }
            try pass(ready, through: &tracker)
            watermark = tracker.watermark
            relay.pass(tracker)
        } else {
            try pass(ready)
        }
        core.passed(watermark, source: chunk.source)
        decoded = nil
        return .done(ready.ticket, try runner.finishTurn(chunk, watermark: watermark))
    }

    private func decode(_ chunk: Chunk) throws -> [Batch] {
        var batches: [Batch] = []
        switch chunk.content {
        case .end: break
        case .rejected(let rows):
            counters.errors += rows.count
            try runner.take(rows, from: .errors)
        case .records(let raw):
            counters.bytes += raw.range.count
            decoder.begin(raw)
            var rejects = RejectedRows()
            let rowsMax = core.topology.plan.settings.batchRows
            while let batch = decoder.next(rowsMax: rowsMax, rejects: &rejects) {
                let admitted = admission.admit(
                    batch, arrival: chunk.arrival, place: raw.place, rejects: &rejects)
                if !admitted.isEmpty { batches.append(admitted) }
                counters.rows += admitted.count
            }
            counters.errors += rejects.count
            if !rejects.isEmpty { try runner.take(rejects.take(), from: .errors) }
        }
        return batches
    }

    /// Hands the rows on without event time.
    private func pass(_ ready: Decoded) throws {
        var first: Int64 = 0
        for batch in ready.batches {
            var batch = batch
            if schema.ordinal != nil { batch.columns.append(ordinals(batch, from: &first)) }
            try runner.take(batch)
        }
    }

    /// Gives every row the watermark that stood before it, and its place in the chunk.
    private func pass(_ ready: Decoded, through tracker: inout WatermarkTracker) throws {
        var partition = 0
        if case .records(let raw) = ready.ticket.chunk.content {
            partition = raw.partition
            tracker.apply(raw.events)
        }
        var first: Int64 = 0
        for batch in ready.batches {
            var batch = batch
            if let time = schema.eventTime {
                let times = batch.columns[time]
                let rows = times.count
                var builder = ColumnBuilder(.int, capacity: rows)
                var watermarks = builder.int64s
                tracker.stamp(
                    times.int64s, batch.selection, partition: partition,
                    into: &watermarks)
                if schema.watermark != nil { batch.columns.append(builder.finish(count: rows)) }
            }
            if schema.ordinal != nil { batch.columns.append(ordinals(batch, from: &first)) }
            try runner.take(batch)
        }
    }

    private func ordinals(_ batch: Batch, from first: inout Int64) -> Column {
        let rows = batch.columns.first?.count ?? batch.count
        var builder = ColumnBuilder(.int, capacity: rows)
        var ordinals = builder.int64s
        for row in 0..<rows { ordinals[row] = first &+ Int64(truncatingIfNeeded: row) }
        first += Int64(rows)
        return builder.finish(count: rows)
    }
}
