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

    /// What it writes with: kept where no other access has to be ruled out for every entry.
    let work: UnsafeMutablePointer<OrderedTableWork>

    package init(_ file: any File, options: Options) throws(StorageError) {
        let first = try OrderedTableWork(file, options: options)
        unsafe work = .allocate(capacity: 1)
        unsafe work.initialize(to: first)
    }

    deinit {
        unsafe work.deinitialize(count: 1)
        unsafe work.deallocate()
    }

    /// Bytes of the file so far.
    package var byteCount: Int { unsafe work.pointee.byteCount }
    package var entryCount: Int { unsafe work.pointee.entryCount }

    /// Adds an entry.
    package func add(
        key: RawSpan, hash40: UInt64, kind: EntryKind, version: UInt64, value: RawSpan
    ) throws(StorageError) {
        try unsafe work.pointee.add(
            key: Self.buffer(key), hash40: hash40, kind: kind, version: version,
            value: Self.buffer(value))
    }

    private static func buffer(_ span: RawSpan) -> UnsafeRawBufferPointer {
        unsafe span.withUnsafeBytes { bytes in unsafe bytes }
    }

    /// Writes what stands behind the blocks, and syncs the file. The attachment is the caller's.
    package func finish(attachment: SlabSlice? = nil) throws(StorageError) -> TableProperties {
        try unsafe work.pointee.finish(attachment: attachment)
    }
}
