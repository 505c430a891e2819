/// The index of a hot table: open addressing with linear probing, over words of which the upper
/// half is a tag and the lower one is never 0.
///
/// The tag is the upper half of a hash. Its upper bits choose a segment, its lower ones the place
/// in it, so that the index grows without touching the entries. It grows by one segment at a time,
/// each at a load of its own, so that no batch of keys pays for more than a small part of it.
///
///     tag = segment: 6 | … | place in the segment
///
/// A small index is one segment.
@safe
struct HotIndex: ~Copyable {
    /// What is known of a segment: all that a probe needs.
    @unsafe
    struct Segment {
        var words: UnsafeMutablePointer<UInt64>
        var mask: Int
        /// Words that may be filled until it grows.
        var room: Int
    }

    /// A walk along the places of a hash.
    @unsafe
    struct Probe {
        fileprivate let words: UnsafeMutablePointer<UInt64>
        fileprivate let mask: Int
        fileprivate var slot: Int
        fileprivate let segment: Int

        @inline(__always)
        var word: UInt64 { unsafe words[slot] }

        @inline(__always)
        var place: UnsafeMutablePointer<UInt64> { unsafe words + slot }

        @inline(__always)
        mutating func advance() { unsafe slot = (slot &+ 1) & mask }
    }

    private let segments: UnsafeMutablePointer<Segment>
    private(set) var slabs: [Slab]
    /// How far a hash is shifted for the number of its segment.
    private var shift: UInt64 = 63
    /// The first segment, while it is the only one, takes all hashes.
    private var segmentMask = 0
    /// Memory held, in bytes.
    private(set) var byteCount = 0

    private static let segmentBits: UInt64 = 6
    private static let segmentCount = 1 << 6
    private static let slotsMin = 64
    /// Slots of an index in one segment, at most.
    private static let wholeMax = 1 << 14
    /// Slots of each segment at first: twice as many in all.
    private static let segmentSlots = wholeMax * 2 / segmentCount

    init() {
        unsafe segments = .allocate(capacity: Self.segmentCount)
        let slab = Self.emptySlab(Self.slotsMin)
        slabs = [slab]
        unsafe segments.initialize(to: Self.segment(0, in: slab, slots: Self.slotsMin, used: 0))
        byteCount = slab.byteCount
    }

    deinit { unsafe segments.deallocate() }

    private static func emptySlab(_ slots: Int) -> Slab {
        let slab = Slab(byteCount: slots * 8)
        slab.fill(0, count: slots * 8)
        return slab
    }

    private static func segment(_ number: Int, in slab: Slab, slots: Int, used: Int) -> Segment {
        // Between a half and three quarters: the order in which segments grow, turned around in
        // its bits, has them grow far from one another.
        let spread = slots / 4 * number / segmentCount
        return unsafe Segment(
            words: slab.base.assumingMemoryBound(to: UInt64.self), mask: slots - 1,
            room: slots / 2 + spread - used)
    }

    @inline(__always)
    func probe(_ hash: UInt64) -> Probe {
        let number = Int(truncatingIfNeeded: hash &>> shift) & segmentMask
        let segment = unsafe segments[number]
        return unsafe Probe(
            words: segment.words, mask: segment.mask,
            slot: Int(truncatingIfNeeded: hash &>> 32) & segment.mask, segment: number)
    }

    /// Fills the empty word at which a probe stands.
    @inline(__always)
    mutating func fill(_ probe: Probe, with word: UInt64) {
        unsafe probe.words[probe.slot] = word
        let number = unsafe probe.segment
        unsafe segments[number].room &-= 1
        if unsafe segments[number].room == 0 { grow(number) }
    }

    /// Calls `body` with all words that are filled.
    func forEach(_ body: (UInt64) -> Void) {
        for number in slabs.indices {
            let segment = unsafe segments[number]
            for slot in unsafe 0...segment.mask {
                let word = unsafe segment.words[slot]
                if word != 0 { body(word) }
            }
        }
    }

    @inline(never)
    private mutating func grow(_ number: Int) {
        let old = unsafe segments[number]
        let slots = unsafe old.mask + 1
        if segmentMask == 0 && slots >= Self.wholeMax { return split() }
        let larger = Self.emptySlab(slots * 2)
        byteCount += larger.byteCount - slabs[number].byteCount
        let used = unsafe move(old, to: larger, mask: slots * 2 - 1)
        slabs[number] = larger
        unsafe segments[number] = Self.segment(number, in: larger, slots: slots * 2, used: used)
    }

    private func move(_ old: Segment, to larger: Slab, mask: Int) -> Int {
        let new = unsafe larger.base.assumingMemoryBound(to: UInt64.self)
        var used = 0
        for index in unsafe 0...old.mask {
            let word = unsafe old.words[index]
            guard word != 0 else { continue }
            var slot = Int(truncatingIfNeeded: word &>> 32) & mask
            while unsafe new[slot] != 0 { slot = (slot &+ 1) & mask }
            unsafe new[slot] = word
            used &+= 1
        }
        return used
    }

    /// Makes segments of an index in one piece.
    private mutating func split() {
        let whole = slabs[0]
        let old = unsafe segments[0]
        shift = 64 - Self.segmentBits
        segmentMask = Self.segmentCount - 1
        slabs = []
        byteCount = 0
        for number in 0..<Self.segmentCount {
            let slab = Self.emptySlab(Self.segmentSlots)
            slabs.append(slab)
            byteCount += slab.byteCount
            let segment = unsafe Self.segment(number, in: slab, slots: Self.segmentSlots, used: 0)
            unsafe (segments + number).initialize(to: segment)
        }
        for index in unsafe 0...old.mask {
            let word = unsafe old.words[index]
            guard word != 0 else { continue }
            var probe = unsafe self.probe(word)
            while unsafe probe.word != 0 { unsafe probe.advance() }
            unsafe fill(probe, with: word)
        }
        withExtendedLifetime(whole) {}
    }
}
