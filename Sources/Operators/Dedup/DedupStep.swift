package import Dataflow

/// The `dedup` step: which rows count as the same, for how long, and which of them leaves.
package struct DedupStep: Sendable {
    /// Over which rows a key is unique. Times in microseconds.
    package enum Scope: Sendable, Equatable {
        /// Within each aligned bucket of event time; a bucket is forgotten `retain` after its end.
        case bucket(size: Int64, retain: Int64)
        /// Over any span of `size`, kept in `buckets` parts: a key is remembered for `size`, and up
        /// to one part longer.
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

    /// How far the starts of two buckets lie apart, at most, whose rows may be closer than the
    /// window to one another; 0 where buckets are on their own.
    var reach: Int64 {
        guard case .window(let size, _) = scope else { return 0 }
        let parts = (size - 1) / bucketSize + 1
        let (reach, overflow) = parts.multipliedReportingOverflow(by: bucketSize)
        return overflow ? .max : reach
    }

    /// The other buckets in reach of the one at `start`.
    func neighbours(of start: Int64, among buckets: [Int64]) -> [Int64] {
        buckets.filter { other in
            let (least, greatest) = (min(other, start), max(other, start))
            let (distance, overflow) = greatest.subtractingReportingOverflow(least)
            return other != start && !overflow && distance <= reach
        }
    }

    /// The operator of one worker.
    package func makeOperator(_ context: StepContext) -> any Operator {
        switch keep {
        case .first: FirstRowDedup(self, context)
        case .last: LastRowDedup(self, context)
        }
    }
}
