/// Makes the blocks of bucketed runs: entries in the order of their hashes, laid out by column.
///
///     block  = head | deltas | lengths | extra lengths | values | keys | extras
///     head   = count: 4 | delta width: 1 | length width: 1 | extra width: 1 | flags: 1
///              | first hash: 8 | key length or bytes of all keys: 4 | bytes of all extras: 4
///     deltas = for each entry but the first, the distance of its hash from the one before
///
/// Numbers are little-endian; those of deltas and lengths have the least width that holds the
/// block's greatest. With flag 1 all keys have the same length, and there are no lengths. With
/// flag 2 the first two bytes of each key, its key group, are left out: they are the upper bits of
/// its hash. With flag 4 the keys, all of one length, begin with their pattern (see `KeyPattern`)
/// and are stored by it. A hash is the upper 40 bits of the key's. Extras hold what a value refers
/// to: for each reference a length plus one (4 bytes; 0 for none), and the bytes.
@safe
struct HashedBlockBuilder: ~Copyable {
    static let headBytes = 24
    static let sameLength: UInt8 = 1
    static let derivedGroup: UInt8 = 2
    static let patterned: UInt8 = 4
    /// The bytes of a key that are its key group.
    static let groupBytes = 2

    private let valueWidth: Int
    private let referenceCount: Int
    private var hashes: [UInt64] = []
    private var lengths: [UInt64] = []
    private var extraLengths: [UInt64] = []
    private var keys = GrowingBytes(capacity: 1 << 13)
    private var values = GrowingBytes(capacity: 1 << 13)
    private var extras = GrowingBytes(capacity: 1 << 8)
    private var isGroupDerived = true
    private var output = GrowingBytes(capacity: 1 << 13)
    private var pattern = GrowingBytes(capacity: 1 << 8)

    init(valueWidth: Int, referenceCount: Int) {
        self.valueWidth = valueWidth
        self.referenceCount = referenceCount
    }

    /// Entries of the block so far.
    var count: Int { hashes.count }
    var lastHash: UInt64 { hashes.last ?? 0 }
    var firstHash: UInt64 { hashes.first ?? 0 }

    /// Bytes of the block so far, about.
    var byteCount: Int {
        Self.headBytes + hashes.count * 4 + keys.count + values.count + extras.count
    }

    /// The key group that a hash stands for, as the first two bytes of a key have it.
    @inline(__always)
    static func group(of hash: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: hash &>> 25).bigEndian
    }

    /// Adds an entry whose hash is no smaller than the last one's.
    @inline(__always)
    mutating func add(
        hash: UInt64, key: UnsafeRawPointer, keyCount: Int, value: UnsafeRawPointer
    ) {
        hashes.append(hash)
        lengths.append(UInt64(truncatingIfNeeded: keyCount))
        unsafe keys.append(key, count: keyCount)
        if valueWidth > 0 { unsafe values.append(value, count: valueWidth) }
        if unsafe keyCount < Self.groupBytes
            || key.loadUnaligned(as: UInt16.self) != Self.group(of: hash)
        {
            isGroupDerived = false
        }
        if referenceCount > 0 { extraLengths.append(0) }
    }

    /// Adds what the last entry's next reference refers to; nil for nothing.
    mutating func addExtra(_ bytes: UnsafeRawBufferPointer?) {
        let count = unsafe bytes?.count ?? -1
        extras.append(UInt32(count + 1))
        if let base = unsafe bytes?.baseAddress { unsafe extras.append(base, count: count) }
        extraLengths[extraLengths.count - 1] += UInt64(4 + max(count, 0))
    }

    /// Adds the last entry's extras as another block has them.
    mutating func addExtras(_ bytes: UnsafeRawBufferPointer) {
        guard referenceCount > 0, let base = bytes.baseAddress else { return }
        unsafe extras.append(base, count: bytes.count)
        extraLengths[extraLengths.count - 1] += UInt64(bytes.count)
    }

    /// The block; the builder is empty again.
    mutating func finish() -> SlabSlice {
        let skipped = isGroupDerived ? Self.groupBytes : 0
        let isSame = lengths.allSatisfy { $0 == lengths[0] }
        let deltaWidth = Self.width(deltas: hashes)
        let lengthWidth = isSame ? 0 : Self.width(lengths)
        let extraWidth = referenceCount > 0 ? Self.width(extraLengths) : 0
        let keyBytes = keys.count - skipped * count
        output.append(UInt32(count))
        output.append(UInt8(deltaWidth))
        output.append(UInt8(lengthWidth))
        output.append(UInt8(extraWidth))
        let isPatterned =
            unsafe isSame
            && KeyPattern.find(
                keys.slab.base + skipped, count: count, keyBytes: keyBytes / max(count, 1),
                stride: keys.count / max(count, 1), into: &pattern)
        output.append(
            (isSame ? Self.sameLength : 0) | (isGroupDerived ? Self.derivedGroup : 0)
                | (isPatterned ? Self.patterned : 0))
        output.append(hashes.first ?? 0)
        output.append(UInt32(isSame ? keyBytes / max(count, 1) : keyBytes))
        output.append(UInt32(extras.count))
        for index in 1..<max(count, 1) {
            output.append(hashes[index] &- hashes[index &- 1], width: deltaWidth)
        }
        if !isSame {
            for length in lengths { output.append(length - UInt64(skipped), width: lengthWidth) }
        }
        for length in extraLengths { output.append(length, width: extraWidth) }
        output.append(values)
        if isPatterned {
            appendPatterned(skipping: skipped)
        } else {
            appendKeys(skipping: skipped)
        }
        output.append(extras)
        reset()
        return output.take()
    }

    private mutating func appendKeys(skipping skipped: Int) {
        guard skipped > 0 else { return output.append(keys) }
        var offset = 0
        for length in lengths {
            let count = Int(truncatingIfNeeded: length)
            unsafe output.append(keys.slab.base + offset + skipped, count: count - skipped)
            offset += count
        }
    }

    private mutating func appendPatterned(skipping skipped: Int) {
        output.append(pattern)
        let keyBytes = keys.count / count
        let start = unsafe UnsafeRawPointer(pattern.slab.base)
        guard
            let pattern = unsafe KeyPattern(
                start, end: start + pattern.count, keyBytes: keyBytes - skipped)
        else { preconditionFailure("a pattern that was found is one") }
        for index in 0..<count {
            let row = unsafe output.extend(by: pattern.rowBytes, slack: 8)
            unsafe pattern.pack(keys.slab.base + index * keyBytes + skipped, to: row)
        }
    }

    private mutating func reset() {
        hashes.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        extraLengths.removeAll(keepingCapacity: true)
        keys.removeAll()
        values.removeAll()
        extras.removeAll()
        isGroupDerived = true
    }

    private static func width(_ values: [UInt64]) -> Int {
        var all: UInt64 = 0
        for value in values { all |= value }
        return (64 - all.leadingZeroBitCount + 7) / 8
    }

    private static func width(deltas values: [UInt64]) -> Int {
        var all: UInt64 = 0
        for index in 1..<max(values.count, 1) { all |= values[index] &- values[index &- 1] }
        return (64 - all.leadingZeroBitCount + 7) / 8
    }
}
