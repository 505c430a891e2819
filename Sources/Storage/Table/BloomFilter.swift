/// A blocked Bloom filter over 40-bit key hashes: "not there", or "perhaps".
///
/// Every key sets its bits in one block of 64 bytes, so that a question touches one cache line
/// (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
///
///     filter = hash count: 4 | zeros up to 64 bytes | blocks of 64 bytes
@safe
struct BloomFilter: @unchecked Sendable {
    // Sendable: the blocks are written by one owner before the filter is shared, and read after.

    /// The bytes of the filter.
    let encoded: SlabSlice
    /// The first block, at the start of a cache line.
    let blocks: UnsafeMutableRawPointer
    let blockCount: Int
    private let hashCount: Int

    private static let headBytes = 64
    static let blockBytes = 64

    /// One to which nothing was added, and one that has every key.
    static let empty = BloomFilter(blockCount: 1, hashCount: 1)
    static let full: BloomFilter = {
        let filter = BloomFilter(blockCount: 1, hashCount: 1)
        unsafe filter.blocks.initializeMemory(as: UInt8.self, repeating: 0xff, count: blockBytes)
        return filter
    }()

    /// An empty filter for about `keyCount` keys.
    init(keyCount: Int, bitsPerKey: Int) {
        self.init(
            blockCount: (keyCount * bitsPerKey + 511) / 512,
            hashCount: Self.hashCount(bitsPerKey: bitsPerKey))
    }

    /// Bits that a key sets: ln 2 times those it has, somewhat less since the blocks fill unevenly.
    static func hashCount(bitsPerKey: Int) -> Int { max(1, min(12, bitsPerKey * 6 / 10)) }

    init(blockCount: Int, hashCount: Int) {
        self.blockCount = max(1, blockCount)
        self.hashCount = hashCount
        encoded = Self.aligned(Self.headBytes + self.blockCount * Self.blockBytes)
        let base = unsafe encoded.slab.base + encoded.range.lowerBound
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: encoded.byteCount)
        unsafe base.storeBytes(of: UInt32(hashCount).littleEndian, as: UInt32.self)
        unsafe blocks = base + Self.headBytes
    }

    /// Takes a filter as `encoded` gives it; nil where it is none.
    init?(_ slice: SlabSlice) {
        guard slice.byteCount > Self.headBytes,
            (slice.byteCount - Self.headBytes) % Self.blockBytes == 0
        else { return nil }
        if Self.padding(slice.slab, slice.range.lowerBound) == 0 {
            encoded = slice
        } else {
            encoded = Self.aligned(slice.byteCount)
            encoded.slab.copy(slice, to: encoded.range.lowerBound)
        }
        let base = unsafe encoded.slab.base + encoded.range.lowerBound
        blockCount = (slice.byteCount - Self.headBytes) / Self.blockBytes
        hashCount = Int(UInt32(littleEndian: unsafe base.load(as: UInt32.self)))
        unsafe blocks = base + Self.headBytes
        guard (1...12).contains(hashCount) else { return nil }
    }

    /// Bytes from a place in a slab to the next cache line.
    private static func padding(_ slab: Slab, _ offset: Int) -> Int {
        let address = unsafe UInt(bitPattern: slab.base) &+ UInt(offset)
        return Int((64 &- address % 64) % 64)
    }

    /// Bytes that begin at a cache line.
    private static func aligned(_ byteCount: Int) -> SlabSlice {
        let slab = Slab(byteCount: byteCount + 48)
        let start = padding(slab, 0)
        return SlabSlice(slab, start..<start + byteCount)
    }

    /// Memory held, in bytes.
    var byteCount: Int { encoded.slab.byteCount }

    /// The block of a hash, and a word whose parts choose the bits in it.
    @inline(__always)
    static func place(
        _ hash: UInt64, in blocks: UnsafeMutableRawPointer, _ blockCount: UInt64
    ) -> (block: UnsafeMutableRawPointer, bits: UInt64) {
        let mixed = Hash64.hash(hash)
        let number = Int(truncatingIfNeeded: mixed.multipliedFullWidth(by: blockCount).high)
        let block = unsafe blocks + number &* blockBytes
        return unsafe (block, Hash64.hash(mixed))
    }

    /// The next of a key's bits: nine bits at a time, turned around in the word.
    @inline(__always)
    static func rotate(_ bits: UInt64) -> UInt64 { bits &<< 55 | bits &>> 9 }

    /// The bit of a block that the low nine bits choose.
    @inline(__always)
    static func holds(_ block: UnsafeMutableRawPointer, _ bits: UInt64) -> UInt64 {
        let word = Int(truncatingIfNeeded: (bits &>> 6) & 7) &* 8
        return unsafe block.load(fromByteOffset: word, as: UInt64.self) &>> (bits & 63) & 1
    }

    /// The first four of a key's bits, all of them together.
    @inline(__always)
    static func holdsFour(_ block: UnsafeMutableRawPointer, _ bits: UInt64) -> UInt64 {
        let second = rotate(bits)
        let third = rotate(second)
        return unsafe holds(block, bits) & holds(block, second) & holds(block, third)
            & holds(block, rotate(third))
    }

    /// Whether a block has all of a key's bits.
    @inline(__always)
    static func holds(
        _ block: UnsafeMutableRawPointer, _ bits: UInt64, hashCount: Int
    ) -> Bool {
        var bits = bits
        for _ in 0..<hashCount {
            if unsafe holds(block, bits) == 0 { return false }
            bits = rotate(bits)
        }
        return true
    }

    /// Adds a key before the filter is shared.
    @inline(__always)
    func insert(_ hash: UInt64) {
        var (block, bits) = unsafe Self.place(hash, in: blocks, UInt64(blockCount))
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
        let (block, bits) = unsafe Self.place(hash, in: blocks, UInt64(blockCount))
        return unsafe Self.holds(block, bits, hashCount: hashCount)
    }

    /// Writes to `maybe` those of the listed rows whose keys may be there; gives how many.
    ///
    /// `hashes` has a full hash of 64 bits by row; `rows` and `maybe` list rows as `UInt32`, and
    /// may be the same. The first pass asks for two bits of each row and does not branch, so that
    /// the memory of many blocks is on its way at once; the second asks the few that remain, whose
    /// blocks are at hand by then.
    func probe(_ hashes: Slab, rows: Slab, count: Int, into maybe: Slab) -> Int {
        let words = unsafe hashes.base.assumingMemoryBound(to: UInt64.self)
        let list = unsafe rows.base.assumingMemoryBound(to: UInt32.self)
        let out = unsafe maybe.base.assumingMemoryBound(to: UInt32.self)
        var found = 0
        var start = 0
        while start < count {
            // As many rows as their blocks fit into the first cache.
            let end = min(start &+ 256, count)
            let first = found
            for index in start..<end {
                let row = unsafe list[index]
                let hash = unsafe words[Int(row)] &>> 24
                let (block, bits) = unsafe Self.place(hash, in: blocks, UInt64(blockCount))
                let both =
                    unsafe Self.holds(block, bits)
                    & Self.holds(block, hashCount > 1 ? Self.rotate(bits) : bits)
                unsafe out[found] = row
                found &+= Int(truncatingIfNeeded: both)
            }
            var kept = first
            for index in first..<found {
                let row = unsafe out[index]
                unsafe out[kept] = row
                if contains(unsafe words[Int(row)] &>> 24) { kept &+= 1 }
            }
            found = kept
            start = end
        }
        return found
    }
}
