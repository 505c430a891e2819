/// Append-only memory in blocks, addressed by 32-bit references in units of 8 bytes.
///
/// The first block grows by doubling, so that small tables stay small; every further one has full
/// size; what is larger than a block has one of its own. References stay good when memory grows;
/// addresses do not.
///
///     reference = block number << 15 | offset in the block / 8
@safe
struct Arena: ~Copyable {
    /// Bytes of a full block: 2^15 units.
    static let blockBytes = 1 << 18
    /// Blocks of an arena, at most: the upper bit of a reference stays free for its users' marks.
    private static let blocksMax = 1 << 16
    private static let firstBytes = 1 << 10

    private var blocks: [Slab] = []
    /// Bytes used of each block, but for the last one.
    private var ends: [Int] = []
    /// The addresses of the blocks, for the loops.
    private(set) var bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var basesCapacity = 8
    /// Bytes used of the last block, and those that may be.
    private var used = 0
    private var room = 0

    init() {
        unsafe bases = .allocate(capacity: 8)
    }

    deinit { unsafe bases.deallocate() }

    /// Memory held, in bytes.
    private(set) var byteCount = 0

    /// What the next reservation gives, or less: every reference given so far is smaller.
    var position: UInt32 {
        guard !blocks.isEmpty else { return 0 }
        return UInt32(truncatingIfNeeded: (blocks.count &- 1) &<< 15 &+ min(used &>> 3, 1 << 15))
    }

    /// What was reserved so far: it stays readable by others while this one grows.
    var slice: ArenaSlice { ArenaSlice(blocks: blocks, ends: blocks.isEmpty ? [] : ends + [used]) }

    /// Reserves `count` bytes, a multiple of 8; gives their reference.
    ///
    /// The bytes are undefined.
    @inline(__always)
    mutating func reserve(_ count: Int) -> UInt32 {
        if used &+ count <= room {
            let reference = (blocks.count &- 1) &<< 15 | used &>> 3
            used &+= count
            return UInt32(truncatingIfNeeded: reference)
        }
        grow(by: count)
        return reserve(count)
    }

    @inline(never)
    private mutating func grow(by count: Int) {
        if blocks.count == 1, blocks[0].byteCount < Self.blockBytes {
            var size = blocks[0].byteCount * 2
            while size < used + count && size < Self.blockBytes { size *= 2 }
            let larger = Slab(byteCount: size)
            unsafe larger.base.copyMemory(from: blocks[0].base, byteCount: used)
            byteCount += larger.byteCount - blocks[0].byteCount
            blocks[0] = larger
            unsafe bases[0] = larger.base
            room = min(size, Self.blockBytes)
            if used + count <= room { return }
        }
        let size = max(count, blocks.isEmpty ? Self.firstBytes : Self.blockBytes)
        let block = Slab(byteCount: size)
        precondition(blocks.count < Self.blocksMax, "a table of state holds at most 16 GiB")
        if blocks.count == basesCapacity { moveBases() }
        if !blocks.isEmpty { ends.append(used) }
        blocks.append(block)
        byteCount += block.byteCount
        unsafe bases[blocks.count - 1] = block.base
        used = 0
        room = max(count, min(block.byteCount, Self.blockBytes))
    }

    private mutating func moveBases() {
        let moved = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(
            capacity: basesCapacity * 2)
        unsafe moved.update(from: bases, count: blocks.count)
        unsafe bases.deallocate()
        unsafe bases = moved
        basesCapacity *= 2
    }

    /// The address of a reference, good until the next reservation.
    @inline(__always)
    func address(_ reference: UInt32) -> UnsafeMutableRawPointer {
        let block = Int(truncatingIfNeeded: reference &>> 15)
        let offset = Int(truncatingIfNeeded: reference & 0x7fff) &<< 3
        return unsafe bases[block] + offset
    }
}
