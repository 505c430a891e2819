/// Entries of a memtable in the order of their keys, as they were at some moment: all versions of
/// each key, the newest first.
///
/// It keeps the memory it reads, so that the table may go on growing, or go.
@safe
final class MemtableView: @unchecked Sendable {
    // Sendable: nothing changes behind `init`, and the entries are frozen.

    let count: Int
    private let blocks: [Slab]
    private let bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private let items: UnsafeMutableBufferPointer<KeySort.Item>

    /// Sorts the entries of a table up to its last freeze.
    init(_ table: KeyedMemtable) {
        let end = table.frozenEnd
        blocks = table.arena.slice.blocks
        unsafe bases = .allocate(capacity: max(blocks.count, 1))
        for index in blocks.indices { unsafe bases[index] = blocks[index].base }
        var found = GrowingBytes(capacity: max(table.count, 1) * 4)
        let words = unsafe table.slots.base.assumingMemoryBound(to: UInt64.self)
        for slot in 0...table.mask {
            let word = unsafe words[slot]
            guard word != 0 else { continue }
            var reference = UInt32(truncatingIfNeeded: word) &- 1
            while reference != KeyedMemtable.absent {
                if reference < end { found.append(reference) }
                reference = table.entry(reference).older &- 1
            }
        }
        count = found.count / 4
        unsafe items = .allocate(capacity: count)
        let list = unsafe found.slab.base.assumingMemoryBound(to: UInt32.self)
        for index in 0..<count {
            unsafe items.initializeElement(
                at: index, to: KeySort.Item(word: 0, reference: list[index]))
        }
        let spare = UnsafeMutableBufferPointer<KeySort.Item>.allocate(capacity: count)
        defer { unsafe spare.deallocate() }
        unsafe KeySort(UnsafePointer(bases)).sort(items, spare: spare)
    }

    deinit {
        unsafe bases.deallocate()
        unsafe items.deallocate()
    }

    @inline(__always)
    func entry(_ index: Int) -> KeyedMemtable.Entry {
        let reference = unsafe items[index].reference
        let block = Int(truncatingIfNeeded: reference &>> 15)
        return unsafe KeyedMemtable.Entry(
            bases[block] + Int(truncatingIfNeeded: reference & 0x7fff) &<< 3)
    }

    /// The first entry whose key is at or behind some bytes.
    func first(atOrAfter key: UnsafeRawBufferPointer) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if unsafe KeyOrder.compare(entry(middle).key, key) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
