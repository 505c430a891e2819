package import Storage

extension KeyEncoder {
    /// The keys of a set of values per group: the group's entry, then the value as a key column.
    ///
    /// `groups` has a `UInt32` by row; a row whose value is null is no member and must not be asked
    /// for.
    package static func members(
        of column: Column, rows: Selection, groups: Slab
    ) -> EncodedKeys {
        let values = Batch(columns: [column], selection: rows)
        let hashes = KeyHash.hashes(of: values, columns: [0])
        let combined = Slab(byteCount: column.count * 8)
        let places = Slab(byteCount: column.count * 8)
        let hashWords = hashes.int64s
        let out = unsafe places.base.assumingMemoryBound(to: UInt64.self)
        let hashesOut = unsafe combined.base.assumingMemoryBound(to: UInt64.self)
        let groupWords = unsafe groups.base.assumingMemoryBound(to: UInt32.self)
        var bytes = KeyBytes(capacity: rows.count * 24)
        let source = KeyColumnSource(column)
        withExtendedLifetime(column) {
            rows.forEach { row in
                let group = unsafe UInt64(groupWords[row] & ~HotTable.isNewMark)
                bytes.reserve(8 &+ source.byteCountMax(row))
                let cursor = unsafe bytes.cursor
                unsafe cursor.storeBytes(of: group.bigEndian, as: UInt64.self)
                unsafe out[row] = bytes.end(source.write(row, isLast: true, to: cursor + 8))
                unsafe hashesOut[row] = Hash64.combine(
                    Hash64.hash(group), UInt64(bitPattern: hashWords[row]))
            }
        }
        return EncodedKeys(
            bytes: bytes.slab, places: places, hashes: combined, rowCount: column.count)
    }
}
