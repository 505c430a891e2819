/// Blocks that were read, kept within a budget; one owner, no lock.
///
/// S3-FIFO: a small queue takes what is new, a main queue what was asked for again, and a list of
/// ghosts remembers what the small queue let go of, so that one long scan pushes out nothing but
/// itself (Yang et al., "FIFO Queues Are All You Need for Cache Eviction", SOSP 2023).
@safe
package final class BlockCache {
    /// Bytes of blocks, at most.
    package var budget: Int { didSet { shrink() } }
    /// Bytes of blocks held.
    package private(set) var byteCount = 0
    package private(set) var hits = 0
    package private(set) var misses = 0

    private var slots = BlockSlots()
    private var small = BlockSlots.Queue()
    private var main = BlockSlots.Queue()
    private var ghosts = BlockGhosts()
    private var smallBytes = 0
    /// The slot of one block of each file; its others hang on it.
    private var firstOfFile: [UInt64: Int32] = [:]

    /// Uses of a block that are counted.
    private static let usesMax: UInt8 = 3
    /// Bytes that a block costs besides its own.
    private static let overheadBytes = 128

    /// An empty cache.
    package init(budget: Int) { self.budget = budget }

    /// Blocks held.
    package var count: Int { slots.count }

    /// A block, if it is there.
    package func find(file: UInt64, offset: Int) -> SlabSlice? {
        let slot = slots.find(file: file, offset: offset)
        guard slot >= 0 else {
            misses &+= 1
            return nil
        }
        hits &+= 1
        return slots.use(slot, most: Self.usesMax)
    }

    /// Keeps a block, if there is room for it at all.
    package func insert(_ slice: SlabSlice, file: UInt64, offset: Int) {
        let cost = slice.slab.byteCount + Self.overheadBytes
        guard cost <= budget, slots.find(file: file, offset: offset) < 0 else { return }
        // Room is made first: the new block is not the one that goes.
        shrink(to: budget - cost)
        let wasLetGo = ghosts.remove(file: file, offset: offset)
        let slot = slots.insert(slice, file: file, offset: offset, cost: cost)
        slots.hang(slot, before: firstOfFile.updateValue(slot, forKey: file) ?? -1)
        byteCount += cost
        if wasLetGo {
            slots.push(slot, to: &main, isMain: true)
        } else {
            slots.push(slot, to: &small, isMain: false)
            smallBytes += cost
        }
    }

    /// Forgets the blocks of a file that is gone.
    package func remove(file: UInt64) {
        while let slot = firstOfFile[file] { remove(slot) }
    }

    private func remove(_ slot: Int32) {
        let cost = slots.cost(slot)
        byteCount -= cost
        if slots.isMain(slot) {
            slots.unlink(slot, from: &main)
        } else {
            slots.unlink(slot, from: &small)
            smallBytes -= cost
        }
        let file = slots.file(slot)
        let next = slots.unhang(slot)
        if firstOfFile[file] == slot { firstOfFile[file] = next < 0 ? nil : next }
        slots.remove(slot)
    }

    private func shrink() { shrink(to: budget) }

    private func shrink(to limit: Int) {
        while byteCount > max(limit, 0) {
            if main.last < 0 || (smallBytes > budget / 10 && small.last >= 0) {
                shrinkSmall()
            } else {
                shrinkMain()
            }
        }
    }

    /// Lets go of the oldest new block, or moves it if it was asked for again.
    private func shrinkSmall() {
        let slot = small.last
        guard slots.uses(slot) > 0 else {
            ghosts.insert(file: slots.file(slot), offset: slots.offset(slot), among: slots.count)
            remove(slot)
            return
        }
        slots.unlink(slot, from: &small)
        smallBytes -= slots.cost(slot)
        slots.forgetUses(slot)
        slots.push(slot, to: &main, isMain: true)
    }

    /// Lets go of the oldest of the main blocks, or gives it another round.
    private func shrinkMain() {
        let slot = main.last
        guard slots.uses(slot) > 0 else {
            remove(slot)
            return
        }
        slots.takeUse(slot)
        slots.unlink(slot, from: &main)
        slots.push(slot, to: &main, isMain: true)
    }
}
