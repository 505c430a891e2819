/// An open bucketed run.
package final class HashedRun: Sendable {
    /// The file's name in the state directory.
    package let name: String
    /// What the block cache knows the file by.
    let number: UInt64
    let frames: FrameReader
    let footer: HashedFooter
    let path: String

    /// Opens a run, and checks its trailer and footer.
    package init(_ file: any File, name: String, number: UInt64) throws(StorageError) {
        path = file.path
        self.name = name
        self.number = number
        frames = try FrameReader(file)
        do throws(HashedBlock.Damage) {
            footer = try HashedFooter(frames.footer, fileByteCount: frames.byteCount)
        } catch {
            throw StorageError(
                .corrupt, operation: "read", path: file.path, cause: error.cause,
                advice: "restore the state from a checkpoint")
        }
    }

    package var sections: [HashedSection] { footer.sections }
    package var byteCount: Int { frames.byteCount }

    func corrupt(_ offset: Int, _ cause: String) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: path, offset: offset, cause: cause,
            advice: "restore the state from a checkpoint")
    }

    /// Reads a block.
    func block(_ place: FramePlace) throws(StorageError) -> HashedBlock {
        try block(frames.read(place), at: place)
    }

    /// Takes a block that was read.
    func block(_ slice: SlabSlice, at place: FramePlace) throws(StorageError) -> HashedBlock {
        do throws(HashedBlock.Damage) {
            return try HashedBlock(
                slice, valueWidth: footer.valueWidth, hasExtras: !footer.references.isEmpty)
        } catch {
            throw corrupt(place.offset, error.cause)
        }
    }

    /// Reads a section's index and checks it.
    func index(of section: HashedSection) throws(StorageError) -> HashedIndex {
        let index = HashedIndex(try frames.read(section.index), blockCount: section.blockCount)
        guard let index, index.isSound(fileByteCount: frames.byteCount) else {
            throw corrupt(section.index.offset, "the index does not fit its section")
        }
        return index
    }

    /// Reads all of the run, and checks every block, index and filter.
    package func verify() throws(StorageError) {
        for section in sections {
            let index = try index(of: section)
            for place in try filterPlaces(of: section).parts {
                if let place { _ = try filterPart(place) }
            }
            var entries = 0
            var last: UInt64 = 0
            for number in 0..<index.blockCount {
                let place = index.place(number)
                let block = try block(place)
                var cursor = block.start
                guard cursor.hash == index.firstHash(number), cursor.hash >= last else {
                    throw corrupt(place.offset, "a block is out of order")
                }
                while cursor.index < block.count {
                    last = cursor.hash
                    block.advance(&cursor)
                }
                entries += block.count
            }
            guard entries == section.entryCount else {
                throw corrupt(section.index.offset, "a section lacks entries")
            }
        }
    }

    /// Reads where the parts of a section's filter lie.
    func filterPlaces(of section: HashedSection) throws(StorageError) -> FilterPlaces {
        let slice = try frames.read(section.filter)
        guard let places = FilterPlaces(slice, fileByteCount: frames.byteCount) else {
            throw corrupt(section.filter.offset, "the places of a filter are none")
        }
        return places
    }

    /// Reads a part of a filter.
    func filterPart(_ place: FramePlace) throws(StorageError) -> BloomFilter {
        guard let filter = BloomFilter(try frames.read(place)) else {
            throw corrupt(place.offset, "the filter is not one")
        }
        return filter
    }
}

/// The index of a section: where each of its blocks lies, and with which hash it begins.
@safe
struct HashedIndex: Sendable {
    private let slice: SlabSlice
    let blockCount: Int

    /// Takes the bytes of an index; nil if they are too few or too many.
    init?(_ slice: SlabSlice, blockCount: Int) {
        guard blockCount > 0, slice.byteCount == blockCount * HashedSection.indexEntryBytes else {
            return nil
        }
        self.slice = slice
        self.blockCount = blockCount
    }

    /// Memory held, in bytes.
    var byteCount: Int { slice.slab.byteCount }

    @inline(__always)
    private func word<Value: FixedWidthInteger & BitwiseCopyable>(
        _ block: Int, _ offset: Int
    ) -> Value {
        let place = slice.range.lowerBound &+ block &* HashedSection.indexEntryBytes &+ offset
        return Value(
            littleEndian: unsafe slice.slab.base.loadUnaligned(
                fromByteOffset: place, as: Value.self))
    }

    @inline(__always)
    func firstHash(_ block: Int) -> UInt64 { word(block, 0) }

    func place(_ block: Int) -> FramePlace {
        let offset: UInt64 = word(block, 8)
        let count: UInt32 = word(block, 16)
        return FramePlace(offset: Int(offset), storedByteCount: Int(count))
    }

    /// Whether hashes ascend and all blocks lie within the file.
    func isSound(fileByteCount: Int) -> Bool {
        for block in 0..<blockCount {
            let offset: UInt64 = word(block, 8)
            let count: UInt32 = word(block, 16)
            guard offset < UInt64(fileByteCount), Int(offset) + Int(count) <= fileByteCount,
                block == 0 || firstHash(block) > firstHash(block - 1)
            else { return false }
        }
        return true
    }

    /// The block in which a hash is, if it is in any.
    @inline(__always)
    func block(for hash: UInt64) -> Int? {
        var low = 0
        var high = blockCount
        while low < high {
            let middle = (low &+ high) &>> 1
            if firstHash(middle) <= hash { low = middle &+ 1 } else { high = middle }
        }
        return low == 0 ? nil : low &- 1
    }
}
