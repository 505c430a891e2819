/// That all keys of a range were deleted at some version.
package struct RangeTombstone: Sendable, Equatable {
    /// The first key.
    package let lower: [UInt8]
    /// The first key behind the range; nil where it has no end.
    package let upper: [UInt8]?
    package let version: UInt64

    package init(lower: [UInt8], upper: [UInt8]?, version: UInt64) {
        self.lower = lower
        self.upper = upper
        self.version = version
    }

    var range: KeyRange { KeyRange(lower: lower, upper: upper) }

    /// What of it lies in a range.
    func clipped(to range: KeyRange) -> RangeTombstone? {
        let common = self.range.intersection(range)
        guard !common.isEmpty else { return nil }
        return RangeTombstone(lower: common.lower, upper: common.upper, version: version)
    }
}

/// A range of keys, in the order of their bytes.
package struct KeyRange: Sendable, Equatable {
    /// The first key.
    package let lower: [UInt8]
    /// The first key behind it; nil where it has no end.
    package let upper: [UInt8]?

    package init(lower: [UInt8], upper: [UInt8]?) {
        self.lower = lower
        self.upper = upper
    }

    /// All keys.
    package static let all = KeyRange(lower: [], upper: nil)

    /// The keys that start with some bytes.
    package init(prefix: [UInt8]) {
        lower = prefix
        var end = prefix
        while let last = end.last, last == 0xff { end.removeLast() }
        if let last = end.popLast() {
            end.append(last + 1)
            upper = end
        } else {
            upper = nil
        }
    }

    /// From a key to another one, which belongs to it.
    init(from first: [UInt8], through last: [UInt8]) {
        lower = first
        upper = last + [0]
    }

    package var isEmpty: Bool {
        guard let upper else { return false }
        return !lower.lexicographicallyPrecedes(upper)
    }

    /// Whether it ends at a key or before it.
    func ends(atOrBefore key: [UInt8]) -> Bool {
        guard let upper else { return false }
        return !key.lexicographicallyPrecedes(upper)
    }

    func overlaps(_ other: KeyRange) -> Bool {
        !ends(atOrBefore: other.lower) && !other.ends(atOrBefore: lower)
    }

    func intersection(_ other: KeyRange) -> KeyRange {
        let least = lower.lexicographicallyPrecedes(other.lower) ? other.lower : lower
        guard let upper, let otherUpper = other.upper else {
            return KeyRange(lower: least, upper: upper ?? other.upper)
        }
        let end = upper.lexicographicallyPrecedes(otherUpper) ? upper : otherUpper
        return KeyRange(lower: least, upper: end)
    }

    /// The least range that holds both.
    func union(_ other: KeyRange) -> KeyRange {
        let least = lower.lexicographicallyPrecedes(other.lower) ? lower : other.lower
        guard let upper, let otherUpper = other.upper else {
            return KeyRange(lower: least, upper: nil)
        }
        let end = upper.lexicographicallyPrecedes(otherUpper) ? otherUpper : upper
        return KeyRange(lower: least, upper: end)
    }

    /// Whether a key lies in it.
    @inline(__always)
    func contains(_ key: UnsafeRawBufferPointer) -> Bool {
        guard unsafe !Self.precedes(key, lower) else { return false }
        guard let upper else { return true }
        return unsafe Self.precedes(key, upper)
    }

    @inline(__always)
    static func precedes(_ key: UnsafeRawBufferPointer, _ other: [UInt8]) -> Bool {
        unsafe other.withUnsafeBytes { unsafe KeyOrder.compare(key, $0) < 0 }
    }
}

/// Range tombstones, to be asked about single keys.
///
/// The last ones added are a list; when it grows, all are cut into fragments that do not overlap,
/// each with the versions that cover it.
struct RangeTombstones: Sendable {
    private struct Fragment: Sendable {
        let lower: [UInt8]
        let upper: [UInt8]?
        /// Descending.
        var versions: [UInt64]
    }

    private var fragments: [Fragment] = []
    private var recent: [RangeTombstone] = []
    /// All of them.
    private(set) var list: [RangeTombstone] = []
    private static let recentMax = 32

    init() {}

    init(_ list: [RangeTombstone]) {
        self.list = list
        if list.count <= Self.recentMax { recent = list } else { fragment() }
    }

    var isEmpty: Bool { list.isEmpty }

    mutating func add(_ tombstone: RangeTombstone) {
        list.append(tombstone)
        recent.append(tombstone)
        if recent.count > Self.recentMax { fragment() }
    }

    /// Cuts all ranges at all of their ends.
    private mutating func fragment() {
        recent = []
        var cuts = list.map(\.lower) + list.compactMap(\.upper)
        cuts.sort { $0.lexicographicallyPrecedes($1) }
        var distinct: [[UInt8]] = []
        for cut in cuts where distinct.last != cut { distinct.append(cut) }
        fragments = []
        let sorted = list.sorted { $0.lower.lexicographicallyPrecedes($1.lower) }
        var next = 0
        var living: [RangeTombstone] = []
        for (index, cut) in distinct.enumerated() {
            living.removeAll { $0.range.ends(atOrBefore: cut) }
            while next < sorted.count, !cut.lexicographicallyPrecedes(sorted[next].lower) {
                if !sorted[next].range.isEmpty { living.append(sorted[next]) }
                next += 1
            }
            guard !living.isEmpty else { continue }
            let versions = Set(living.map(\.version)).sorted(by: >)
            let upper = index + 1 < distinct.count ? distinct[index + 1] : nil
            fragments.append(Fragment(lower: cut, upper: upper, versions: versions))
        }
    }

    /// The greatest version, up to `limit`, that deletes a key; 0 where none does.
    func version(covering key: UnsafeRawBufferPointer, limit: UInt64 = .max) -> UInt64 {
        var found: UInt64 = 0
        for tombstone in recent where tombstone.version <= limit && tombstone.version > found {
            if unsafe tombstone.range.contains(key) { found = tombstone.version }
        }
        var low = 0
        var high = fragments.count
        while low < high {
            let middle = (low + high) / 2
            if unsafe KeyRange.precedes(key, fragments[middle].lower) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        guard low > 0 else { return found }
        let fragment = fragments[low - 1]
        if let upper = fragment.upper, unsafe !KeyRange.precedes(key, upper) { return found }
        guard let version = fragment.versions.first(where: { $0 <= limit }) else { return found }
        return max(found, version)
    }
}
