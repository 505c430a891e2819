/// A step at work: batches in, batches out, no files, clocks or threads.
///
/// One instance per worker holds that worker's shard of the step's state. The engine calls
/// `process` for the batches of a chunk in order, then `advance` once with the watermark behind the
/// chunk; at the end of the input `finish` instead. What throws here fails the run; rows that
/// cannot be processed go to `Port.errors`.
package protocol Operator: AnyObject {
    /// Takes a batch of the input's schema.
    func process(_ batch: Batch, at chunk: Chunk, into output: inout Emitter) throws

    /// The rows of a chunk are through, and `watermark` stands behind them; gives the watermark of
    /// the output, which never passes a row that is still held.
    func advance(to watermark: Int64, at chunk: Chunk, into output: inout Emitter) throws -> Int64

    /// No row will follow: emits what is held.
    func finish(at chunk: Chunk, into output: inout Emitter) throws

    /// What became of the rows so far.
    var counters: StepCounters { get }

    /// Gives the state as it is now, at a cost that does not grow with it: what is large is only
    /// frozen here, and written in the background.
    func snapshot() throws -> OperatorSnapshot

    /// Takes over what steps of the same name held at a checkpoint, before the first row: a
    /// snapshot from each worker of then whose keys may be this one's now.
    func restore(_ snapshots: [OperatorSnapshot]) throws
}

extension Operator {
    package func snapshot() throws -> OperatorSnapshot { OperatorSnapshot() }

    package func restore(_ snapshots: [OperatorSnapshot]) throws {}

    package func advance(
        to watermark: Int64, at chunk: Chunk, into output: inout Emitter
    ) throws -> Int64 { watermark }

    package func finish(at chunk: Chunk, into output: inout Emitter) throws {}
}

/// The outputs a step may have.
package enum Port: UInt8, Sendable, CaseIterable {
    case main, late, errors, unmatched

    /// The name behind the dot in `inputs`; the main output has none.
    package var name: String? {
        switch self {
        case .main: nil
        case .late: "late"
        case .errors: "errors"
        case .unmatched: "unmatched"
        }
    }
}

/// Takes what a step emits, in order.
package struct Emitter: ~Copyable {
    package private(set) var emitted: [(port: Port, batch: Batch)] = []

    package init() {}

    /// Passes rows on; an empty batch goes nowhere.
    package mutating func emit(_ batch: Batch, to port: Port = .main) {
        if !batch.isEmpty { emitted.append((port, batch)) }
    }

    /// Gives away what was emitted.
    package mutating func take() -> [(port: Port, batch: Batch)] {
        let taken = emitted
        emitted = []
        return taken
    }
}

/// Where the rows a step received went.
///
/// received = passed + filtered + duplicate + late + errors + unmatched + absorbed + held;
/// a held row that is released has passed. `emitted`, results made of absorbed rows, stands apart.
package struct StepCounters: Sendable, Equatable {
    package var received = 0
    package var passed = 0
    package var filtered = 0
    package var duplicate = 0
    package var late = 0
    package var errors = 0
    package var unmatched = 0
    package var absorbed = 0
    package var held = 0
    package var emitted = 0
    /// Of the rows that passed, those that found nothing to join with; apart, like `emitted`.
    package var missed = 0

    package init() {}

    /// Whether every received row is accounted for.
    package var isConserved: Bool {
        received == passed + filtered + duplicate + late + errors + unmatched + absorbed + held
    }

    package static func += (sum: inout StepCounters, other: StepCounters) {
        sum.received += other.received
        sum.passed += other.passed
        sum.filtered += other.filtered
        sum.duplicate += other.duplicate
        sum.late += other.late
        sum.errors += other.errors
        sum.unmatched += other.unmatched
        sum.absorbed += other.absorbed
        sum.held += other.held
        sum.emitted += other.emitted
        sum.missed += other.missed
    }
}
