import Glibc

/// Walks through an ordered table, front to back.
///
/// Keys are put together in a buffer of its own, values stay in their block: what `key` and
/// `value` give is good until the next move.
@safe
package final class OrderedTableIterator {
    private let table: OrderedTable
    private let cache: BlockCache?
    private var block: OrderedBlock?
    private(set) var blockNumber = -1
    private var head = OrderedBlock.Head()
    private var keyBuffer = Slab(byteCount: 256)
    private var keyCount = 0
    private var keyCapacity: Int
    /// The first byte of the key, and of the block: kept by the buffer and the block above.
    private var keyBase: UnsafeMutableRawPointer
    private var blockBase: UnsafeRawPointer
    private var entriesEnd = 0
    /// Whether it stands at an entry.
    package private(set) var isValid = false
    package private(set) var kind = EntryKind.put

    init(_ table: OrderedTable, _ cache: BlockCache?) {
        self.table = table
        self.cache = cache
        unsafe keyBase = keyBuffer.base
        unsafe blockBase = UnsafeRawPointer(keyBuffer.base)
        keyCapacity = keyBuffer.byteCount
    }

    /// The version of the entry.
    package var version: UInt64 { head.version }

    /// The key of the entry.
    package var key: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeBytes: keyBytes)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The value of the entry.
    package var value: RawSpan {
        @_lifetime(borrow self)
        get {
            let slice = valueSlice
            let span = slice.slab.bytes(slice.range)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The value of the entry; it keeps its block in memory.
    package var valueSlice: SlabSlice {
        guard let block else { return SlabSlice(keyBuffer, 0..<0) }
        return block.value(head)
    }

    /// The key and the value of the entry in memory, for merges; good until the next move.
    var keyBytes: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: keyBase, count: keyCount) }
    }
    var valueBytes: UnsafeRawBufferPointer {
        @inline(__always) get {
            unsafe UnsafeRawBufferPointer(
                start: blockBase + head.valueStart, count: head.valueCount)
        }
    }

    /// The key as an array, for checks and tests.
    var keyArray: [UInt8] { keyBuffer.array(0..<keyCount) }

    /// Goes to the first entry.
    package func seekToFirst() throws(StorageError) {
        isValid = false
        keyCount = 0
        guard try enter(0) else { return }
        try read(at: 0)
    }

    /// Goes to the first entry of the first key that is not below `key`; of that key itself, to
    /// the newest entry that is no newer than `version`.
    package func seek(_ key: RawSpan, version: UInt64 = .max) throws(StorageError) {
        isValid = false
        keyCount = 0
        let key = unsafe key.withUnsafeBytes { bytes in unsafe bytes }
        guard try enter(max(0, unsafe table.firstBlock(of: key))), let block else { return }
        guard let stretch = unsafe block.stretch(for: key, version: version) else {
            throw table.damage(blockNumber)
        }
        try read(at: stretch.lowerBound)
        while isValid {
            let order = unsafe KeyOrder.compare(keyBytes, key)
            if order > 0 || (order == 0 && head.version <= version) { return }
            try next()
        }
    }

    /// Goes to the next entry; behind the last one it is no longer valid.
    @inline(__always)
    package func next() throws(StorageError) {
        precondition(isValid, "an iterator moves on from an entry")
        let offset = head.end
        if offset < entriesEnd {
            try read(at: offset)
        } else {
            try nextBlock()
        }
    }

    private func nextBlock() throws(StorageError) {
        isValid = false
        keyCount = 0
        guard try enter(blockNumber + 1) else { return }
        try read(at: 0)
    }

    /// Makes a block the one it stands in; false if there is none.
    private func enter(_ number: Int) throws(StorageError) -> Bool {
        guard number < table.blockCount else {
            block = nil
            return false
        }
        blockNumber = number
        let block = try table.block(number, cache)
        self.block = block
        unsafe blockBase = block.base
        entriesEnd = block.entriesEnd
        return true
    }

    /// Takes the entry at `offset`, of whose key the buffer has the start.
    @inline(__always)
    private func read(at offset: Int) throws(StorageError) {
        guard let next = unsafe OrderedBlock.head(blockBase, entriesEnd: entriesEnd, at: offset),
            next.shared <= keyCount, let kind = next.kind
        else {
            isValid = false
            throw table.damage(blockNumber)
        }
        keyCount = next.shared &+ next.further
        if keyCount > keyCapacity { grow(keeping: next.shared) }
        unsafe memcpy(keyBase + next.shared, blockBase + next.keyStart, next.further)
        head = next
        self.kind = kind
        isValid = true
    }

    private func grow(keeping count: Int) {
        let larger = Slab(byteCount: keyCount * 2)
        larger.copy(SlabSlice(keyBuffer, 0..<count), to: 0)
        keyBuffer = larger
        unsafe keyBase = larger.base
        keyCapacity = larger.byteCount
    }
}
