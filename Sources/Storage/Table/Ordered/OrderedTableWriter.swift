import Glibc

/// Writes an ordered table: an immutable file of entries in the order of their keys.
///
///     table = block | block | … | index | filter | attachment | footer
///
/// A frame each (see `FrameWriter`); filter and attachment may be missing. Entries are added in
/// order: keys ascend, and of one key the newest version comes first. Any thread may use it, one
/// at a time.
@safe
package final class OrderedTableWriter {
    /// How a table is written.
    package struct Options: Sendable {
        /// Bytes of a block before compression, at most, unless a single entry is larger.
        package var blockBytes = 4 << 10
        package var codec = BlockCodec.lz4
        /// 0 for a table without a filter.
        package var filterBitsPerKey = 10

        package init(
            blockBytes: Int = 4 << 10, codec: BlockCodec = .lz4, filterBitsPerKey: Int = 10
        ) {
            self.blockBytes = blockBytes
            self.codec = codec
            self.filterBitsPerKey = filterBitsPerKey
        }
    }

    /// Key and value of an entry together, at most.
    package static let entryBytesMax = 32 << 20

    /// Bytes of an index, at most: the ends of its bounds have 31 bits.
    private static let indexBytesMax = 1 << 30

    private let frames: FrameWriter
    private let path: String
    private let options: Options
    private let blockBytes: Int
    private var block: OrderedBlockBuilder
    private var index = OrderedIndexBuilder()
    private var hashes = GrowingBytes(capacity: 1 << 12)
    private var properties = TableProperties()
    /// The key and version of the last entry.
    private var lastKey = Slab(byteCount: 256)
    private var lastKeyCount = 0
    private var lastVersion: UInt64 = 0
    private var blockContinues = false

    package init(_ file: any File, options: Options) throws(StorageError) {
        frames = try FrameWriter(file)
        path = file.path
        self.options = options
        // What a stored block has besides must fit into the same power of two in memory.
        blockBytes = max(options.blockBytes - FrameFormat.tailBytes, 64)
        block = OrderedBlockBuilder(capacity: options.blockBytes)
    }

    /// Bytes of the file so far.
    package var byteCount: Int { frames.byteCount + block.byteCount }
    package var entryCount: Int { properties.entryCount }

    /// Adds an entry.
    package func add(
        key: RawSpan, hash40: UInt64, kind: EntryKind, version: UInt64, value: RawSpan
    ) throws(StorageError) {
        let size = key.byteCount + value.byteCount
        guard size <= Self.entryBytesMax else {
            throw StorageError(
                .other, operation: "write", path: path, offset: frames.byteCount,
                cause: "an entry of \(size) bytes is larger than \(Self.entryBytesMax)")
        }
        precondition(version < TableProperties.versionEnd, "versions have 62 bits")
        let (keyBytes, valueBytes) = unsafe (Self.buffer(key), Self.buffer(value))
        let shared = unsafe place(keyBytes, version: version)
        let isNewKey =
            properties.entryCount == 0 || shared < key.byteCount
            || lastKeyCount != key.byteCount
        if block.count > 0
            && block.byteCount + size - shared + OrderedBlockBuilder.entryHeadBytesMax > blockBytes
        {
            try endBlock()
        }
        if block.count == 0 { unsafe beginBlock(keyBytes, shared: shared, isNewKey: isNewKey) }
        unsafe block.add(
            key: keyBytes, shared: shared, tag: version << 2 | UInt64(kind.rawValue),
            value: valueBytes)
        if isNewKey {
            properties.keyCount += 1
            if options.filterBitsPerKey > 0 { hashes.append(hash40) }
            unsafe remember(keyBytes, shared: shared)
        }
        lastVersion = version
        count(kind, version, key.byteCount, value.byteCount)
    }

    private static func buffer(_ span: RawSpan) -> UnsafeRawBufferPointer {
        unsafe span.withUnsafeBytes { bytes in unsafe bytes }
    }

    /// Bytes that a key has in common with the last one, behind which it must stand.
    private func place(_ key: UnsafeRawBufferPointer, version: UInt64) -> Int {
        guard properties.entryCount > 0 else { return 0 }
        let least = min(lastKeyCount, key.count)
        var shared = 0
        if least > 0, let start = key.baseAddress {
            shared = unsafe KeyOrder.sharedBytes(lastKey.base, start, count: least)
        }
        let isBehind: Bool
        if shared < least {
            let last = unsafe lastKey.base.load(fromByteOffset: shared, as: UInt8.self)
            isBehind = unsafe last < key[shared]
        } else if lastKeyCount == key.count {
            isBehind = version < lastVersion
        } else {
            isBehind = lastKeyCount < key.count
        }
        precondition(isBehind, "entries are added in order")
        return shared
    }

    private func beginBlock(_ key: UnsafeRawBufferPointer, shared: Int, isNewKey: Bool) {
        blockContinues = !isNewKey
        let isFirst = properties.entryCount == 0
        if isFirst { properties.leastKey = unsafe Array(key) }
        // One byte more than what it shares with the key before is above that one.
        let boundCount = isFirst || !isNewKey ? key.count : shared + 1
        unsafe index.add(bound: UnsafeRawBufferPointer(rebasing: key.prefix(boundCount)))
    }

    private func remember(_ key: UnsafeRawBufferPointer, shared: Int) {
        if key.count > lastKey.byteCount {
            let larger = Slab(byteCount: key.count * 2)
            larger.copy(SlabSlice(lastKey, 0..<shared), to: 0)
            lastKey = larger
        }
        lastKeyCount = key.count
        if key.count > shared, let start = key.baseAddress {
            unsafe memcpy(lastKey.base + shared, start + shared, key.count - shared)
        }
    }

    private func count(_ kind: EntryKind, _ version: UInt64, _ keyCount: Int, _ valueCount: Int) {
        properties.entryCount += 1
        switch kind {
        case .put: break
        case .delete: properties.deleteCount += 1
        case .merge: properties.mergeCount += 1
        }
        properties.keyByteCount += keyCount
        properties.valueByteCount += valueCount
        properties.leastVersion = min(properties.leastVersion, version)
        properties.greatestVersion = max(properties.greatestVersion, version)
    }

    private func endBlock() throws(StorageError) {
        let place = try frames.append(block.finish(), codec: options.codec)
        guard index.byteCount < Self.indexBytesMax else {
            throw StorageError(
                .other, operation: "write", path: path, offset: place.offset,
                cause: "the index is larger than \(Self.indexBytesMax) bytes")
        }
        index.add(place, continues: blockContinues)
    }

    /// Writes what stands behind the blocks, and syncs the file. The attachment is the caller's.
    package func finish(attachment: SlabSlice? = nil) throws(StorageError) -> TableProperties {
        precondition(properties.entryCount > 0 || attachment != nil, "a table holds something")
        if block.count > 0 { try endBlock() }
        properties.greatestKey = lastKey.array(0..<lastKeyCount)
        properties.blockCount = index.blockCount
        properties.index = try frames.append(index.finish(), codec: .lz4)
        if hashes.count > 0 {
            let filter = BloomFilter(
                keyCount: properties.keyCount, bitsPerKey: options.filterBitsPerKey)
            let list = unsafe hashes.slab.base.assumingMemoryBound(to: UInt64.self)
            for key in 0..<properties.keyCount { unsafe filter.insert(list[key]) }
            properties.filter = try frames.append(filter.encoded, codec: .none)
        }
        if let attachment {
            properties.attachment = try frames.append(attachment, codec: .lz4)
        }
        properties.byteCount = try frames.finish(footer: properties.encoded())
        return properties
    }
}
