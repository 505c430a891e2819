/// What a table holds for a key: the newest entry that was asked for.
package struct TableEntry: Sendable {
    package let kind: EntryKind
    package let version: UInt64
    /// The value; it keeps its block in memory.
    package let bytes: SlabSlice
    /// Where the entry behind it begins, and in which block.
    fileprivate let block: Int
    fileprivate let next: Int
    fileprivate let source: SlabSlice

    /// The value of the entry.
    package var value: RawSpan {
        @_lifetime(borrow self)
        get { bytes.slab.bytes(bytes.range) }
    }
}

/// An open ordered table.
///
/// Index and filter are in memory, blocks come through the cache. It never changes, so that any
/// thread may ask it; a cache belongs to one.
@safe
package final class OrderedTable: Sendable {
    package let path: String
    /// What the block cache knows the file by.
    package let number: UInt64
    package let properties: TableProperties
    private let frames: FrameReader
    private let index: OrderedIndex?
    private let filter: BloomFilter?

    /// Opens a table, and checks its trailer, footer, index and filter.
    package init(_ file: any File, number: UInt64) throws(StorageError) {
        path = file.path
        self.number = number
        frames = try FrameReader(file)
        do throws(ByteReader.Damage) {
            properties = try TableProperties(frames.footer, byteCount: frames.byteCount)
        } catch {
            throw Self.corrupt(file.path, frames.footerPlace, error.cause)
        }
        let indexPlace = properties.index
        let indexBytes = try frames.read(indexPlace)
        if properties.blockCount == 0 && indexBytes.byteCount == 0 {
            index = nil
        } else {
            index = OrderedIndex(
                indexBytes, blockCount: properties.blockCount, framesEnd: indexPlace.offset)
            guard index != nil else {
                throw Self.corrupt(file.path, indexPlace, "the index does not fit its blocks")
            }
        }
        if let place = properties.filter {
            filter = BloomFilter(try frames.read(place))
            guard filter != nil else {
                throw Self.corrupt(file.path, place, "the filter is not one")
            }
        } else {
            filter = nil
        }
    }

    private static func corrupt(
        _ path: String, _ place: FramePlace, _ cause: String
    ) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: path, offset: place.offset, cause: cause,
            advice: "restore the state from a checkpoint")
    }

    /// That a block cannot be right.
    func damage(_ block: Int) -> StorageError {
        Self.corrupt(path, place(of: block), "a block cannot be read though its checksum is right")
    }

    /// Where a block lies.
    func place(of block: Int) -> FramePlace { index?.place(block) ?? properties.index }

    /// Memory held by index and filter, in bytes.
    package var residentByteCount: Int { (index?.byteCount ?? 0) + (filter?.byteCount ?? 0) }

    /// What the writer was given to keep; nil if it was given nothing.
    package func attachment() throws(StorageError) -> SlabSlice? {
        guard let place = properties.attachment else { return nil }
        return try frames.read(place)
    }

    var blockCount: Int { index?.blockCount ?? 0 }

    /// The block in which a key begins; -1 if it stands before all.
    func firstBlock(of key: UnsafeRawBufferPointer) -> Int {
        unsafe index?.block(for: key) ?? -1
    }

    /// Whether the table may hold a key with this hash.
    package func mayHold(_ hash40: UInt64) -> Bool { filter?.contains(hash40) ?? true }

    /// Writes to `maybe` those of the listed rows whose keys the table may hold; gives how many.
    /// See `BloomFilter.probe(_:rows:count:into:)`.
    package func mayHold(_ hashes: Slab, rows: Slab, count: Int, into maybe: Slab) -> Int {
        if let filter { return filter.probe(hashes, rows: rows, count: count, into: maybe) }
        if maybe !== rows { maybe.copy(SlabSlice(rows, 0..<count * 4), to: 0) }
        return count
    }

    /// A block, from the cache or the file.
    func block(_ number: Int, _ cache: BlockCache?) throws(StorageError) -> OrderedBlock {
        guard let index else { throw damage(number) }
        let place = index.place(number)
        if let slice = cache?.find(file: self.number, offset: place.offset) {
            guard let block = OrderedBlock(slice) else { throw damage(number) }
            return block
        }
        let slice = try frames.read(place)
        guard let block = OrderedBlock(slice) else { throw damage(number) }
        cache?.insert(slice, file: self.number, offset: place.offset)
        return block
    }

    /// The newest entry of a key that is no newer than `version`, if there is one.
    package func get(
        _ key: RawSpan, hash40: UInt64, version: UInt64 = .max, _ cache: BlockCache?
    ) throws(StorageError) -> TableEntry? {
        if let filter, !filter.contains(hash40) { return nil }
        let key = unsafe key.withUnsafeBytes { bytes in unsafe bytes }
        return try unsafe find(key, version: version, cache)
    }

    /// The same without the filter.
    func find(
        _ key: UnsafeRawBufferPointer, version: UInt64, _ cache: BlockCache?
    ) throws(StorageError) -> TableEntry? {
        var number = unsafe firstBlock(of: key)
        guard number >= 0 else { return nil }
        while number < blockCount {
            let block = try block(number, cache)
            switch unsafe block.find(key, version: version) {
            case .entry(let head): return try entry(head, in: block, number)
            case .nothing: return nil
            case .beyond: number += 1
            case .damage: throw damage(number)
            }
        }
        return nil
    }

    /// The entry of the same key that came before `entry`, if there is one.
    package func older(
        than entry: TableEntry, of key: RawSpan, _ cache: BlockCache?
    ) throws(StorageError) -> TableEntry? {
        guard entry.version > 0 else { return nil }
        let key = unsafe key.withUnsafeBytes { bytes in unsafe bytes }
        guard let block = OrderedBlock(entry.source) else { throw damage(entry.block) }
        if entry.next < block.entriesEnd {
            guard let head = block.head(at: entry.next) else { throw damage(entry.block) }
            if unsafe head.shared > 0 || key.isEmpty {
                // Within a stretch the same key shares all and has nothing further.
                guard head.shared == key.count, head.further == 0 else { return nil }
            } else if unsafe KeyOrder.compare(block.keyBytes(head), key) != 0 {
                return nil
            }
            return try self.entry(head, in: block, entry.block)
        }
        return try unsafe find(key, version: entry.version - 1, from: entry.block + 1, cache)
    }

    private func find(
        _ key: UnsafeRawBufferPointer, version: UInt64, from number: Int, _ cache: BlockCache?
    ) throws(StorageError) -> TableEntry? {
        guard number < blockCount else { return nil }
        let block = try block(number, cache)
        switch unsafe block.find(key, version: version) {
        case .entry(let head): return try entry(head, in: block, number)
        case .nothing, .beyond: return nil
        case .damage: throw damage(number)
        }
    }

    @inline(__always)
    private func entry(
        _ head: OrderedBlock.Head, in block: OrderedBlock, _ number: Int
    ) throws(StorageError) -> TableEntry {
        guard let kind = head.kind else { throw damage(number) }
        return TableEntry(
            kind: kind, version: head.version, bytes: block.value(head), block: number,
            next: head.end, source: block.slice)
    }

    /// An iterator that stands nowhere; without a cache it reads around it, as a merge does.
    package func iterator(_ cache: BlockCache?) -> OrderedTableIterator {
        OrderedTableIterator(self, cache)
    }

    /// Reads all of the table, and checks that it is what its index and properties say.
    package func verify() throws(StorageError) {
        _ = try attachment()
        let iterator = iterator(nil)
        var entries = 0
        var last: (key: [UInt8], version: UInt64)?
        try iterator.seekToFirst()
        while iterator.isValid {
            let key = iterator.keyArray
            if let last {
                let isBehind =
                    last.key == key
                    ? iterator.version < last.version : last.key.lexicographicallyPrecedes(key)
                guard isBehind else { throw damage(iterator.blockNumber) }
            }
            last = (key, iterator.version)
            entries += 1
            try iterator.next()
        }
        guard entries == properties.entryCount, last?.key ?? [] == properties.greatestKey else {
            throw Self.corrupt(path, properties.index, "the table lacks entries")
        }
    }
}
