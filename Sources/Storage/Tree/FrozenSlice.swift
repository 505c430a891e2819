import CLZ4

/// What was written to a hot table between two freezes, immutable: the input of a flush.
///
/// Entries lie one behind the other in the arena's blocks, each key once.
@safe
package struct FrozenSlice: Sendable {
    let entries: ArenaSlice
    let blobs: ArenaSlice
    /// The first entry of the slice.
    private let from: UInt32
    let valueWidth: Int
    let references: [Int]

    init(
        entries: ArenaSlice, blobs: ArenaSlice, from: UInt32, valueWidth: Int, references: [Int]
    ) {
        self.entries = entries
        self.blobs = blobs
        self.from = from
        self.valueWidth = valueWidth
        self.references = references
    }

    /// Entries that are sorted at a time, about, of `count`: what bounds the memory of a flush to a
    /// small part of the table's, and how often the slice is gone through.
    private static func sortedMax(_ count: Int) -> Int { max(1 << 15, count / 8) }
    /// Entries that are fetched ahead.
    private static let aheadMax = 16

    /// Entries of the slice.
    var count: Int {
        var count = 0
        scan { _, _ in count &+= 1 }
        return count
    }

    /// Calls `body` with the reference and the header of each entry, in the order of writing.
    @inline(__always)
    private func scan(_ body: (UInt32, UInt64) -> Void) {
        let first = Int(from &>> 15)
        for block in entries.blocks.indices.dropFirst(first) {
            var offset = block == first ? Int(from & 0x7fff) &<< 3 : 0
            let base = unsafe entries.blocks[block].base
            let end = entries.ends[block]
            while offset < end {
                let header = unsafe base.load(fromByteOffset: offset, as: UInt64.self)
                body(UInt32(truncatingIfNeeded: block &<< 15 &+ offset &>> 3), header)
                let keyCount = Int(truncatingIfNeeded: header & 0xff_ffff)
                offset &+= 8 &+ (keyCount &+ 7) & ~7 &+ valueWidth
            }
        }
    }

    /// Calls `body` with the entries' references in the order of hash, then key.
    ///
    /// The slice is gone through once for each part of the hashes, so that no more than a part of
    /// the references is in memory at once.
    func forEachSorted<Failure: Error>(
        count: Int, _ body: (UInt32) throws(Failure) -> Void
    ) throws(Failure) {
        var bits = 0
        while count >> bits > Self.sortedMax(count) { bits += 1 }
        var capacity = (count >> bits) + (count >> bits) / 8 + 64
        var words = Slab(byteCount: capacity * 8)
        for part in 0..<1 << UInt64(bits) {
            var filled = 0
            scan { reference, header in
                guard (header &>> 32) &>> UInt64(32 &- bits) == part else { return }
                if filled == capacity {
                    let larger = Slab(byteCount: capacity * 16)
                    larger.copy(SlabSlice(words, 0..<capacity * 8), to: 0)
                    words = larger
                    capacity *= 2
                }
                unsafe words.base.storeBytes(
                    of: header & ~0xffff_ffff | UInt64(reference), toByteOffset: filled &* 8,
                    as: UInt64.self)
                filled &+= 1
            }
            let sorted = WordSort.byUpperHalf(words, count: filled)
            settleTies(sorted, count: filled)
            let list = unsafe sorted.base.assumingMemoryBound(to: UInt64.self)
            for index in 0..<filled {
                if index &+ Self.aheadMax < filled {
                    let ahead = UInt32(truncatingIfNeeded: unsafe list[index &+ Self.aheadMax])
                    unsafe weir_prefetch(entries.address(ahead))
                }
                let word = unsafe list[index]
                try body(UInt32(truncatingIfNeeded: word))
            }
        }
    }

    /// Orders entries whose upper 32 bits of the hash are the same.
    private func settleTies(_ words: Slab, count: Int) {
        let list = unsafe words.base.assumingMemoryBound(to: UInt64.self)
        for index in stride(from: 1, to: count, by: 1)
        where unsafe list[index] &>> 32 == list[index &- 1] &>> 32 {
            var place = index
            while place > 0, unsafe list[place] &>> 32 == list[place &- 1] &>> 32,
                unsafe precedes(list[place], list[place &- 1])
            {
                unsafe (list[place], list[place &- 1]) = (list[place &- 1], list[place])
                place &-= 1
            }
        }
    }

    private func precedes(_ one: UInt64, _ other: UInt64) -> Bool {
        let first = unsafe entries.address(UInt32(truncatingIfNeeded: one))
        let second = unsafe entries.address(UInt32(truncatingIfNeeded: other))
        let (header, otherHeader) = unsafe (
            first.load(as: UInt64.self), second.load(as: UInt64.self)
        )
        if header &>> 24 != otherHeader &>> 24 { return header &>> 24 < otherHeader &>> 24 }
        return unsafe KeyOrder.compare(
            first + 8, Int(header & 0xff_ffff), second + 8, Int(otherHeader & 0xff_ffff)) < 0
    }
}

/// The order of keys: that of their bytes, a shorter one first.
enum KeyOrder {
    /// Negative where the first key stands before the second one, 0 where they are equal.
    @inline(__always)
    static func compare(
        _ first: UnsafeRawPointer, _ firstCount: Int, _ second: UnsafeRawPointer,
        _ secondCount: Int
    ) -> Int {
        let shared = min(firstCount, secondCount)
        var offset = 0
        while offset &+ 8 <= shared {
            let one = unsafe first.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let other = unsafe second.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if one != other { return one.bigEndian < other.bigEndian ? -1 : 1 }
            offset &+= 8
        }
        while offset < shared {
            let one = unsafe first.load(fromByteOffset: offset, as: UInt8.self)
            let other = unsafe second.load(fromByteOffset: offset, as: UInt8.self)
            if one != other { return one < other ? -1 : 1 }
            offset &+= 1
        }
        return firstCount &- secondCount
    }
}
