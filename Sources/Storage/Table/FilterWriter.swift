import Synchronization

/// Makes the filter of a section, part by part, from hashes in their order.
struct FilterWriter: ~Copyable {
    private let cut: FilterCut
    private let bitsPerKey: Int
    private let made: FilterParts
    private var places: [FramePlace?] = []
    /// The hashes of the part that is being filled.
    private var hashes: [UInt64] = []
    private var part = 0

    /// A filter whose parts go to `made` as well as to the file.
    init(_ cut: FilterCut, bitsPerKey: Int, made: FilterParts) {
        self.cut = cut
        self.bitsPerKey = bitsPerKey
        self.made = made
    }

    /// Adds a key whose hash is no smaller than the last one's.
    @inline(__always)
    mutating func insert(_ hash: UInt64, to frames: FrameWriter) throws(StorageError) {
        let part = cut.part(of: hash)
        if part != self.part { try endParts(before: part, to: frames) }
        hashes.append(hash)
    }

    @inline(never)
    private mutating func endParts(before next: Int, to frames: FrameWriter) throws(StorageError) {
        guard cut.partCount > 0 else { return hashes.removeAll(keepingCapacity: true) }
        while part < next {
            if hashes.isEmpty {
                places.append(nil)
                made.add(part, nil)
            } else {
                let wanted = (hashes.count * bitsPerKey + 511) / 512
                let filter = BloomFilter(
                    blockCount: cut.partCount > 1 ? min(wanted, FilterCut.partBlocksMax) : wanted,
                    hashCount: cut.hashCount)
                for hash in hashes { filter.insert(hash) }
                places.append(try frames.append(filter.encoded, codec: .none))
                made.add(part, filter)
                hashes.removeAll(keepingCapacity: true)
            }
            part += 1
        }
    }

    /// Ends the filter; gives where its parts lie.
    mutating func finish(to frames: FrameWriter) throws(StorageError) -> FilterPlaces {
        try endParts(before: cut.partCount, to: frames)
        return FilterPlaces(cut: cut, parts: places)
    }
}

/// Where a writer leaves the parts of a filter for whoever asks it, part after part.
final class FilterParts: Sendable {
    private let waiting = Mutex<[(part: Int, filter: BloomFilter?)]>([])
    private let hasSome = Atomic<Bool>(false)

    /// Leaves a part; nil for one without keys.
    func add(_ part: Int, _ filter: BloomFilter?) {
        waiting.withLock { $0.append((part, filter)) }
        hasSome.store(true, ordering: .releasing)
    }

    /// Takes what was left since the last time.
    func take() -> [(part: Int, filter: BloomFilter?)] {
        guard hasSome.exchange(false, ordering: .acquiring) else { return [] }
        return waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
