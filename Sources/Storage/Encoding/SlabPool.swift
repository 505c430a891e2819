import Glibc
import Synchronization

/// The free lists behind `Slab`: memory that was used is used again, warm and already mapped.
///
/// Sizes are rounded up to a power of two. Each size class keeps a bounded number of free bytes;
/// what comes back beyond that goes to the system. Larger blocks are never kept. Blocks of many
/// pages are mapped, each by itself: what lies between two of them in a heap would stay.
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
    /// Free bytes kept for each size class, and for all of them.
    private static let bytesKeptMax = 16 << 20
    private static let allBytesKeptMax = 16 << 20

    /// By size class.
    private static let lists = (0...largestClass).map { FreeBlocks(countMax: bytesKeptMax >> $0) }
    private static let bytesKept = Atomic<Int>(0)

    /// Gives a block of at least `byteCount` bytes, plus slack.
    static func take(byteCount: Int) -> Block {
        precondition(byteCount >= 0, "a slab has no negative size")
        let sizeClass = max(smallestClass, Int.bitWidth - max(byteCount - 1, 0).leadingZeroBitCount)
        guard sizeClass <= largestClass else {
            return unsafe Block(base: allocate(byteCount), byteCount: byteCount, sizeClass: -1)
        }
        let size = 1 << sizeClass
        guard let base = unsafe lists[sizeClass].take() else {
            return unsafe Block(base: allocate(size), byteCount: size, sizeClass: sizeClass)
        }
        bytesKept.subtract(size, ordering: .relaxed)
        return unsafe Block(base: base, byteCount: size, sizeClass: sizeClass)
    }

    /// Takes back what `take` gave.
    static func giveBack(_ base: UnsafeMutableRawPointer, byteCount: Int, sizeClass: Int) {
        if sizeClass >= 0 {
            let kept = bytesKept.add(byteCount, ordering: .relaxed).newValue
            if kept <= allBytesKeptMax, unsafe lists[sizeClass].keep(base) { return }
            bytesKept.subtract(byteCount, ordering: .relaxed)
        }
        unsafe free(base, byteCount)
    }

    /// Bytes of a block that is mapped, at least.
    static let mappedBytesMin = 1 << 17
    /// Bytes of a block whose pages are taken at once, at most: larger ones may not be filled.
    private static let populatedBytesMax = 1 << 18

    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let count = byteCount + Slab.slack
        guard byteCount >= mappedBytesMin else {
            return UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
        }
        let early = byteCount <= populatedBytesMax ? MAP_POPULATE : 0
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | early
        guard let base = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0),
            unsafe base != MAP_FAILED
        else { preconditionFailure("there is no memory for a block of \(byteCount) bytes") }
        return unsafe base
    }

    private static func free(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        guard byteCount >= mappedBytesMin else { return unsafe base.deallocate() }
        unsafe munmap(base, byteCount + Slab.slack)
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
