import Dataflow
import Storage

extension RowFailures {
    /// The rows of which `keys` has none, as they are too long.
    init(refusedBy keys: EncodedKeys) {
        self.init()
        for row in keys.refused { add(row, Self.refusal) }
    }

    /// Why a key is refused.
    static let refusal = "the key is too long: a key has less than 16 MiB"
}

extension BucketSplitter.Parts {
    /// The parts without rows that have failed.
    func excluding(_ failures: RowFailures) -> Self {
        var parts = self
        parts.onTime = failures.excluded(from: parts.onTime)
        parts.buckets = parts.buckets.map { ($0.start, failures.excluded(from: $0.rows)) }
        return parts
    }
}
