/// The blocks of a cache: a table of slots, found by file and offset, strung into queues.
///
/// Numbers name slots; -1 is none. A block hangs in one queue, newest first, and among the blocks
/// of its file.
@safe
struct BlockSlots: ~Copyable {
    private struct Slot {
        var slice: SlabSlice
        var file: UInt64
        var offset: Int
        var cost: Int
        var uses: UInt8 = 0
        var isMain = false
        /// Towards the newer and the older end of its queue.
        var newer: Int32 = -1
        var older: Int32 = -1
        /// Among the blocks of its file.
        var before: Int32 = -1
        var behind: Int32 = -1
    }

    /// The ends of a queue.
    struct Queue {
        /// The newest slot.
        fileprivate(set) var first: Int32 = -1
        /// The oldest slot.
        fileprivate(set) var last: Int32 = -1
    }

    private(set) var count = 0
    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 64
    private var free: [Int32] = []
    /// At most a quarter full: slot plus one, and above it 32 bits of its hash; 0 where empty.
    private var table: UnsafeMutablePointer<UInt64>
    private var mask: Int

    init() {
        unsafe slots = .allocate(capacity: capacity)
        free = Array((0..<Int32(capacity)).reversed())
        mask = capacity * 4 - 1
        unsafe table = .allocate(capacity: capacity * 4)
        unsafe table.initialize(repeating: 0, count: capacity * 4)
    }

    deinit {
        for place in 0...mask {
            let word = unsafe table[place]
            if word != 0 { unsafe (slots + Int(word & 0xffff_ffff) - 1).deinitialize(count: 1) }
        }
        unsafe slots.deallocate()
        unsafe table.deallocate()
    }

    @inline(__always)
    private static func hash(_ file: UInt64, _ offset: Int) -> UInt64 {
        Hash64.hash(file, UInt64(truncatingIfNeeded: offset))
    }

    /// The slot of a block, or -1.
    @inline(__always)
    func find(file: UInt64, offset: Int) -> Int32 {
        let hash = Self.hash(file, offset)
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let word = unsafe table[place]
            if word == 0 { return -1 }
            if word &>> 32 == hash &>> 32 {
                let slot = Int(word & 0xffff_ffff) &- 1
                if unsafe slots[slot].file == file && slots[slot].offset == offset {
                    return Int32(truncatingIfNeeded: slot)
                }
            }
            place = (place &+ 1) & mask
        }
    }

    /// The block of a slot, which counts as one use of it.
    @inline(__always)
    func use(_ slot: Int32, most: UInt8) -> SlabSlice {
        let slot = unsafe slots + Int(slot)
        if unsafe slot.pointee.uses < most { unsafe slot.pointee.uses &+= 1 }
        return unsafe slot.pointee.slice
    }

    func file(_ slot: Int32) -> UInt64 { unsafe slots[Int(slot)].file }
    func offset(_ slot: Int32) -> Int { unsafe slots[Int(slot)].offset }
    func cost(_ slot: Int32) -> Int { unsafe slots[Int(slot)].cost }
    func uses(_ slot: Int32) -> UInt8 { unsafe slots[Int(slot)].uses }
    func isMain(_ slot: Int32) -> Bool { unsafe slots[Int(slot)].isMain }
    func takeUse(_ slot: Int32) { unsafe slots[Int(slot)].uses -= 1 }
    func forgetUses(_ slot: Int32) { unsafe slots[Int(slot)].uses = 0 }

    /// Takes a block that is not there yet.
    mutating func insert(_ slice: SlabSlice, file: UInt64, offset: Int, cost: Int) -> Int32 {
        if free.isEmpty { grow() }
        let slot = free.removeLast()
        unsafe (slots + Int(slot)).initialize(
            to: Slot(slice: slice, file: file, offset: offset, cost: cost))
        count += 1
        enter(slot)
        return slot
    }

    private func enter(_ slot: Int32) {
        let hash = unsafe Self.hash(slots[Int(slot)].file, slots[Int(slot)].offset)
        var place = Int(truncatingIfNeeded: hash) & mask
        while unsafe table[place] != 0 { place = (place &+ 1) & mask }
        unsafe table[place] = hash & ~0xffff_ffff | UInt64(slot &+ 1)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity * 2)
        unsafe larger.moveInitialize(from: slots, count: capacity)
        unsafe slots.deallocate()
        unsafe slots = larger
        unsafe table.deallocate()
        mask = capacity * 8 - 1
        unsafe table = .allocate(capacity: capacity * 8)
        unsafe table.initialize(repeating: 0, count: capacity * 8)
        for slot in 0..<Int32(capacity) { enter(slot) }
        free = Array((Int32(capacity)..<Int32(capacity * 2)).reversed())
        capacity *= 2
    }

    /// Lets go of a block that hangs nowhere any more.
    mutating func remove(_ slot: Int32) {
        var hole = Int(truncatingIfNeeded: Self.hash(file(slot), offset(slot))) & mask
        while unsafe table[hole] & 0xffff_ffff != UInt64(slot + 1) { hole = (hole &+ 1) & mask }
        // What stands behind moves up, so that no search ends too early.
        var place = hole
        while true {
            place = (place &+ 1) & mask
            let word = unsafe table[place]
            if word == 0 { break }
            let other = Int32(truncatingIfNeeded: word & 0xffff_ffff) - 1
            let home = Int(truncatingIfNeeded: Self.hash(file(other), offset(other))) & mask
            if (place &- home) & mask >= (place &- hole) & mask {
                unsafe table[hole] = word
                hole = place
            }
        }
        unsafe table[hole] = 0
        unsafe (slots + Int(slot)).deinitialize(count: 1)
        free.append(slot)
        count -= 1
    }

    /// Puts a slot at the newest end of a queue.
    func push(_ slot: Int32, to queue: inout Queue, isMain: Bool) {
        unsafe slots[Int(slot)].isMain = isMain
        unsafe slots[Int(slot)].newer = -1
        unsafe slots[Int(slot)].older = queue.first
        if queue.first >= 0 {
            unsafe slots[Int(queue.first)].newer = slot
        } else {
            queue.last = slot
        }
        queue.first = slot
    }

    /// Takes a slot out of its queue.
    func unlink(_ slot: Int32, from queue: inout Queue) {
        let (newer, older) = unsafe (slots[Int(slot)].newer, slots[Int(slot)].older)
        if newer >= 0 { unsafe slots[Int(newer)].older = older } else { queue.first = older }
        if older >= 0 { unsafe slots[Int(older)].newer = newer } else { queue.last = newer }
    }

    /// Hangs a slot before another of its file.
    func hang(_ slot: Int32, before next: Int32) {
        unsafe slots[Int(slot)].behind = next
        if next >= 0 { unsafe slots[Int(next)].before = slot }
    }

    /// Takes a slot out of those of its file; gives the one behind it.
    func unhang(_ slot: Int32) -> Int32 {
        let (before, behind) = unsafe (slots[Int(slot)].before, slots[Int(slot)].behind)
        if before >= 0 { unsafe slots[Int(before)].behind = behind }
        if behind >= 0 { unsafe slots[Int(behind)].before = before }
        return behind
    }
}
