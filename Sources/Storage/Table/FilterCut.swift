/// How the filter of many keys is cut into parts, by their hashes.
///
/// The hashes of a range are cut into parts of the same width, so that a part is found by one
/// multiplication. A part is made when the last key of it has come, and is in memory or on disk by
/// itself: a filter of any size needs no more memory than there is.
struct FilterCut: Sendable, Equatable {
    /// The hashes, of 40 bits, that keys may have.
    let hashes: ClosedRange<UInt64>
    let partCount: Int
    /// Bits that a key sets.
    let hashCount: Int
    /// Parts by hash, times 2^64.
    let scale: UInt64

    /// Blocks of a part, at most, if there is more than one: those that fill a slab of 128 KiB,
    /// whose memory goes back to the system by itself.
    static let partBlocksMax = 2046
    private static let partsMax = 1 << 20

    /// A cut for about `keyCount` keys with `bitsPerKey` each; none for no bits.
    init(keyCount: Int, bitsPerKey: Int, hashes: ClosedRange<UInt64>) {
        let bits = keyCount * bitsPerKey
        // Parts are filled to nineteen twentieths, for those that get more than others.
        let room = Self.partBlocksMax * BloomFilter.blockBytes * 8 * 19 / 20
        let count = bitsPerKey > 0 ? max(1, (bits + room - 1) / room) : 0
        self.init(
            hashes: hashes, partCount: count,
            hashCount: BloomFilter.hashCount(bitsPerKey: bitsPerKey))
    }

    init(hashes: ClosedRange<UInt64>, partCount: Int, hashCount: Int) {
        let width = hashes.upperBound - hashes.lowerBound
        self.hashes = hashes
        self.hashCount = hashCount
        let count = min(partCount, Self.partsMax, max(1, Int(clamping: width / 2)))
        self.partCount = count
        scale = count > 1 ? (width + 1).dividingFullWidth((UInt64(count), 0)).quotient : 0
    }

    /// The part of a hash; `partCount` or more for one that lies outside.
    @inline(__always)
    func part(of hash: UInt64) -> Int {
        let high = (hash &- hashes.lowerBound).multipliedFullWidth(by: scale).high
        return Int(truncatingIfNeeded: high)
    }

    /// The least hash of a part, or of what lies behind the last one.
    func start(of part: Int) -> UInt64 {
        if part == 0 { return hashes.lowerBound }
        guard part < partCount else { return hashes.upperBound + 1 }
        let (quotient, remainder) = scale.dividingFullWidth((UInt64(part), 0))
        return hashes.lowerBound + quotient + (remainder > 0 ? 1 : 0)
    }
}

/// Where the parts of a filter lie in their file; nil for one without keys.
///
///     places = least hash: 8 | greatest hash: 8 | hash count: 4 | parts: 4
///              | for each part: offset: 8 | stored length: 4
struct FilterPlaces: Sendable, Equatable {
    let cut: FilterCut
    let parts: [FramePlace?]

    private static let headBytes = 24
    private static let partBytes = 12

    init(cut: FilterCut, parts: [FramePlace?]) {
        self.cut = cut
        self.parts = parts
    }

    var encoded: SlabSlice {
        var bytes = GrowingBytes(capacity: Self.headBytes + parts.count * Self.partBytes)
        bytes.append(cut.hashes.lowerBound)
        bytes.append(cut.hashes.upperBound)
        bytes.append(UInt32(cut.hashCount))
        bytes.append(UInt32(parts.count))
        for part in parts {
            bytes.append(UInt64(part?.offset ?? 0))
            bytes.append(UInt32(part?.storedByteCount ?? 0))
        }
        return bytes.take()
    }

    /// Takes what `encoded` gave; nil where it is none, or does not fit the file.
    init?(_ slice: SlabSlice, fileByteCount: Int) {
        let bytes = slice.slab.bytes(slice.range)
        func number<Value: FixedWidthInteger & BitwiseCopyable>(
            _ offset: Int, _ type: Value.Type
        ) -> Value {
            Value(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
        }
        guard slice.byteCount >= Self.headBytes else { return nil }
        let (least, greatest) = (number(0, UInt64.self), number(8, UInt64.self))
        let hashCount = Int(number(16, UInt32.self))
        let count = Int(number(20, UInt32.self))
        guard least <= greatest, greatest >> 40 == 0, (1...12).contains(hashCount),
            slice.byteCount == Self.headBytes + count * Self.partBytes
        else { return nil }
        cut = FilterCut(hashes: least...greatest, partCount: count, hashCount: hashCount)
        guard cut.partCount == count else { return nil }
        var parts: [FramePlace?] = []
        for part in 0..<count {
            let offset = number(Self.headBytes + part * Self.partBytes, UInt64.self)
            let length = number(Self.headBytes + part * Self.partBytes + 8, UInt32.self)
            guard offset <= UInt64(fileByteCount), Int(length) <= fileByteCount else { return nil }
            parts.append(
                length == 0 ? nil : FramePlace(offset: Int(offset), storedByteCount: Int(length)))
        }
        self.parts = parts
    }
}
