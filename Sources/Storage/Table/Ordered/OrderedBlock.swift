/// A block of an ordered table as it is read; see `OrderedBlockBuilder` for its form.
///
/// Its bytes passed their checksum, so what is wrong in them was written so. Even then nothing
/// outside of the block is read: lengths are checked entry by entry.
@safe
struct OrderedBlock {
    let slice: SlabSlice
    /// The first byte of the block.
    let base: UnsafeRawPointer
    /// Where the entries end and the restarts begin.
    let entriesEnd: Int
    private let restartCount: Int

    /// Takes the bytes of a block; nil where they cannot be one.
    @inline(__always)
    init?(_ slice: SlabSlice) {
        self.slice = slice
        unsafe base = UnsafeRawPointer(slice.slab.base + slice.range.lowerBound)
        let size = slice.byteCount
        guard size > 8 else { return nil }
        let last = unsafe base.loadUnaligned(fromByteOffset: size &- 4, as: UInt32.self)
        restartCount = Int(UInt32(littleEndian: last))
        guard restartCount > 0, restartCount < size / 4 else { return nil }
        entriesEnd = size &- 4 &* (restartCount &+ 1)
        guard entriesEnd > 0 else { return nil }
    }

    /// What stands before the bytes of an entry.
    struct Head {
        var shared = 0
        var further = 0
        var valueCount = 0
        var tag: UInt64 = 0
        /// Where the further bytes of the key begin.
        var keyStart = 0

        @inline(__always) var valueStart: Int { keyStart &+ further }
        @inline(__always) var end: Int { keyStart &+ further &+ valueCount }
        @inline(__always) var version: UInt64 { tag &>> 2 }
        @inline(__always) var kind: EntryKind? {
            EntryKind(rawValue: UInt8(truncatingIfNeeded: tag & 3))
        }
    }

    /// Reads a number of up to ten bytes; behind the block there is enough that may be read.
    @inline(__always)
    private static func varint(_ base: UnsafeRawPointer, _ offset: inout Int) -> UInt64 {
        var byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        offset &+= 1
        var value = UInt64(byte & 0x7f)
        var shift: UInt64 = 7
        while byte >= 0x80 && shift < 64 {
            byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            offset &+= 1
            value |= UInt64(byte & 0x7f) &<< shift
            shift &+= 7
        }
        return value
    }

    /// The head of the entry at `offset`, which lies among the entries; nil where it cannot be one.
    @inline(__always)
    func head(at offset: Int) -> Head? {
        unsafe Self.head(base, entriesEnd: entriesEnd, at: offset)
    }

    /// The same for a block whose bytes somebody else keeps.
    @inline(__always)
    static func head(_ base: UnsafeRawPointer, entriesEnd: Int, at offset: Int) -> Head? {
        var head = Head()
        var next = offset
        let first = UInt32(
            littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        if first & 0x80_8080 == 0 {
            head.shared = Int(first & 0x7f)
            head.further = Int(first &>> 8 & 0x7f)
            head.valueCount = Int(first &>> 16 & 0x7f)
            next &+= 3
        } else {
            let (shared, further) = unsafe (varint(base, &next), varint(base, &next))
            let valueCount = unsafe varint(base, &next)
            guard (shared | further | valueCount) &>> 32 == 0 else { return nil }
            head.shared = Int(shared)
            head.further = Int(further)
            head.valueCount = Int(valueCount)
        }
        head.tag = unsafe varint(base, &next)
        head.keyStart = next
        return head.end <= entriesEnd ? head : nil
    }

    /// The further bytes of an entry's key.
    @inline(__always)
    func keyBytes(_ head: Head) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + head.keyStart, count: head.further)
    }

    /// The value of an entry.
    @inline(__always)
    func value(_ head: Head) -> SlabSlice {
        let start = slice.range.lowerBound &+ head.valueStart
        return SlabSlice(slice.slab, start..<start &+ head.valueCount)
    }

    /// The place of a restart, or where the entries end; nil where it cannot be one.
    @inline(__always)
    private func restart(_ number: Int) -> Int? {
        if number == restartCount { return entriesEnd }
        let offset = unsafe base.loadUnaligned(
            fromByteOffset: entriesEnd &+ 4 &* number, as: UInt32.self)
        let place = Int(UInt32(littleEndian: offset))
        return place < entriesEnd ? place : nil
    }

    /// The stretch between two restarts that holds the first entry at or behind (`key`, `version`),
    /// or ends where it stands; nil for a block that cannot be right.
    func stretch(for key: UnsafeRawBufferPointer, version: UInt64) -> Range<Int>? {
        var low = 0
        var high = restartCount
        // The last restart before the place; the first where there is none.
        while high &- low > 1 {
            let middle = (low &+ high) &>> 1
            guard let offset = restart(middle), let head = head(at: offset) else { return nil }
            let order = unsafe KeyOrder.compare(keyBytes(head), key)
            if order < 0 || (order == 0 && head.version > version) {
                low = middle
            } else {
                high = middle
            }
        }
        guard let start = restart(low), let end = restart(high), start < end else { return nil }
        return start..<end
    }

    /// What a search found.
    enum Found {
        /// The newest entry of the key that is no newer than the version.
        case entry(Head)
        /// None in this block, and none in a later one.
        case nothing
        /// All entries of the block stand before it.
        case beyond
        case damage
    }

    /// Looks for the newest entry of `key` that is no newer than `version`.
    ///
    /// No key is put together for it: an entry that shares more with the one before than that one
    /// with the key in question stands before it as well, and one that shares less behind it.
    func find(_ key: UnsafeRawBufferPointer, version: UInt64) -> Found {
        guard let stretch = unsafe stretch(for: key, version: version) else { return .damage }
        var offset = stretch.lowerBound
        var end = stretch.upperBound
        // Bytes that the entry before has in common with the key.
        var matched = 0
        while true {
            if offset == end {
                if end == entriesEnd { return .beyond }
                // The restart that ends the stretch shares nothing with the entry before.
                end = entriesEnd
                matched = 0
            }
            guard let head = head(at: offset) else { return .damage }
            offset = head.end
            if head.shared > matched { continue }
            if head.shared < matched { return .nothing }
            let further = unsafe keyBytes(head)
            let left = key.count &- matched
            let count = min(further.count, left)
            var same = 0
            if count > 0, let first = further.baseAddress,
                let second = key.baseAddress
            {
                same = unsafe KeyOrder.sharedBytes(first, second + matched, count: count)
                if same < count {
                    if unsafe further[same] > key[matched &+ same] { return .nothing }
                    matched &+= same
                    continue
                }
            }
            if further.count > left { return .nothing }
            if further.count == left && head.version <= version { return .entry(head) }
            matched &+= same
        }
    }
}
