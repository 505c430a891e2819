/// Taking values over from older state.
extension HotTable {
    /// Gives an entry the value that another table has.
    func copyValue(_ entry: UInt32, from other: UInt32, of table: HotTable) {
        guard valueWidth > 0 else { return }
        let entry = entry & ~Self.isNewMark
        unsafe value(of: entry).copyMemory(from: table.value(of: other), byteCount: valueWidth)
        for offset in references {
            let reference = UInt32(truncatingIfNeeded: table.word(of: other, at: offset))
            guard reference != 0 else { continue }
            let bytes = unsafe table.stored(reference)
            let copy = unsafe store(RawSpan(_unsafeBytes: bytes), replacing: 0)
            setWord(of: entry, at: offset, to: UInt64(copy))
        }
    }

    /// Gives an entry the value that a block of a run has.
    func copyValue(_ entry: UInt32, from cursor: HashedBlock.Cursor, of block: HashedBlock) {
        guard valueWidth > 0 else { return }
        let entry = entry & ~Self.isNewMark
        unsafe value(of: entry).copyMemory(from: block.value(cursor), byteCount: valueWidth)
        guard !references.isEmpty else { return }
        let extras = unsafe block.extras(cursor)
        var place = 0
        for offset in references {
            guard place + 4 <= extras.count else { return }
            let mark = Int(unsafe extras.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            place += 4
            guard mark > 0, place + mark - 1 <= extras.count else {
                setWord(of: entry, at: offset, to: 0)
                continue
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: extras[place..<place + mark - 1])
            let copy = unsafe store(RawSpan(_unsafeBytes: bytes), replacing: 0)
            setWord(of: entry, at: offset, to: UInt64(copy))
            place += mark - 1
        }
    }

    /// The references of all entries, in no order.
    var entries: [UInt32] {
        var entries: [UInt32] = []
        entries.reserveCapacity(count)
        slots.forEach { word in entries.append(UInt32(truncatingIfNeeded: word) &- 1) }
        return entries
    }

    /// One entry's key, to ask another table for it.
    func encodedKey(of entry: UInt32) -> EncodedKeys {
        let key = unsafe key(of: entry)
        let header = unsafe arena.address(entry).load(as: UInt64.self)
        let padded = (key.count + 7) & ~7
        let bytes = Slab(byteCount: padded)
        unsafe bytes.base.copyMemory(from: arena.address(entry) + 8, byteCount: padded)
        let places = Slab(byteCount: 8)
        unsafe places.base.storeBytes(of: UInt64(key.count), as: UInt64.self)
        let hashes = Slab(byteCount: 8)
        unsafe hashes.base.storeBytes(of: header & ~0xff_ffff, as: UInt64.self)
        return EncodedKeys(bytes: bytes, places: places, hashes: hashes, rowCount: 1)
    }
}

extension HashedBlock {
    /// The keys of all entries, to put them into a table.
    func encodedKeys() -> EncodedKeys {
        let places = Slab(byteCount: count * 8)
        let hashes = Slab(byteCount: count * 8)
        var bytes = GrowingBytes(capacity: slice.byteCount + count * 8)
        var cursor = start
        while cursor.index < count {
            let keyCount = keyCount(cursor)
            let place = bytes.count
            let padded = (keyCount + 7) & ~7
            let target = unsafe bytes.extend(by: padded)
            if padded > 0 {
                unsafe target.storeBytes(of: 0, toByteOffset: padded - 8, as: UInt64.self)
            }
            unsafe copyKey(cursor, to: target)
            unsafe places.base.storeBytes(
                of: UInt64(place) << 32 | UInt64(keyCount), toByteOffset: cursor.index * 8,
                as: UInt64.self)
            unsafe hashes.base.storeBytes(
                of: cursor.hash << 24, toByteOffset: cursor.index * 8, as: UInt64.self)
            advance(&cursor)
        }
        return EncodedKeys(
            bytes: bytes.take().slab, places: places, hashes: hashes, rowCount: count)
    }
}

extension EncodedKeys {
    /// The first byte of a row's key, and how many it has.
    @inline(__always)
    func key(_ row: Int) -> (key: UnsafeRawPointer, count: Int) {
        let place = unsafe places.base.load(fromByteOffset: row &* 8, as: UInt64.self)
        return unsafe (
            UnsafeRawPointer(bytes.base + Int(truncatingIfNeeded: place &>> 32)),
            Int(truncatingIfNeeded: place & 0xff_ffff)
        )
    }
}
