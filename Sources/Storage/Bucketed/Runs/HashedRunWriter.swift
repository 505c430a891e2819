/// Writes a bucketed run: one immutable file, sectioned by bucket, each section in the order of
/// its keys' hashes.
///
///     run     = section | section | … | footer
///     section = block or part of the filter | … | index | places of the filter's parts
///
/// A frame each (see `FrameWriter`). Used on a background thread.
@safe
final class HashedRunWriter {
    /// How a run is written.
    struct Options: Sendable {
        /// Bytes of a block before compression, about.
        var blockBytes = 4000
        var codec = BlockCodec.lz4
        var filterBitsPerKey = 10
        /// The hashes that keys may have.
        var hashes: ClosedRange<UInt64> = StateStore.allHashes
    }

    private let frames: FrameWriter
    private let path: String
    private let options: Options
    private let valueWidth: Int
    private let references: [Int]
    private var builder: HashedBlockBuilder
    private var section: OpenSection?
    private var progress: FlushProgress?

    private struct OpenSection: ~Copyable {
        let bucket: Int64
        let start: Int
        var entries = 0
        var blocks = 0
        var least: UInt64 = 0
        var greatest: UInt64 = 0
        var index = GrowingBytes(capacity: 1 << 10)
        var filter: FilterWriter
        let parts: FilterParts
    }

    /// What is known of a section that was written, without reading it.
    private(set) var written: [WrittenSection] = []

    struct WrittenSection {
        let section: HashedSection
        let index: SlabSlice
        let filter: FilterPlaces
        let parts: FilterParts
    }

    init(
        _ file: any File, valueWidth: Int, references: [Int], options: Options
    ) throws(StorageError) {
        frames = try FrameWriter(file)
        path = file.path
        self.options = options
        self.valueWidth = valueWidth
        self.references = references
        builder = HashedBlockBuilder(valueWidth: valueWidth, referenceCount: references.count)
    }

    /// Starts a section for about `keyCount` keys of a bucket, whose filter's parts go to `parts`.
    func begin(bucket: Int64, keyCount: Int) {
        let cut = FilterCut(
            keyCount: keyCount, bitsPerKey: options.filterBitsPerKey, hashes: options.hashes)
        begin(bucket: bucket, cut, parts: FilterParts())
    }

    /// Starts a section of a bucket; the parts of its filter go to `parts`.
    func begin(bucket: Int64, _ cut: FilterCut, parts: FilterParts) {
        section = OpenSection(
            bucket: bucket, start: frames.byteCount,
            filter: FilterWriter(cut, bitsPerKey: options.filterBitsPerKey, made: parts),
            parts: parts)
    }

    /// Ends a block before an entry with `hash`, if it is full: entries of the same hash stay
    /// together.
    @inline(__always)
    private func makeRoom(for hash: UInt64) throws(StorageError) {
        if builder.byteCount >= options.blockBytes && hash != builder.lastHash { try endBlock() }
        try section?.filter.insert(hash, to: frames)
    }

    /// Adds all entries of a slice, block by block noting how many.
    func add(
        _ slice: FrozenSlice, count: Int, _ progress: FlushProgress? = nil
    ) throws(StorageError) {
        self.progress = progress
        defer { self.progress = nil }
        try slice.forEachSorted(count: count) { reference throws(StorageError) in
            let entry = unsafe slice.entries.address(reference)
            let header = unsafe entry.load(as: UInt64.self)
            let keyCount = Int(truncatingIfNeeded: header & 0xff_ffff)
            let value = unsafe entry + (8 &+ (keyCount &+ 7) & ~7)
            try makeRoom(for: header &>> 24)
            unsafe builder.add(
                hash: header &>> 24, key: entry + 8, keyCount: keyCount, value: value)
            for offset in references {
                let stored = unsafe value.load(fromByteOffset: offset, as: UInt64.self)
                guard stored != 0 else {
                    unsafe builder.addExtra(nil)
                    continue
                }
                let blob = unsafe slice.blobs.address(UInt32(truncatingIfNeeded: stored) &- 1)
                let length = Int(unsafe blob.load(as: UInt64.self) & 0xffff_ffff)
                unsafe builder.addExtra(UnsafeRawBufferPointer(start: blob + 8, count: length))
            }
        }
    }

    /// Adds an entry of another run's block.
    func add(
        _ block: HashedBlock, _ cursor: HashedBlock.Cursor, key: UnsafeRawPointer, keyCount: Int
    ) throws(StorageError) {
        try makeRoom(for: cursor.hash)
        unsafe builder.add(
            hash: cursor.hash, key: key, keyCount: keyCount, value: block.value(cursor))
        if !references.isEmpty { unsafe builder.addExtras(block.extras(cursor)) }
    }

    private func endBlock() throws(StorageError) {
        let (first, last, count) = (builder.firstHash, builder.lastHash, builder.count)
        let place = try frames.append(builder.finish(), codec: options.codec)
        progress?.add(count)
        if section?.entries == 0 { section?.least = first }
        section?.greatest = last
        section?.entries += count
        section?.blocks += 1
        section?.index.append(first)
        section?.index.append(UInt64(place.offset))
        section?.index.append(UInt32(place.storedByteCount))
    }

    /// Ends the section; one without entries leaves nothing behind.
    func endSection() throws(StorageError) {
        if builder.count > 0 { try endBlock() }
        guard var ended = section.take(), ended.entries > 0 else { return }
        let places = try ended.filter.finish(to: frames)
        let indexBytes = ended.index.take()
        let index = try frames.append(indexBytes, codec: .lz4)
        let filter = try frames.append(places.encoded, codec: .none)
        let section = HashedSection(
            bucket: ended.bucket, entryCount: ended.entries, hashes: ended.least...ended.greatest,
            blockCount: ended.blocks, index: index, filter: filter,
            storedByteCount: frames.byteCount - ended.start)
        written.append(
            WrittenSection(
                section: section, index: indexBytes, filter: places, parts: ended.parts))
    }

    /// Writes the footer; gives the bytes of the file.
    func finish() throws(StorageError) -> Int {
        let footer = HashedFooter(
            valueWidth: valueWidth, references: references, sections: written.map(\.section))
        return try frames.finish(footer: footer.encoded())
    }
}
