import Dataflow
import Synchronization

/// Ends a run before its time: by a signal, or by a failure that leaves everything as it is.
final class Interruption: Sendable {
    enum Kind: Sendable { case stop, failure }

    /// What a run fails with.
    struct Failure: Error {}

    private let kind: Kind
    /// Reads of the source until then.
    private let remaining: Atomic<Int>
    private let stop = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ kind: Kind, afterReads reads: Int) {
        self.kind = kind
        remaining = Atomic(reads)
    }

    func onStop(_ body: @escaping @Sendable () -> Void) { stop.withLock { $0 = body } }

    /// Puts itself in front of the sources that are no tables.
    func interrupt(_ plan: inout Plan) {
        plan.sources = plan.sources.map { node in
            guard node.table == nil else { return node }
            var interrupted = Plan.SourceNode(
                name: node.name, schema: node.schema, watermark: node.watermark,
                makeSource: { InterruptedSource(try node.makeSource(), self) },
                makeDecoder: node.makeDecoder)
            interrupted.binding = node.binding
            return interrupted
        }
    }

    func noteRead() throws {
        guard remaining.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        switch kind {
        case .stop: stop.withLock { $0 }?()
        case .failure: throw Failure()
        }
    }
}

/// A source that tells of every read.
private final class InterruptedSource: ForwardingSource {
    let source: any Source
    private let interruption: Interruption

    init(_ source: any Source, _ interruption: Interruption) {
        self.source = source
        self.interruption = interruption
    }

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        try interruption.noteRead()
        return try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
    }
}
