/// Blocks that were read, kept within a budget; one owner, no lock.
///
/// S3-FIFO: a small queue takes what is new, a main queue what was asked for again, and a list of
/// ghosts remembers what the small queue let go of, so that one long scan pushes out nothing but
/// itself (Yang et al., "FIFO Queues Are All You Need for Cache Eviction", SOSP 2023).
package final class BlockCache {
    private struct Key: Hashable {
        let file: UInt64
        let offset: Int
    }

    private struct Entry {
        let slice: SlabSlice
        var uses: UInt8
        var isMain: Bool
    }

    /// Bytes of blocks, at most.
    package var budget: Int { didSet { shrink() } }
    /// Bytes of blocks held.
    package private(set) var byteCount = 0
    package private(set) var hits = 0
    package private(set) var misses = 0

    private var entries: [Key: Entry] = [:]
    private var small = Queue()
    private var main = Queue()
    private var ghosts = Queue()
    private var ghostKeys: [Key: Int] = [:]
    private var smallBytes = 0

    /// A first-in first-out queue of keys.
    private struct Queue {
        private var keys: [Key] = []
        private var head = 0

        var count: Int { keys.count - head }

        mutating func push(_ key: Key) { keys.append(key) }

        mutating func pop() -> Key? {
            guard head < keys.count else { return nil }
            defer { head += 1 }
            if head > 1024 && head * 2 > keys.count {
                keys.removeFirst(head)
                head = 0
            }
            return keys[head]
        }
    }

    /// An empty cache.
    package init(budget: Int) { self.budget = budget }

    /// A block, if it is there.
    package func find(file: UInt64, offset: Int) -> SlabSlice? {
        let key = Key(file: file, offset: offset)
        guard let index = entries.index(forKey: key) else {
            misses += 1
            return nil
        }
        hits += 1
        if entries.values[index].uses < 3 { entries.values[index].uses += 1 }
        return entries.values[index].slice
    }

    /// Keeps a block, if there is room for it at all.
    package func insert(_ slice: SlabSlice, file: UInt64, offset: Int) {
        let key = Key(file: file, offset: offset)
        guard Self.cost(slice) <= budget, entries[key] == nil else { return }
        let wasLetGo = ghostKeys.removeValue(forKey: key) != nil
        entries[key] = Entry(slice: slice, uses: 0, isMain: wasLetGo)
        byteCount += Self.cost(slice)
        if wasLetGo {
            main.push(key)
        } else {
            small.push(key)
            smallBytes += Self.cost(slice)
        }
        shrink()
    }

    /// Forgets the blocks of a file that is gone.
    package func remove(file: UInt64) {
        for key in entries.keys where key.file == file { remove(key) }
    }

    private static func cost(_ slice: SlabSlice) -> Int { slice.slab.byteCount + 128 }

    private func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        byteCount -= Self.cost(entry.slice)
        if !entry.isMain { smallBytes -= Self.cost(entry.slice) }
    }

    private func shrink() {
        while byteCount > budget {
            if smallBytes * 10 > budget || main.count == 0 {
                if !shrinkSmall() && !shrinkMain() { return }
            } else if !shrinkMain() && !shrinkSmall() {
                return
            }
        }
    }

    private func shrinkSmall() -> Bool {
        while let key = small.pop() {
            guard let entry = entries[key], !entry.isMain else { continue }
            if entry.uses > 0 {
                entries[key]?.isMain = true
                entries[key]?.uses = 0
                smallBytes -= Self.cost(entry.slice)
                main.push(key)
                continue
            }
            remove(key)
            remember(key)
            return true
        }
        return false
    }

    private func shrinkMain() -> Bool {
        while let key = main.pop() {
            guard let entry = entries[key], entry.isMain else { continue }
            if entry.uses > 0 {
                entries[key]?.uses -= 1
                main.push(key)
                continue
            }
            remove(key)
            return true
        }
        return false
    }

    /// Keeps the name of a block that was let go of, for about as many as there are blocks.
    private func remember(_ key: Key) {
        ghosts.push(key)
        ghostKeys[key, default: 0] += 1
        while ghosts.count > entries.count + 16, let oldest = ghosts.pop() {
            guard let times = ghostKeys[oldest] else { continue }
            ghostKeys[oldest] = times > 1 ? times - 1 : nil
        }
    }
}
