package import Storage

extension Slab {
    /// The `UInt32` at a place.
    package func word(_ place: Int) -> UInt32 {
        let bytes = bytes(place * 4..<place * 4 + 4)
        return unsafe bytes.unsafeLoad(as: UInt32.self)
    }
}

extension HotTable {
    /// The rows whose keys are not in the table; for the others, their entries are written to
    /// `found`.
    package func missing(
        _ keys: EncodedKeys, among rows: Selection, found: Slab
    ) -> Selection {
        guard !rows.isEmpty else { return rows }
        find(keys, rows: rows.listing, count: rows.count, into: found)
        return rows.rows(with: HotTable.absent, in: found)
    }
}
