/// A block of a bucketed run, as read: checked once, then searched without further checks.
///
/// See `HashedBlockBuilder` for its layout.
@safe
struct HashedBlock {
    let slice: SlabSlice
    let count: Int
    let firstHash: UInt64
    private let deltaWidth: Int
    private let lengthWidth: Int
    private let extraWidth: Int
    private let flags: UInt8
    private let keyLength: Int
    /// Offsets in the slab.
    private let deltas: Int
    private let lengths: Int
    private let extraLengths: Int
    private let values: Int
    private let keys: Int
    private let extras: Int
    private let valueWidth: Int
    /// How keys are stored, if by a pattern.
    private let pattern: KeyPattern?
    /// Bytes of each key as it is stored, if they are the same.
    private let rowBytes: Int

    /// What is wrong with a block.
    struct Damage: Error { let cause: String }

    /// Takes a block's bytes and checks that all of it lies within them.
    init(_ slice: SlabSlice, valueWidth: Int, hasExtras: Bool) throws(Damage) {
        let size = slice.byteCount
        guard size >= HashedBlockBuilder.headBytes else {
            throw Damage(cause: "a block of \(size) bytes")
        }
        let base = unsafe slice.slab.base + slice.range.lowerBound
        count = Int(unsafe base.loadUnaligned(as: UInt32.self))
        deltaWidth = Int(unsafe base.load(fromByteOffset: 4, as: UInt8.self))
        lengthWidth = Int(unsafe base.load(fromByteOffset: 5, as: UInt8.self))
        extraWidth = Int(unsafe base.load(fromByteOffset: 6, as: UInt8.self))
        flags = unsafe base.load(fromByteOffset: 7, as: UInt8.self)
        firstHash = unsafe base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        keyLength = Int(unsafe base.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        let extraBytes = Int(unsafe base.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
        self.slice = slice
        self.valueWidth = valueWidth
        let isSame = flags & HashedBlockBuilder.sameLength != 0
        guard count > 0, count <= size, deltaWidth <= 5, lengthWidth <= 4, extraWidth <= 4,
            hasExtras || extraBytes == 0,
            !isSame || keyLength <= size
        else { throw Damage(cause: "the head of a block is not one") }
        deltas = slice.range.lowerBound + HashedBlockBuilder.headBytes
        lengths = deltas + (count - 1) * deltaWidth
        extraLengths = lengths + (isSame ? 0 : count * lengthWidth)
        values = extraLengths + (hasExtras ? count * extraWidth : 0)
        let keyStart = values + count * valueWidth
        guard keyStart <= slice.range.upperBound else {
            throw Damage(cause: "the parts of a block do not fill it")
        }
        if flags & HashedBlockBuilder.patterned != 0 {
            let end = slice.range.upperBound
            guard isSame,
                let pattern = unsafe KeyPattern(
                    slice.slab.base + keyStart, end: slice.slab.base + end, keyBytes: keyLength)
            else { throw Damage(cause: "the pattern of a block's keys is none") }
            self.pattern = pattern
            rowBytes = pattern.rowBytes
            keys = keyStart + pattern.byteCount
        } else {
            pattern = nil
            rowBytes = keyLength
            keys = keyStart
        }
        extras = keys + (isSame ? rowBytes * count : keyLength)
        guard extras + extraBytes == slice.range.upperBound else {
            throw Damage(cause: "the parts of a block do not fill it")
        }
        if !isSame { try check(lengths, lengthWidth, sum: keyLength, "keys") }
        if hasExtras { try check(extraLengths, extraWidth, sum: extraBytes, "extras") }
    }

    private func check(
        _ place: Int, _ width: Int, sum: Int, _ name: String
    ) throws(Damage) {
        var total = 0
        for index in 0..<count {
            total += Int(truncatingIfNeeded: number(place, width, index) & 0xffff_ffff)
        }
        if total != sum { throw Damage(cause: "the lengths of a block's \(name) are wrong") }
    }

    @inline(__always)
    private func number(_ place: Int, _ width: Int, _ index: Int) -> UInt64 {
        // Slabs have readable bytes behind their end.
        let word = unsafe slice.slab.base.loadUnaligned(
            fromByteOffset: place &+ index &* width, as: UInt64.self)
        return word & ((1 &<< UInt64(width &* 8)) &- 1)
    }

    private var isSame: Bool { flags & HashedBlockBuilder.sameLength != 0 }
    private var isGroupDerived: Bool { flags & HashedBlockBuilder.derivedGroup != 0 }

    /// A place in the block: the numbers that grow along with it.
    struct Cursor {
        fileprivate(set) var index = 0
        fileprivate(set) var hash: UInt64
        fileprivate var key: Int
        fileprivate var extra: Int
    }

    var start: Cursor { Cursor(hash: firstHash, key: keys, extra: extras) }

    /// Moves to the next entry; behind the last one, `index` is `count`.
    @inline(__always)
    func advance(_ cursor: inout Cursor) {
        cursor.key &+= isSame ? rowBytes : storedKeyCount(cursor.index)
        if extraWidth > 0 { cursor.extra &+= extraCount(cursor.index) }
        if cursor.index &+ 1 < count {
            cursor.hash &+= number(deltas, deltaWidth, cursor.index)
        }
        cursor.index &+= 1
    }

    @inline(__always)
    private func storedKeyCount(_ index: Int) -> Int {
        isSame ? keyLength : Int(truncatingIfNeeded: number(lengths, lengthWidth, index))
    }

    private func extraCount(_ index: Int) -> Int {
        Int(truncatingIfNeeded: number(extraLengths, extraWidth, index))
    }

    /// Bytes of an entry's key.
    @inline(__always)
    func keyCount(_ cursor: Cursor) -> Int {
        storedKeyCount(cursor.index) &+ (isGroupDerived ? HashedBlockBuilder.groupBytes : 0)
    }

    /// Copies an entry's key to `target`, which has room for `keyCount` bytes and a word.
    @inline(__always)
    func copyKey(_ cursor: Cursor, to target: UnsafeMutableRawPointer) {
        var target = unsafe target
        if isGroupDerived {
            unsafe target.storeBytes(
                of: HashedBlockBuilder.group(of: cursor.hash), as: UInt16.self)
            unsafe target += HashedBlockBuilder.groupBytes
        }
        let stored = unsafe slice.slab.base + cursor.key
        if let pattern { return unsafe pattern.unpack(stored, to: target) }
        unsafe target.copyMemory(from: stored, byteCount: storedKeyCount(cursor.index))
    }

    /// Whether an entry has a key.
    @inline(__always)
    func isKey(_ cursor: Cursor, _ key: UnsafeRawPointer, count keyCount: Int) -> Bool {
        guard keyCount == self.keyCount(cursor) else { return false }
        let skipped = isGroupDerived ? HashedBlockBuilder.groupBytes : 0
        if isGroupDerived,
            unsafe key.loadUnaligned(as: UInt16.self)
                != HashedBlockBuilder.group(of: cursor.hash)
        {
            return false
        }
        let mine = unsafe slice.slab.base + cursor.key
        if let pattern {
            return unsafe withUnsafeTemporaryAllocation(
                byteCount: KeyPattern.keyBytesMax + 9, alignment: 8
            ) { room in
                guard let room = room.baseAddress else { return false }
                unsafe pattern.unpack(mine, to: room)
                return unsafe KeyOrder.compare(
                    room, keyCount &- skipped, key + skipped, keyCount &- skipped) == 0
            }
        }
        return unsafe KeyOrder.compare(
            mine, keyCount &- skipped, key + skipped, keyCount &- skipped) == 0
    }

    /// The address of an entry's value.
    @inline(__always)
    func value(_ cursor: Cursor) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(slice.slab.base + (values &+ cursor.index &* valueWidth))
    }

    /// What an entry's value refers to, as the block has it.
    func extras(_ cursor: Cursor) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: slice.slab.base + cursor.extra, count: extraCount(cursor.index))
    }

    /// The entry with a key, or nil.
    func find(_ hash: UInt64, _ key: UnsafeRawPointer, keyCount: Int) -> Cursor? {
        var cursor = start
        while cursor.index < count {
            if cursor.hash >= hash {
                if cursor.hash > hash { return nil }
                if unsafe isKey(cursor, key, count: keyCount) { return cursor }
            }
            advance(&cursor)
        }
        return nil
    }
}
