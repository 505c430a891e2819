/// One bucket's part of a run, ready to be asked: with its index in memory, and the parts of its
/// filter for which there is room.
final class ColdSection: Sendable {
    let run: HashedRun
    let section: HashedSection
    let index: HashedIndex
    /// The hashes of the keys that count.
    let hashes: ClosedRange<UInt64>
    /// Asked by the owner of the store alone.
    let filter: SectionFilter
    /// Where the filter's parts lie.
    private let filterPlaces: [FramePlace?]
    /// Parts of the filter that have keys.
    private let filterPartCount: Int

    /// Reads what is needed of a section; parts of its filter come later.
    init(
        _ run: HashedRun, _ section: HashedSection, within hashes: ClosedRange<UInt64>
    ) throws(StorageError) {
        self.run = run
        self.hashes = hashes
        self.section = section
        index = try run.index(of: section)
        let places = try run.filterPlaces(of: section)
        filter = SectionFilter(places.cut)
        filterPlaces = places.parts
        filterPartCount = places.parts.count { $0 != nil }
        noteEmptyParts()
    }

    /// Takes over a section that was just written; the parts of its filter may have gone to
    /// another's hands.
    init(_ run: HashedRun, _ written: HashedRunWriter.WrittenSection) throws(StorageError) {
        self.run = run
        hashes = StateStore.allHashes
        section = written.section
        guard let index = HashedIndex(written.index, blockCount: section.blockCount) else {
            throw run.corrupt(section.index.offset, "the index does not fit its section")
        }
        self.index = index
        filter = SectionFilter(written.filter.cut)
        filterPlaces = written.filter.parts
        filterPartCount = written.filter.parts.count { $0 != nil }
        noteEmptyParts()
        for (part, made) in written.parts.take() { filter.put(part, made) }
    }

    private func noteEmptyParts() {
        for (part, place) in filterPlaces.enumerated() where place == nil { filter.put(part, nil) }
    }

    /// Memory held, in bytes.
    var byteCount: Int { index.byteCount + filter.byteCount }

    /// Whether parts of the filter are on disk alone.
    var lacksFilterParts: Bool { filter.heldCount < filterPartCount }

    /// Reads a part of the filter that is not in memory; gives whether there was one.
    func readFilterPart() throws(StorageError) -> Bool {
        for (part, place) in filterPlaces.enumerated() {
            guard let place, !filter.holds(part) else { continue }
            filter.put(part, try run.filterPart(place))
            return true
        }
        return false
    }

    /// The block and place of a key, or nil.
    func find(
        _ hash: UInt64, _ key: UnsafeRawPointer, keyCount: Int, _ cache: BlockCache
    ) throws(StorageError) -> (block: HashedBlock, cursor: HashedBlock.Cursor)? {
        guard hashes.contains(hash), let number = index.block(for: hash) else { return nil }
        let place = index.place(number)
        let block: HashedBlock
        if let slice = cache.find(file: run.number, offset: place.offset) {
            block = try run.block(slice, at: place)
        } else {
            let slice = try run.frames.read(place)
            block = try run.block(slice, at: place)
            cache.insert(slice, file: run.number, offset: place.offset)
        }
        guard let cursor = unsafe block.find(hash, key, keyCount: keyCount) else { return nil }
        return (block, cursor)
    }
}
