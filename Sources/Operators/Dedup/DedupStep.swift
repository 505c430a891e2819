package import Dataflow

/// The `dedup` step: which rows count as the same, for how long, and which of them leaves.
package struct DedupStep: Sendable {
    /// Over which rows a key is unique. Times in microseconds.
    package enum Scope: Sendable, Equatable {
        /// Within each aligned bucket of event time; a bucket is forgotten `retain` after its end.
        case bucket(size: Int64, retain: Int64)
        /// Over any span of `size`, kept in `buckets` parts.
        case window(size: Int64, buckets: Int)
    }

    /// Which row of a key leaves.
    package enum Keep: String, Sendable, CaseIterable {
        /// The first to arrive, at once.
        case first
        /// The newest, when the watermark closes its bucket.
        case last
    }

    package let input: Schema
    /// Columns of the key.
    package let key: [Int]
    package let scope: Scope
    package let keep: Keep
    /// For `keep: last`, the column that says which row is newer; absent, the later arrival is.
    package let version: Int?

    package init(input: Schema, key: [Int], scope: Scope, keep: Keep, version: Int? = nil) {
        self.input = input
        self.key = key
        self.scope = scope
        self.keep = keep
        self.version = version
    }

    /// The length of one bucket.
    var bucketSize: Int64 {
        switch scope {
        case .bucket(let size, _): size
        case .window(let size, let buckets): max(1, size / Int64(buckets))
        }
    }

    /// How long a bucket is remembered behind its end.
    var retain: Int64 {
        switch scope {
        case .bucket(_, let retain): retain
        case .window(let size, _): size
        }
    }

    /// The operator of one worker.
    package func makeOperator(_ context: StepContext) -> any Operator {
        switch keep {
        case .first: FirstRowDedup(self)
        case .last: LastRowDedup(self)
        }
    }
}
