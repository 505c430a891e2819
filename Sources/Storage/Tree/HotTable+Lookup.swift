import CLZ4

/// Looking keys up without making entries.
extension HotTable {
    /// Finds the entry of each row's key, or writes `absent`; by row, as `getOrInsert` does.
    package func find(_ keys: EncodedKeys, rows: Slab?, count rowCount: Int, into entries: Slab) {
        precondition(entries.byteCount >= keys.rowCount * 4, "room for every row's entry")
        let rowList = unsafe rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        let places = unsafe keys.places.base.assumingMemoryBound(to: UInt64.self)
        let hashes = unsafe keys.hashes.base.assumingMemoryBound(to: UInt64.self)
        let out = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        for index in 0..<rowCount {
            if index % 64 == 0 {
                for next in index..<min(index &+ 64, rowCount) {
                    let row = unsafe rowList.map { unsafe Int($0[next]) } ?? next
                    unsafe weir_prefetch(slots.probe(hashes[row]).place)
                }
            }
            let row = unsafe rowList.map { unsafe Int($0[index]) } ?? index
            let key = unsafe keys.bytes.base + Int(truncatingIfNeeded: places[row] &>> 32)
            unsafe out[row] = find(hashes[row], key, keyCount: places[row] & 0xff_ffff)
        }
    }

    /// What `find` writes for a key that is not there.
    package static var absent: UInt32 { UInt32.max }

    private func find(_ hash: UInt64, _ key: UnsafeRawPointer, keyCount: UInt64) -> UInt32 {
        let header = hash & ~0xff_ffff | keyCount
        let tag = hash & ~0xffff_ffff
        var probe = unsafe slots.probe(hash)
        while true {
            let word = unsafe probe.word
            if word == 0 { return Self.absent }
            let entry = UInt32(truncatingIfNeeded: word) &- 1
            if word & ~0xffff_ffff == tag, unsafe isEntry(entry, header, key) { return entry }
            unsafe probe.advance()
        }
    }
}
