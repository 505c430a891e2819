import Synchronization

/// The free lists behind `Slab`: memory that was used is used again, warm and already mapped.
///
/// Sizes are rounded up to a power of two. Each size class keeps a bounded number of free bytes;
/// what comes back beyond that goes to the system. Larger blocks are never kept.
enum SlabPool {
    /// A block as it goes out.
    @unsafe
    struct Block {
        let base: UnsafeMutableRawPointer
        let byteCount: Int
        /// The power of two it belongs to, or -1 for a block that is not pooled.
        let sizeClass: Int
    }

    private static let smallestClass = 8
    private static let largestClass = 22
    /// Free bytes kept for each size class.
    private static let bytesKeptMax = 16 << 20

    /// The free blocks of one size class.
    @safe
    private struct FreeList: @unchecked Sendable {
        // Sendable: a block on the list has no other owner.
        private var blocks: [UnsafeMutableRawPointer] = unsafe []

        var count: Int { unsafe blocks.count }

        mutating func push(_ block: SendableBlock) {
            if let pointer = unsafe block.pointer { unsafe blocks.append(pointer) }
        }

        mutating func pop() -> SendableBlock { unsafe SendableBlock(pointer: blocks.popLast()) }
    }

    private static let lists = Mutex<[FreeList]>(
        [FreeList](repeating: FreeList(), count: largestClass + 1))

    /// Gives a block of at least `byteCount` bytes, plus slack.
    static func take(byteCount: Int) -> Block {
        precondition(byteCount >= 0, "a slab has no negative size")
        let sizeClass = max(smallestClass, Int.bitWidth - max(byteCount - 1, 0).leadingZeroBitCount)
        guard sizeClass <= largestClass else {
            return unsafe Block(base: allocate(byteCount), byteCount: byteCount, sizeClass: -1)
        }
        let pooled: SendableBlock = lists.withLock { lists in
            lists[sizeClass].pop()
        }
        let size = 1 << sizeClass
        let base = unsafe pooled.pointer ?? allocate(size)
        return unsafe Block(base: base, byteCount: size, sizeClass: sizeClass)
    }

    /// Takes back what `take` gave.
    static func giveBack(_ base: UnsafeMutableRawPointer, byteCount: Int, sizeClass: Int) {
        let block = unsafe SendableBlock(pointer: base)
        guard sizeClass >= 0, keep(block, sizeClass: sizeClass) else {
            unsafe base.deallocate()
            return
        }
    }

    /// Puts a block on its free list, if there is room.
    private static func keep(_ block: SendableBlock, sizeClass: Int) -> Bool {
        lists.withLock { lists in
            let count = lists[sizeClass].count
            guard (count + 1) << sizeClass <= bytesKeptMax else { return false }
            lists[sizeClass].push(block)
            return true
        }
    }

    @safe
    private struct SendableBlock: @unchecked Sendable {
        // Sendable: it carries a block that nobody else owns through the lock.
        let pointer: UnsafeMutableRawPointer?
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer.allocate(byteCount: byteCount + Slab.slack, alignment: 16)
    }
}
