/// What the entries of a table hold.
extension HotTable {
    /// Writes, by row, the address of each entry's value: good until the next insertion.
    ///
    /// `entries` is what `getOrInsert` wrote, `addresses` has room for a pointer by row.
    package func values(
        of entries: Slab, keys: EncodedKeys, rows: Slab?, count rowCount: Int, into addresses: Slab
    ) {
        let rowList = unsafe rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        let places = unsafe keys.places.base.assumingMemoryBound(to: UInt64.self)
        let numbers = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        let out = unsafe addresses.base.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        for index in 0..<rowCount {
            let row = unsafe rowList.map { unsafe Int($0[index]) } ?? index
            let keyCount = Int(unsafe places[row] & 0xff_ffff)
            let entry = unsafe numbers[row] & ~Self.isNewMark
            unsafe out[row] = arena.address(entry) + (8 &+ (keyCount &+ 7) & ~7)
        }
    }

    /// The entries' references, in the order of their keys' bytes behind the first `skipped`.
    package func sortedEntries(skipping skipped: Int = 0) -> [UInt32] {
        var entries = self.entries
        entries.sort { precedes($0, $1, skipped) }
        return entries
    }

    private func precedes(_ a: UInt32, _ b: UInt32, _ skipped: Int) -> Bool {
        let (one, other) = unsafe (key(of: a), key(of: b))
        let shared = min(one.count, other.count)
        for index in min(skipped, shared)..<shared where unsafe one[index] != other[index] {
            return unsafe one[index] < other[index]
        }
        return one.count < other.count
    }

    /// The bytes of an entry's key; good until the next insertion.
    package func key(of entry: UInt32) -> UnsafeRawBufferPointer {
        let address = unsafe arena.address(entry)
        let count = Int(unsafe address.load(as: UInt64.self) & 0xff_ffff)
        return unsafe UnsafeRawBufferPointer(start: address + 8, count: count)
    }

    /// A copy of the bytes of an entry's key.
    package func keyArray(of entry: UInt32) -> [UInt8] { unsafe Array(key(of: entry)) }

    /// The least reference that entries made from here on can have.
    package var nextEntry: UInt32 { arena.position }

    /// The address of an entry's value; good until the next insertion.
    package func value(of entry: UInt32) -> UnsafeMutableRawPointer {
        let address = unsafe arena.address(entry)
        let count = Int(unsafe address.load(as: UInt64.self) & 0xff_ffff)
        return unsafe address + (8 + (count + 7) & ~7)
    }

    /// A word of an entry's value, at a multiple of 8 bytes.
    package func word(of entry: UInt32, at offset: Int) -> UInt64 {
        precondition(offset + 8 <= valueWidth)
        return unsafe value(of: entry).load(fromByteOffset: offset, as: UInt64.self)
    }

    /// Sets a word of an entry's value, at a multiple of 8 bytes.
    package func setWord(of entry: UInt32, at offset: Int, to word: UInt64) {
        precondition(offset + 8 <= valueWidth)
        unsafe value(of: entry).storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    }

    /// Stores bytes beside the entries, for values of variable width; gives their reference.
    ///
    /// A first word holds the length and the room, so that a value that is replaced by one that
    /// fits takes no new room. `old` is the reference of the value replaced, or 0 for none.
    package func store(_ bytes: RawSpan, replacing old: UInt32) -> UInt32 {
        let count = bytes.byteCount
        if old != 0 {
            let address = unsafe blobs.address(old &- 1)
            let room = Int(unsafe address.load(as: UInt64.self) >> 32)
            if count <= room && old &- 1 >= frozenBlobsEnd {
                unsafe write(bytes, room: room, to: address)
                return old
            }
        }
        let room = max(16, (count + 7) & ~7)
        let reference = blobs.reserve(8 + room)
        unsafe write(bytes, room: room, to: blobs.address(reference))
        return reference + 1
    }

    /// Stores an array's bytes; see above.
    package func store(_ bytes: [UInt8], replacing old: UInt32) -> UInt32 {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe store(RawSpan(_unsafeBytes: buffer), replacing: old)
        }
    }

    private func write(_ bytes: RawSpan, room: Int, to address: UnsafeMutableRawPointer) {
        let count = bytes.byteCount
        unsafe address.storeBytes(of: UInt64(room) << 32 | UInt64(count), as: UInt64.self)
        unsafe bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                unsafe (address + 8).copyMemory(from: base, byteCount: count)
            }
        }
    }

    /// The bytes behind a reference that `store` gave; good until the next insertion.
    package func stored(_ reference: UInt32) -> UnsafeRawBufferPointer {
        let address = unsafe blobs.address(reference &- 1)
        let count = Int(unsafe address.load(as: UInt64.self) & 0xffff_ffff)
        return unsafe UnsafeRawBufferPointer(start: address + 8, count: count)
    }
}
