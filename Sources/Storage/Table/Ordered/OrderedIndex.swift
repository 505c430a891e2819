/// Builds the index of an ordered table.
///
///     index = place | place | … | bound | bound | …
///     place = block's offset: 8 | its stored length: 4 | end of its bound × 2 + continues: 4
///
/// The *bound* of a block is the shortest key that is above all keys of the blocks before and not
/// above its own first. A block *continues* the one before if it begins with the key that ended
/// that one: then the bound is that key. Ends of bounds count from the first bound.
struct OrderedIndexBuilder: ~Copyable {
    private var places = GrowingBytes(capacity: 1 << 12)
    private var bounds = GrowingBytes(capacity: 1 << 12)
    private(set) var blockCount = 0

    /// Bytes so far.
    var byteCount: Int { places.count + bounds.count }

    /// Adds a bound; the place of its block follows.
    mutating func add(bound: UnsafeRawBufferPointer) {
        if let start = bound.baseAddress {
            unsafe bounds.append(start, count: bound.count)
        }
    }

    /// Adds the place of the block whose bound was added last.
    mutating func add(_ place: FramePlace, continues: Bool) {
        places.append(UInt64(place.offset))
        places.append(UInt32(place.storedByteCount))
        places.append(UInt32(bounds.count) << 1 | (continues ? 1 : 0))
        blockCount += 1
    }

    mutating func finish() -> SlabSlice {
        places.append(bounds)
        return places.take()
    }
}

/// The index of an open ordered table, in memory.
///
/// Beside the bytes of the file it keeps for each block the eight bytes of its bound that follow
/// what all bounds have in common, as a number: most searches look at nothing else.
@safe
struct OrderedIndex: @unchecked Sendable {
    // Sendable: nothing is written once it is made.

    let blockCount: Int
    private let slice: SlabSlice
    private let numbers: Slab
    private let places: UnsafeRawPointer
    private let bounds: UnsafeRawPointer
    private let heads: UnsafeMutablePointer<UInt64>
    /// Bytes that all bounds begin with.
    private let commonCount: Int

    private static let placeBytes = 16

    /// Checks the bytes of an index of a file with frames up to `framesEnd`; nil where they cannot
    /// be one.
    init?(_ slice: SlabSlice, blockCount: Int, framesEnd: Int) {
        guard blockCount > 0, blockCount <= slice.byteCount / Self.placeBytes else { return nil }
        self.slice = slice
        self.blockCount = blockCount
        unsafe places = UnsafeRawPointer(slice.slab.base + slice.range.lowerBound)
        unsafe bounds = places + blockCount * Self.placeBytes
        numbers = Slab(byteCount: blockCount * 8)
        unsafe heads = numbers.base.assumingMemoryBound(to: UInt64.self)
        // Ends are checked before any bound is looked at.
        let boundBytes = slice.byteCount - blockCount * Self.placeBytes
        var end = 0
        for block in 0..<blockCount {
            let next = Int(unsafe Self.word(places, block) >> 1)
            guard next >= end, next <= boundBytes else { return nil }
            end = next
        }
        guard end == boundBytes else { return nil }
        let first = unsafe Self.bound(0, places, bounds)
        let last = unsafe Self.bound(blockCount - 1, places, bounds)
        let least = min(first.count, last.count)
        if least > 0, let left = first.baseAddress, let right = last.baseAddress {
            commonCount = unsafe KeyOrder.sharedBytes(left, right, count: least)
        } else {
            commonCount = 0
        }
        guard isInOrder(framesEnd: framesEnd) else { return nil }
        for block in 0..<blockCount {
            let bound = unsafe bound(block)
            unsafe heads[block] = Self.head(bound, from: commonCount)
        }
    }

    /// Whether bounds ascend and blocks follow one another.
    private func isInOrder(framesEnd: Int) -> Bool {
        var end = FrameFormat.magicBytes
        for block in 0..<blockCount {
            let place = place(block)
            guard place.offset == end, place.storedByteCount <= framesEnd - end else {
                return false
            }
            end += place.storedByteCount
            guard block > 0 else { continue }
            let order = unsafe KeyOrder.compare(bound(block - 1), bound(block))
            guard order < 0 || (order == 0 && continues(block)) else { return false }
        }
        return !continues(0)
    }

