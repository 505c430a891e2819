package import Storage

/// Keyed state that is kept apart by time bucket, and leaves bucket by bucket.
///
/// The contract between steps and the store: operations take whole key columns of one bucket, and
/// give the bucket's `HotTable`, on which the caller works until it is done with the batch; then it
/// calls `balance`. One worker owns it; there are no locks. Behind it stands the backend `memory`,
/// which never evicts, or a column family of the LSM store, of which the tables are the hot part.
package final class BucketedState {
    private let valueWidth: Int
    /// By start of the bucket, in microseconds of event time; for the backend `memory`.
    private var tables: [Int64: HotTable] = [:]
    private let family: BucketedFamily?

    /// No buckets yet; values have `valueWidth` bytes, of which the words at `references` refer to
    /// stored bytes. `store` is nil for the backend `memory`.
    package init(
        valueWidth: Int, references: [Int] = [], name: String = "", store: StateStore? = nil
    ) {
        self.valueWidth = valueWidth
        family = store?.makeFamily(name, valueWidth: valueWidth, references: references)
    }

    /// The starts of the buckets there are, ascending.
    package var buckets: [Int64] { family?.starts ?? tables.keys.sorted() }

    /// Keys in all tables.
    package var count: Int { tables.values.reduce(0) { $0 + $1.count } }

    /// The table of a bucket, if it has one: what is in memory of it.
    package func existing(_ bucket: Int64) -> HotTable? {
        family?.existing(bucket) ?? tables[bucket]
    }

    /// Finds the entry of each row's key in a bucket, making those that are missing; see
    /// `HotTable.getOrInsert`. Gives the table that holds the entries.
    package func getOrInsert(
        _ bucket: Int64, _ keys: EncodedKeys, rows: Selection, into entries: Slab
    ) throws -> HotTable {
        if let family {
            return try family.getOrInsert(
                bucket: bucket, keys, rows: rows.listing, count: rows.count, into: entries)
        }
        let table = table(bucket)
        _ = table.getOrInsert(keys, rows: rows.listing, count: rows.count, into: entries)
        return table
    }

    /// The rows whose keys are not in a bucket; for the others, their entries in the bucket's table
    /// are written to `found`.
    package func missing(
        _ bucket: Int64, _ keys: EncodedKeys, among rows: Selection, found: Slab
    ) throws -> Selection {
        guard !rows.isEmpty else { return rows }
        if let family {
            try family.find(
                bucket: bucket, keys, rows: rows.listing, count: rows.count, into: found)
        } else {
            guard let table = tables[bucket] else { return rows }
            table.find(keys, rows: rows.listing, count: rows.count, into: found)
        }
        return rows.rows(with: HotTable.absent, in: found)
    }

    /// All of a bucket in one table, for its end.
    package func load(_ bucket: Int64) throws -> HotTable? {
        try family?.load(bucket) ?? tables[bucket]
    }

    private func table(_ bucket: Int64) -> HotTable {
        if let table = tables[bucket] { return table }
        let table = HotTable(valueWidth: valueWidth)
        tables[bucket] = table
        return table
    }

    /// What it holds, for a checkpoint: the deltas since the last one are written in the
    /// background. Nothing for the backend `memory`, which has no files.
    package func snapshot() -> [FamilySnapshot] { family.map { [$0.checkpoint()] } ?? [] }

    /// Takes over what it held on workers of a checkpoint.
    package func restore(_ snapshots: [OperatorSnapshot]) throws {
        guard let family else { return }
        let own = snapshots.flatMap(\.families).filter { $0.name == family.name }
        try family.restore(own)
    }

    /// The caller is done with the tables it was given of a bucket: it may be moved to disk now.
    package func balance(_ bucket: Int64) throws { try family?.balance(bucket) }

    /// Forgets a bucket.
    package func drop(_ bucket: Int64) throws {
        tables[bucket] = nil
        try family?.drop(bucket)
    }
}
