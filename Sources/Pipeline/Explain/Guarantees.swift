import Connectors
import Dataflow

/// What a crash costs, and what it does not.
extension CheckedPipeline {
    private var hasCheckpoints: Bool { settings.checkpoint != nil }

    /// What is lost of a source's rows when the process or the machine stops at any instant.
    func crashCost(of source: SourceSpec) -> String {
        guard hasCheckpoints else {
            return source.isReplayable
                ? "all state; the next run reads it from its start"
                : "all state, and what was received and is not in a sink"
        }
        guard source.buffer == nil else {
            return "nothing that is in its buffer: that is read again from the last checkpoint on"
        }
        guard !source.isReplayable else {
            return "nothing: it is read again from the last checkpoint on"
        }
        return "what was received since the last checkpoint: at most once"
    }

    /// How often a row gets to a sink's target across crashes.
    func guarantee(of sink: CheckedSink) -> String {
        guard hasCheckpoints else {
            switch sink.spec.kind {
            case .blackhole: return "none: rows are counted and forgotten"
            case .file(let file) where file.isRolled:
                return "none without checkpoints: the next run writes everything again, to new "
                    + "files"
            case .file(let file) where file.template.literal != nil:
                return "none without checkpoints: the next run writes its file anew"
            case .file:
                return "none without checkpoints: the next run writes everything again, behind "
                    + "what is there"
            case .sqlite(let sqlite) where !sqlite.key.isEmpty:
                return "at least once without checkpoints: the next run writes everything again, "
                    + "over the rows of the same key"
            case .sqlite:
                return "at least once without checkpoints: the next run writes everything again, "
                    + "beside what is there"
            case .log, .standardOutput, .tcp, .http:
                return "none without checkpoints: the next run writes everything again"
            }
        }
        let lossy = Set(sink.inputs.map { source(behind: $0.edge) }).sorted()
            .filter { !sources[$0].spec.isReplayable }
            .map { "'\(secrets.redact(sources[$0].spec.name.value))'" }
        let exception =
            lossy.isEmpty
            ? "" : "; less what a crash loses of " + lossy.joined(separator: " and ")
        switch sink.spec.kind {
        case .blackhole: return "none: rows are counted and forgotten"
        case .file, .log, .sqlite: return "exactly once, with each checkpoint" + exception
        case .standardOutput, .tcp, .http:
            return "at least once: rows since the last checkpoint come again after a crash"
                + exception
        }
    }

    /// What a sink does while its target is away.
    func whenAway(_ sink: SinkSpec) -> String {
        if case .sqlite = sink.kind, hasCheckpoints {
            return "rows of complete checkpoints wait on disk, and go with a later one"
        }
        guard let delivery = sink.kind.delivery, hasCheckpoints else {
            return sink.kind.behaviour.whenAway
        }
        return
            "tries again, up to \(Quantity.text(microseconds: delivery.retryMax)) later; meanwhile "
            + "rows wait in a queue of \(Quantity.text(bytes: delivery.queue.quota)) on disk, and "
            + "then sources with them"
    }

    /// The source whose rows come out of an edge.
    private func source(behind edge: Plan.Edge) -> Int {
        var node = edge.node
        while true {
            switch node {
            case .source(let index): return index
            case .step(let index): node = steps[index].input.node
            }
        }
    }
}

extension SourceSpec {
    /// Whether what it gave can be read again.
    var isReplayable: Bool {
        if buffer != nil { return true }
        return switch kind {
        case .file, .generate, .log: true
        case .standardInput, .tcp: false
        }
    }
}
