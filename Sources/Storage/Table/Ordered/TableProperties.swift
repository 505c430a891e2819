/// What an entry of an ordered table does to its key.
package enum EntryKind: UInt8, Sendable {
    /// The value stands for all that was.
    case put = 0
    /// The key is gone.
    case delete = 1
    /// The value is an operand for what was before.
    case merge = 2
}

/// What is known of an ordered table without reading its blocks.
///
///     footer = format version: 2 | "O": 1 | 0: 1 | index | filter | attachment (places)
///            | block count | entries | deletes | merges | keys | bytes of keys | bytes of values
///            | least version | greatest version | least key | greatest key (counted bytes)
///     place  = offset | stored length, both 0 where there is none
///
/// Numbers without a width are of seven bits a byte.
package struct TableProperties: Sendable {
    static let formatVersion: UInt16 = 1
    static let kind = UInt8(ascii: "O")
    /// Versions are below this.
    package static let versionEnd: UInt64 = 1 << 62

    package var entryCount = 0
    package var deleteCount = 0
    package var mergeCount = 0
    /// Different keys.
    package var keyCount = 0
    package var blockCount = 0
    /// Bytes of all keys and of all values, as they were added.
    package var keyByteCount = 0
    package var valueByteCount = 0
    package var leastVersion: UInt64 = .max
    package var greatestVersion: UInt64 = 0
    package var leastKey: [UInt8] = []
    package var greatestKey: [UInt8] = []
    /// Bytes of the file.
    package var byteCount = 0
    var index = FramePlace(offset: 0, storedByteCount: 0)
    var filter: FramePlace?
    var attachment: FramePlace?

    /// Nothing yet.
    init() {}

    func encoded() -> SlabSlice {
        var bytes = GrowingBytes(capacity: 256)
        bytes.append(Self.formatVersion)
        bytes.append(Self.kind)
        bytes.append(UInt8(0))
        for place in [index, filter, attachment] {
            bytes.append(varint: UInt64(place?.offset ?? 0))
            bytes.append(varint: UInt64(place?.storedByteCount ?? 0))
        }
        let counts = [
            blockCount, entryCount, deleteCount, mergeCount, keyCount, keyByteCount,
            valueByteCount,
        ]
        for count in counts { bytes.append(varint: UInt64(count)) }
        bytes.append(varint: leastVersion)
        bytes.append(varint: greatestVersion)
        for key in [leastKey, greatestKey] {
            bytes.append(counted: SlabSlice(Slab(key), 0..<key.count))
        }
        return bytes.take()
    }

    /// Reads the footer of a file of `byteCount` bytes.
    init(_ footer: SlabSlice, byteCount: Int) throws(ByteReader.Damage) {
        self.byteCount = byteCount
        var reader = ByteReader(footer)
        let version = try reader.integer(UInt16.self)
        guard version == Self.formatVersion, try reader.integer(UInt8.self) == Self.kind,
            try reader.integer(UInt8.self) == 0
        else {
            throw ByteReader.Damage(
                cause: "no ordered table of version \(Self.formatVersion) of the format")
        }
        guard let index = try Self.place(&reader) else {
            throw ByteReader.Damage(cause: "the footer names no index")
        }
        self.index = index
        filter = try Self.place(&reader)
        attachment = try Self.place(&reader)
        blockCount = try reader.count()
        entryCount = try reader.count()
        deleteCount = try reader.count()
        mergeCount = try reader.count()
        keyCount = try reader.count()
        keyByteCount = try reader.count()
        valueByteCount = try reader.count()
        leastVersion = try reader.varint()
        greatestVersion = try reader.varint()
        let (least, greatest) = (try reader.countedBytes(), try reader.countedBytes())
        leastKey = least.slab.array(least.range)
        greatestKey = greatest.slab.array(greatest.range)
        guard reader.rest == 0, blockCount <= byteCount, blockCount <= entryCount else {
            throw ByteReader.Damage(cause: "the parts of the footer do not fit together")
        }
    }

    private static func place(
        _ reader: inout ByteReader
    ) throws(ByteReader.Damage) -> FramePlace? {
        let (offset, count) = (try reader.count(), try reader.count())
        return count == 0 ? nil : FramePlace(offset: offset, storedByteCount: count)
    }
}
