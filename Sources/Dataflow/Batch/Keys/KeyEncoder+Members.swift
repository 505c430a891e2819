package import Storage

extension KeyEncoder {
    /// Which of some rows have values that are too long to be members of a set, or have no room
    /// beside the others.
    package static func refusedMembers(of column: Column, rows: Selection) -> [Int] {
        guard column.type.isText else { return [] }
        let views = column.strings
        var refused: [Int] = []
        var byteCount = 0
        rows.forEach { row in
            let length = memberHeadBytes &+ views[row].count
            byteCount &+= (length &+ 7) & ~7
            if length >= KeyBytes.keyBytesEnd || byteCount >= memberBytesMax {
                byteCount &-= (length &+ 7) & ~7
                refused.append(row)
            }
        }
        return refused
    }

    /// Bytes of a member before its value.
    private static let memberHeadBytes = 9
    /// Bytes of the members of a batch: a few rows below what has a place.
    private static let memberBytesMax = 1 << 32 - 64

    /// The keys of a set of values per group: the group's entry, then the value as a key column.
    ///
    /// `groups` has a `UInt32` by row; a row whose value is null, or refused, is no member and must
    /// not be asked for.
    package static func members(
        of column: Column, rows: Selection, groups: Slab
    ) -> EncodedKeys {
        let combined = Slab(byteCount: column.count * 8)
        let places = Slab(byteCount: column.count * 8)
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
                let end = unsafe source.write(row, isLast: true, to: cursor + 8)
                let place = unsafe bytes.end(end, row: row)
                unsafe out[row] = place
                let start = Int(truncatingIfNeeded: place &>> 32)
                unsafe hashesOut[row] = bytes.slab.hash(
                    start..<start &+ Int(truncatingIfNeeded: place & 0xffff_ffff))
            }
        }
        precondition(bytes.refused.isEmpty, "what is too long for a member is none")
        return EncodedKeys(
            bytes: bytes.slab, places: places, hashes: combined, rowCount: column.count)
    }

    /// Keys that `members` made, as arrays, with the numbers of their groups moved up.
    package static func members(
        encoded keys: [[UInt8]], groupsMovedBy shift: UInt64
    ) -> EncodedKeys {
        let hashes = Slab(byteCount: keys.count * 8)
        let places = Slab(byteCount: keys.count * 8)
        let bytes = Slab(byteCount: keys.reduce(0) { $0 + ($1.count + 7) & ~7 })
        bytes.fill(0, count: bytes.byteCount)
        var place = 0
        for (row, key) in keys.enumerated() {
            var group: UInt64 = 0
            for byte in key.prefix(8) { group = group << 8 | UInt64(byte) }
            group &+= shift
            var moved = key
            for index in 0..<min(8, key.count) {
                moved[index] = UInt8(truncatingIfNeeded: group >> UInt64(56 - 8 * index))
            }
            unsafe bytes.copy(moved.span.bytes, to: place)
            let hash = bytes.hash(place..<place + key.count)
            unsafe places.base.storeBytes(
                of: UInt64(place) << 32 | UInt64(key.count), toByteOffset: row * 8,
                as: UInt64.self)
            unsafe hashes.base.storeBytes(of: hash, toByteOffset: row * 8, as: UInt64.self)
            place += (key.count + 7) & ~7
        }
        return EncodedKeys(bytes: bytes, places: places, hashes: hashes, rowCount: keys.count)
    }
}
