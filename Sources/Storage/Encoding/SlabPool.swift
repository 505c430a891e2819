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

    /// By size class.
    private static let lists = (0...largestClass).map { FreeBlocks(countMax: bytesKeptMax >> $0) }

    /// Gives a block of at least `byteCount` bytes, plus slack.
    static func take(byteCount: Int) -> Block {
        precondition(byteCount >= 0, "a slab has no negative size")
        let sizeClass = max(smallestClass, Int.bitWidth - max(byteCount - 1, 0).leadingZeroBitCount)
        guard sizeClass <= largestClass else {
            return unsafe Block(base: allocate(byteCount), byteCount: byteCount, sizeClass: -1)
        }
        let size = 1 << sizeClass
        let base = unsafe lists[sizeClass].take() ?? allocate(size)
        return unsafe Block(base: base, byteCount: size, sizeClass: sizeClass)
    }

    /// Takes back what `take` gave.
    static func giveBack(_ base: UnsafeMutableRawPointer, byteCount: Int, sizeClass: Int) {
        guard sizeClass >= 0, unsafe lists[sizeClass].keep(base) else {
            unsafe base.deallocate()
            return
        }
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer.allocate(byteCount: byteCount + Slab.slack, alignment: 16)
    }
}

/// The free blocks of one size class, under a lock of their own.
@safe
private final class FreeBlocks: Sendable {
    @safe
    private struct Stack: @unchecked Sendable {
        // Sendable: a block on the stack has no other owner.
        var blocks: [UnsafeMutableRawPointer] = unsafe []
    }

    @safe
    private struct Block: @unchecked Sendable {
        // Sendable: it carries a block that nobody else owns through the lock.
        let pointer: UnsafeMutableRawPointer?
    }

    private let stack = Mutex(Stack())
    private let countMax: Int

    /// Keeps up to `countMax` blocks.
    init(countMax: Int) { self.countMax = countMax }

    func take() -> UnsafeMutableRawPointer? {
        let block = stack.withLock { stack in unsafe Block(pointer: stack.blocks.popLast()) }
        return unsafe block.pointer
    }

    /// Keeps a block, or says that there are enough.
    func keep(_ pointer: UnsafeMutableRawPointer) -> Bool {
        let block = unsafe Block(pointer: pointer)
        return stack.withLock { stack in
            guard unsafe stack.blocks.count < countMax, let kept = unsafe block.pointer else {
                return false
            }
            unsafe stack.blocks.append(kept)
            return true
        }
    }
}
