import Glibc

/// The state of a writer of an ordered table: the block, index and filter that are under way.
@safe
struct OrderedTableWork: ~Copyable {
    /// Bytes of an index, at most: the ends of its bounds have 31 bits.
    private static let indexBytesMax = 1 << 30

    private let frames: FrameWriter
    private let path: String
    private let options: OrderedTableWriter.Options
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
    /// Bytes of the blocks that have ended.
    private var blocksEnd: Int

    init(_ file: any File, options: OrderedTableWriter.Options) throws(StorageError) {
        frames = try FrameWriter(file)
        blocksEnd = frames.byteCount
        path = file.path
        self.options = options
        // What a stored block has besides must fit into the same power of two in memory.
        blockBytes = max(options.blockBytes - FrameFormat.tailBytes, 64)
        block = OrderedBlockBuilder(capacity: options.blockBytes)
    }

    var byteCount: Int { blocksEnd &+ block.byteCount }
    var entryCount: Int { properties.entryCount }

    /// Adds an entry.
    mutating func add(
        key: UnsafeRawBufferPointer, hash40: UInt64, kind: EntryKind, version: UInt64,
        value: UnsafeRawBufferPointer
    ) throws(StorageError) {
        let size = key.count &+ value.count
        guard size <= OrderedTableWriter.entryBytesMax else { throw tooLarge(size) }
        precondition(version < TableProperties.versionEnd, "versions have 62 bits")
        let shared = unsafe place(key, version: version)
        let isNewKey =
            properties.entryCount == 0 || shared < key.count || lastKeyCount != key.count
        if block.count > 0
            && block.byteCount &+ size &- shared &+ OrderedBlockBuilder.entryHeadBytesMax
                > blockBytes
        {
            try endBlock()
        }
        if block.count == 0 { unsafe beginBlock(key, shared: shared, isNewKey: isNewKey) }
        unsafe block.add(
            key: key, shared: shared, tag: version << 2 | UInt64(kind.rawValue), value: value)
        if isNewKey {
            properties.keyCount += 1
            if options.filterBitsPerKey > 0 { hashes.append(hash40) }
            unsafe remember(key, shared: shared)
        }
        lastVersion = version
        count(kind, version, key.count, value.count)
    }

    private func tooLarge(_ size: Int) -> StorageError {
        StorageError(
            .other, operation: "write", path: path, offset: frames.byteCount,
            cause: "an entry of \(size) bytes is larger than \(OrderedTableWriter.entryBytesMax)")
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

    private mutating func beginBlock(_ key: UnsafeRawBufferPointer, shared: Int, isNewKey: Bool) {
        blockContinues = !isNewKey
        let isFirst = properties.entryCount == 0
        if isFirst { properties.leastKey = unsafe Array(key) }
        // One byte more than what it shares with the key before is above that one.
        let boundCount = isFirst || !isNewKey ? key.count : shared + 1
        unsafe index.add(bound: UnsafeRawBufferPointer(rebasing: key.prefix(boundCount)))
    }

    private mutating func remember(_ key: UnsafeRawBufferPointer, shared: Int) {
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

    private mutating func count(
        _ kind: EntryKind, _ version: UInt64, _ keyCount: Int, _ valueCount: Int
    ) {
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

    private mutating func endBlock() throws(StorageError) {
        let place = try frames.append(block.finish(), codec: options.codec)
        guard index.byteCount < Self.indexBytesMax else {
            throw StorageError(
                .other, operation: "write", path: path, offset: place.offset,
                cause: "the index is larger than \(Self.indexBytesMax) bytes")
        }
        index.add(place, continues: blockContinues)
        blocksEnd = frames.byteCount
    }

    /// Writes what stands behind the blocks, and syncs the file. The attachment is the caller's.
    mutating func finish(attachment: SlabSlice?) throws(StorageError) -> TableProperties {
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
