package import Storage

/// Keyed state that is kept apart by time bucket, and leaves bucket by bucket.
///
/// The contract between steps and the store: operations take whole key columns of one bucket; a
/// bucket is a `HotTable` that is dropped as a whole when it expires. One worker owns it; there are
/// no locks. This is the backend `memory`, which never evicts.
package final class BucketedState {
    private let valueWidth: Int
    /// By start of the bucket, in microseconds of event time.
    private var tables: [Int64: HotTable] = [:]

    /// No buckets yet; values have `valueWidth` bytes.
    package init(valueWidth: Int) { self.valueWidth = valueWidth }

    /// The starts of the buckets there are, ascending.
    package var buckets: [Int64] { tables.keys.sorted() }

    /// Keys in all buckets.
    package var count: Int { tables.values.reduce(0) { $0 + $1.count } }

    /// Memory held, in bytes.
    package var byteCount: Int { tables.values.reduce(0) { $0 + $1.byteCount } }

    /// The table of a bucket, if it has one.
    package func existing(_ bucket: Int64) -> HotTable? { tables[bucket] }

    /// The table of a bucket, made at its first use.
    package func table(_ bucket: Int64) -> HotTable {
        if let table = tables[bucket] { return table }
        let table = HotTable(valueWidth: valueWidth)
        tables[bucket] = table
        return table
    }

    /// Forgets a bucket.
    package func drop(_ bucket: Int64) { tables[bucket] = nil }
}
