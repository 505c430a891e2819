import CLZ4

/// Keyed state in memory: one hash index over an append-only arena.
///
/// An entry in the arena is a header, the key, and a value of fixed width:
///
///     | hash, upper 40 bits; key length, 24 bits | key, padded to 8 | value, a multiple of 8 |
///
/// The index (see `HotIndex`) holds a tag, the upper half of the hash, and the entry's reference;
/// the tag decides nearly all comparisons without touching the arena. Keys are compared whole, so
/// the table is exact. Operations take whole batches of keys; pointers are used throughout, because
/// bounds checks and reference counts in this loop were half its cost.
@safe
package final class HotTable {
    /// Bytes of an entry's value; a multiple of 8.
    package let valueWidth: Int
    /// Where in a value the references of stored bytes are: offsets of words that are 0 or what
    /// `store` gave.
    package let references: [Int]
    /// Entries.
    package private(set) var count = 0
    var arena = Arena()
    /// What `store` keeps beside the entries.
    var blobs = Arena()
    private(set) var slots = HotIndex()

    /// Set in an entry's number where the key was not there before.
    package static let isNewMark: UInt32 = 1 << 31
    /// Entries below it are being written to disk, or were: they are not changed, but copied.
    private(set) var frozenEnd: UInt32 = 0
    /// Stored bytes below it are not changed either.
    private(set) var frozenBlobsEnd: UInt32 = 0
    /// Entries that were made or changed since the last freeze.
    private(set) var changedCount = 0

    /// An empty table whose values have `valueWidth` bytes (rounded up to 8), all zero at first.
    package init(valueWidth: Int, references: [Int] = []) {
        self.valueWidth = (valueWidth + 7) & ~7
        self.references = references
    }

    /// Memory held, in bytes.
    package var byteCount: Int { arena.byteCount + blobs.byteCount + slots.byteCount }

    /// The larger pieces of its memory.
    var largeSlabs: [Slab] {
        let slabs = arena.slice.blocks + blobs.slice.blocks + slots.slabs
        return slabs.filter { $0.byteCount >= SlabPool.mappedBytesMin }
    }

    /// Finds the entry of each row's key, making those that are missing, in the order of the rows.
    ///
    /// `rows` lists `count` rows as `UInt32`, or is nil for the first `count`. Writes to `entries`,
    /// by row, the entry's reference, with `isNewMark` where this call made it. Gives how many it
    /// made.
    package func getOrInsert(
        _ keys: EncodedKeys, rows: Slab?, count rowCount: Int, into entries: Slab
    ) -> Int {
        precondition(entries.byteCount >= keys.rowCount * 4, "room for every row's entry")
        let before = count
        var done = 0
        while done < rowCount {
            let run = min(rowCount - done, Self.aheadMax)
            unsafe insertRun(keys, rows: rows, from: done, to: done + run, entries.base)
            done += run
        }
        return count - before
    }

    /// Rows whose places in the index are fetched ahead.
    private static let aheadMax = 64

    private func insertRun(
        _ keys: EncodedKeys, rows: Slab?, from: Int, to: Int, _ entries: UnsafeMutableRawPointer
    ) {
        let rowList = unsafe rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        let places = unsafe keys.places.base.assumingMemoryBound(to: UInt64.self)
        let hashes = unsafe keys.hashes.base.assumingMemoryBound(to: UInt64.self)
        let bytes = unsafe keys.bytes.base
        let out = unsafe entries.assumingMemoryBound(to: UInt32.self)
        for index in from..<to {
            let row = unsafe rowList.map { unsafe Int($0[index]) } ?? index
            unsafe weir_prefetch(slots.probe(hashes[row]).place)
        }
        var made = 0
        for index in from..<to {
            let row = unsafe rowList.map { unsafe Int($0[index]) } ?? index
            let hash = unsafe hashes[row]
            let place = unsafe places[row]
            let key = unsafe bytes + Int(truncatingIfNeeded: place &>> 32)
            let header = hash & ~0xff_ffff | place & 0xff_ffff
            let tag = hash & ~0xffff_ffff
            var probe = unsafe slots.probe(hash)
            while true {
                let word = unsafe probe.word
                if word == 0 {
                    let entry = unsafe append(header, key, keyCount: Int(place & 0xff_ffff))
                    unsafe slots.fill(probe, with: tag | UInt64(entry &+ 1))
                    unsafe out[row] = entry | Self.isNewMark
                    made &+= 1
                    break
                }
                let entry = UInt32(truncatingIfNeeded: word) &- 1
                if word & ~0xffff_ffff == tag, unsafe isEntry(entry, header, key) {
                    unsafe out[row] = entry
                    if entry < frozenEnd { unsafe out[row] = thaw(entry, at: probe.place) }
                    break
                }
                unsafe probe.advance()
            }
        }
        count += made
        changedCount += made
    }

    /// Ends a slice: what was written since the last one becomes immutable, at the cost of a few
    /// words. An entry of it whose value may change is copied at its next use.
    package func freeze() -> FrozenSlice {
        let slice = FrozenSlice(
            entries: arena.slice, blobs: blobs.slice, from: frozenEnd, valueWidth: valueWidth,
            references: references)
        frozenEnd = arena.position
        frozenBlobsEnd = blobs.position
        changedCount = 0
        return slice
    }

    /// A copy of a frozen entry that may be changed; one without a value needs none.
    @inline(never)
    private func thaw(_ entry: UInt32, at place: UnsafeMutablePointer<UInt64>) -> UInt32 {
        guard valueWidth > 0 else { return entry }
        let keyCount = Int(unsafe arena.address(entry).load(as: UInt64.self) & 0xff_ffff)
        let byteCount = 8 + (keyCount + 7) & ~7 + valueWidth
        let copy = arena.reserve(byteCount)
        changedCount += 1
        unsafe arena.address(copy).copyMemory(from: arena.address(entry), byteCount: byteCount)
        unsafe place.pointee = place.pointee & ~0xffff_ffff | UInt64(copy &+ 1)
        return copy
    }

    @inline(__always)
    func isEntry(_ entry: UInt32, _ header: UInt64, _ key: UnsafeRawPointer) -> Bool {
        let address = unsafe arena.address(entry)
        guard unsafe address.load(as: UInt64.self) == header else { return false }
        let count = Int(truncatingIfNeeded: header & 0xff_ffff)
        var offset = 0
        while offset < count {
            let mine = unsafe address.load(fromByteOffset: offset &+ 8, as: UInt64.self)
            let theirs = unsafe key.load(fromByteOffset: offset, as: UInt64.self)
            guard mine == theirs else { return false }
            offset &+= 8
        }
        return true
    }

    @inline(__always)
    private func append(_ header: UInt64, _ key: UnsafeRawPointer, keyCount: Int) -> UInt32 {
        let padded = (keyCount &+ 7) & ~7
        let entry = arena.reserve(8 &+ padded &+ valueWidth)
        let address = unsafe arena.address(entry)
        unsafe address.storeBytes(of: header, as: UInt64.self)
        var offset = 0
        while offset < padded {
            let word = unsafe key.load(fromByteOffset: offset, as: UInt64.self)
            unsafe address.storeBytes(of: word, toByteOffset: offset &+ 8, as: UInt64.self)
            offset &+= 8
        }
        let value = unsafe address + 8 + padded
        offset = 0
        while offset < valueWidth {
            unsafe value.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        return entry
    }
}
