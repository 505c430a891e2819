/// A blocked Bloom filter over 40-bit key hashes: "not there", or "perhaps".
///
/// Every key sets its bits in one block of 64 bytes, so that a question touches one cache line
/// (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
///
///     filter = hash count: 4 | 0: 4 | blocks of 64 bytes
@safe
struct BloomFilter: Sendable {
    private let slab: Slab
    private let blockCount: Int
    private let hashCount: Int

    private static let headBytes = 64
    private static let blockBytes = 64

    /// An empty filter for about `keyCount` keys.
    init(keyCount: Int, bitsPerKey: Int) {
        blockCount = max(1, (keyCount * bitsPerKey + 511) / 512)
        // ln 2 times the bits per key, somewhat less since the blocks fill unevenly.
        hashCount = max(1, min(12, bitsPerKey * 6 / 10))
        slab = Slab(byteCount: Self.headBytes + blockCount * Self.blockBytes)
        slab.fill(0, count: Self.headBytes + blockCount * Self.blockBytes)
        unsafe slab.base.storeBytes(of: UInt32(hashCount), as: UInt32.self)
    }

    /// Takes a filter as `encoded` gives it; nil where it is none.
    init?(_ slice: SlabSlice) {
        guard slice.byteCount > Self.headBytes,
            (slice.byteCount - Self.headBytes) % Self.blockBytes == 0
        else { return nil }
        if slice.range.lowerBound == 0 {
            slab = slice.slab
        } else {
            slab = Slab(byteCount: slice.byteCount)
            slab.copy(slice, to: 0)
        }
        blockCount = (slice.byteCount - Self.headBytes) / Self.blockBytes
        hashCount = Int(unsafe slab.base.load(as: UInt32.self))
        guard (1...12).contains(hashCount) else { return nil }
    }

    /// The bytes of the filter.
    var encoded: SlabSlice { SlabSlice(slab, 0..<byteCount) }

    /// Memory held, in bytes.
    var byteCount: Int { Self.headBytes + blockCount * Self.blockBytes }

    /// The block of a hash, and a word whose parts choose the bits in it.
    @inline(__always)
    private func place(_ hash: UInt64) -> (block: UnsafeMutableRawPointer, bits: UInt64) {
        let mixed = Hash64.hash(hash)
        let number = Int(truncatingIfNeeded: mixed.multipliedFullWidth(by: UInt64(blockCount)).high)
        let block = unsafe slab.base + (Self.headBytes &+ number &* Self.blockBytes)
        return unsafe (block, Hash64.hash(mixed))
    }

    /// The next of a key's bits: nine bits at a time, turned around in the word.
    @inline(__always)
    private static func rotate(_ bits: UInt64) -> UInt64 { bits &<< 55 | bits &>> 9 }

    /// Adds a key before the filter is shared.
    @inline(__always)
    func insert(_ hash: UInt64) {
        var (block, bits) = unsafe place(hash)
        for _ in 0..<hashCount {
            let word = Int(truncatingIfNeeded: (bits &>> 6) & 7) &* 8
            let mask = 1 &<< (bits & 63)
            let old = unsafe block.load(fromByteOffset: word, as: UInt64.self)
            unsafe block.storeBytes(of: old | mask, toByteOffset: word, as: UInt64.self)
            bits = Self.rotate(bits)
        }
    }

    /// Whether a key may be there.
    @inline(__always)
    func contains(_ hash: UInt64) -> Bool {
        var (block, bits) = unsafe place(hash)
        for _ in 0..<hashCount {
            let word = Int(truncatingIfNeeded: (bits &>> 6) & 7) &* 8
            let held = unsafe block.load(fromByteOffset: word, as: UInt64.self)
            if held &>> (bits & 63) & 1 == 0 { return false }
            bits = Self.rotate(bits)
        }
        return true
    }

    /// Writes to `maybe` those of the listed rows whose keys may be there; gives how many.
    ///
    /// `hashes` has a full hash of 64 bits by row; `rows` and `maybe` list rows as `UInt32`.
    func probe(_ hashes: Slab, rows: Slab, count: Int, into maybe: Slab) -> Int {
        let words = unsafe hashes.base.assumingMemoryBound(to: UInt64.self)
        let list = unsafe rows.base.assumingMemoryBound(to: UInt32.self)
        let out = unsafe maybe.base.assumingMemoryBound(to: UInt32.self)
        var found = 0
        for index in 0..<count {
            let row = unsafe list[index]
            unsafe out[found] = row
            if contains(unsafe words[Int(row)] &>> 24) { found &+= 1 }
        }
        return found
    }
}
