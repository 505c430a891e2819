/// One bucket's part of a run, ready to be asked: with its index and filter in memory.
final class ColdSection: Sendable {
    let run: HashedRun
    let section: HashedSection
    let index: HashedIndex
    let filter: BloomFilter

    init(_ run: HashedRun, _ section: HashedSection) throws(StorageError) {
        self.run = run
        self.section = section
        index = try run.index(of: section)
        filter = try run.filter(of: section)
    }

    /// Memory held, in bytes.
    var byteCount: Int { index.byteCount + filter.byteCount }

    /// The block and place of a key, or nil.
    func find(
        _ hash: UInt64, _ key: UnsafeRawPointer, keyCount: Int, _ cache: BlockCache
    ) throws(StorageError) -> (block: HashedBlock, cursor: HashedBlock.Cursor)? {
        guard let number = index.block(for: hash) else { return nil }
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
