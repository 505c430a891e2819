import CLZ4

/// The filter of a section's keys as it is asked: of its parts, those in memory.
///
/// A part that is not there says "perhaps" of every key, so memory is a matter of speed alone; one
/// without keys says "not there". One owner, no lock.
@safe
final class SectionFilter: @unchecked Sendable {
    // Sendable: whoever makes it hands it on to its owner, and keeps nothing.

    let cut: FilterCut
    private var parts: [BloomFilter?]
    /// By part, what is asked; behind the last one, what is asked of hashes that lie outside.
    private let asked: UnsafeMutablePointer<Asked>
    /// Memory held by parts, in bytes.
    private(set) var byteCount = 0
    /// Parts in memory.
    private(set) var heldCount = 0
    /// The first part that may be there.
    private var front = 0

    @unsafe
    private struct Asked {
        var blocks: UnsafeMutableRawPointer
        var blockCount: UInt64
    }

    /// A filter none of whose parts is there.
    init(_ cut: FilterCut) {
        self.cut = cut
        let count = cut.partCount
        parts = [BloomFilter?](repeating: nil, count: count)
        unsafe asked = .allocate(capacity: count + 1)
        let perhaps = unsafe Asked(blocks: BloomFilter.full.blocks, blockCount: 1)
        unsafe asked.initialize(repeating: perhaps, count: count + 1)
        if count > 0 { unsafe asked[count].blocks = BloomFilter.empty.blocks }
    }

    deinit { unsafe asked.deallocate() }

    /// Takes a part; nil for one without keys.
    func put(_ part: Int, _ filter: BloomFilter?) {
        drop(part)
        parts[part] = filter
        let held = filter ?? BloomFilter.empty
        unsafe asked[part] = Asked(blocks: held.blocks, blockCount: UInt64(held.blockCount))
        guard let filter else { return }
        byteCount += filter.byteCount
        heldCount += 1
    }

    /// Whether a part with keys is there.
    func holds(_ part: Int) -> Bool { parts[part] != nil }

    /// Lets go of a part; does nothing to one without keys.
    func drop(_ part: Int) {
        guard let filter = parts[part] else { return }
        byteCount -= filter.byteCount
        heldCount -= 1
        parts[part] = nil
        unsafe asked[part] = Asked(blocks: BloomFilter.full.blocks, blockCount: 1)
    }

    /// Lets go of the parts whose hashes are all less than `hash`.
    func drop(before hash: UInt64) {
        while front < cut.partCount, cut.start(of: front + 1) <= hash {
            drop(front)
            front += 1
        }
    }

    /// Lets go of parts, from the last one on, until `byteCount` bytes are free.
    func drop(upTo byteCount: Int) {
        let target = self.byteCount - byteCount
        for part in parts.indices.reversed() where self.byteCount > max(target, 0) { drop(part) }
    }

    /// Takes over the parts of another filter that is cut in the same way.
    func take(from other: SectionFilter) {
        precondition(other.cut == cut, "parts belong to one cut")
        for part in parts.indices {
            if let filter = other.parts[part] { put(part, filter) }
            other.drop(part)
        }
    }

    @inline(__always)
    private func asked(_ hash: UInt64) -> Asked {
        unsafe asked[Int(bitPattern: min(UInt(bitPattern: cut.part(of: hash)), partCount))]
    }

    private var partCount: UInt { UInt(bitPattern: cut.partCount) }

    /// Whether a key may be there.
    func contains(_ hash: UInt64) -> Bool {
        let part = unsafe asked(hash)
        let (block, bits) = unsafe BloomFilter.place(hash, in: part.blocks, part.blockCount)
        return unsafe BloomFilter.holds(block, bits, hashCount: cut.hashCount)
    }

    /// Writes to `maybe` those of the listed rows whose keys may be there; gives how many. See
    /// `BloomFilter.probe`.
    func probe(_ hashes: Slab, rows: Slab, count: Int, into maybe: Slab) -> Int {
        let words = unsafe hashes.base.assumingMemoryBound(to: UInt64.self)
        let list = unsafe rows.base.assumingMemoryBound(to: UInt32.self)
        let out = unsafe maybe.base.assumingMemoryBound(to: UInt32.self)
        return unsafe withUnsafeTemporaryAllocation(of: Question.self, capacity: Self.aheadMax) {
            questions in
            guard let questions = questions.baseAddress else { return 0 }
            let hashCount = cut.hashCount
            var found = 0
            var start = 0
            while start < count {
                let end = min(start &+ Self.aheadMax, count)
                for index in start..<end {
                    let hash = unsafe words[Int(list[index])] &>> 24
                    let part = unsafe asked(hash)
                    let (block, bits) = unsafe BloomFilter.place(
                        hash, in: part.blocks, part.blockCount)
                    unsafe weir_prefetch(block)
                    unsafe questions[index &- start] = Question(block: block, bits: bits)
                }
                for index in start..<end {
                    let question = unsafe questions[index &- start]
                    unsafe out[found] = list[index]
                    // Most fail at one of the first bits; which one, no branch can foresee.
                    if hashCount >= 4,
                        unsafe BloomFilter.holdsFour(question.block, question.bits) == 0
                    {
                        continue
                    }
                    let isThere = unsafe BloomFilter.holds(
                        question.block, question.bits, hashCount: hashCount)
                    if isThere { found &+= 1 }
                }
                start = end
            }
            return found
        }
    }

    /// Rows whose blocks are fetched ahead.
    private static let aheadMax = 64

    /// Where a key's bits are, and which.
    @unsafe
    private struct Question {
        let block: UnsafeMutableRawPointer
        let bits: UInt64
    }
}