    /// Memory held, in bytes.
    var byteCount: Int { slice.slab.byteCount + numbers.byteCount }

    @inline(__always)
    private static func word(_ places: UnsafeRawPointer, _ block: Int) -> UInt32 {
        UInt32(
            littleEndian: unsafe places.loadUnaligned(
                fromByteOffset: block &* placeBytes &+ 12, as: UInt32.self))
    }

    @inline(__always)
    private static func bound(
        _ block: Int, _ places: UnsafeRawPointer, _ bounds: UnsafeRawPointer
    ) -> UnsafeRawBufferPointer {
        let start = block == 0 ? 0 : Int(unsafe word(places, block &- 1) &>> 1)
        let end = Int(unsafe word(places, block) &>> 1)
        return unsafe UnsafeRawBufferPointer(start: bounds + start, count: end &- start)
    }

    @inline(__always)
    private func bound(_ block: Int) -> UnsafeRawBufferPointer {
        unsafe Self.bound(block, places, bounds)
    }

    @inline(__always)
    private func continues(_ block: Int) -> Bool {
        unsafe Self.word(places, block) & 1 != 0
    }

    /// Eight bytes of a key as a number that sorts as they do; zeros where it ends.
    @inline(__always)
    private static func head(_ key: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
        let count = key.count &- start
        if count >= 8 {
            return UInt64(
                bigEndian: unsafe key.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        var head: UInt64 = 0
        var index = start
        while index < key.count {
            head = unsafe head &<< 8 | UInt64(key[index])
            index &+= 1
        }
        return count <= 0 ? 0 : head &<< UInt64(64 &- 8 &* count)
    }

    /// Where a block lies.
    @inline(__always)
    func place(_ block: Int) -> FramePlace {
        let start = block &* Self.placeBytes
        let offset = unsafe places.loadUnaligned(fromByteOffset: start, as: UInt64.self)
        let count = unsafe places.loadUnaligned(fromByteOffset: start &+ 8, as: UInt32.self)
        return FramePlace(
            offset: Int(truncatingIfNeeded: UInt64(littleEndian: offset) & UInt64(Int.max)),
            storedByteCount: Int(UInt32(littleEndian: count)))
    }

    /// How many bounds have heads below `head`.
    @inline(__always)
    private func countBelow(_ head: UInt64) -> Int {
        var low = 0
        var count = blockCount
        while count > 1 {
            let half = count &>> 1
            low = unsafe heads[low &+ half &- 1] < head ? low &+ half : low
            count &-= half
        }
        return unsafe heads[low] < head ? low &+ 1 : low
    }

    /// The block in which `key` begins, if it is in any; -1 if the key stands before all blocks.
    @inline(__always)
    func block(for key: UnsafeRawBufferPointer) -> Int {
        if commonCount > 0 {
            let common = unsafe UnsafeRawBufferPointer(start: bounds, count: commonCount)
            let start = unsafe UnsafeRawBufferPointer(rebasing: key.prefix(commonCount))
            let order = unsafe KeyOrder.compare(start, common)
            if order != 0 { return order < 0 ? -1 : blockCount &- 1 }
        }
        let head = unsafe Self.head(key, from: commonCount)
        var low = countBelow(head)
        var high = head == .max ? blockCount : countBelow(head &+ 1)
        // Among bounds with the same head: the first above the key.
        while low < high {
            let middle = (low &+ high) &>> 1
            if unsafe KeyOrder.compare(bound(middle), key) <= 0 {
                low = middle &+ 1
            } else {
                high = middle
            }
        }
        var block = low &- 1
        while unsafe block > 0 && continues(block) && KeyOrder.compare(bound(block), key) == 0 {
            block &-= 1
        }
        return block
    }
}
