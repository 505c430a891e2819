/// Sorts entries of a memtable by their keys, the newest version of a key first.
///
/// What moves are items of 16 bytes: a word of the key, most significant byte first, and the
/// entry's reference. They are sorted by the word, digit by digit; items with the same word are
/// sorted by the next one, or compared if they are few.
@safe
struct KeySort {
    /// An item of the order.
    struct Item {
        var word: UInt64
        var reference: UInt32
    }

    typealias Items = UnsafeMutableBufferPointer<Item>

    private let bases: UnsafePointer<UnsafeMutableRawPointer>
    private static let fewMax = 24

    /// Sorts entries of an arena whose blocks begin at `bases`.
    init(_ bases: UnsafePointer<UnsafeMutableRawPointer>) { unsafe self.bases = bases }

    @inline(__always)
    private func entry(_ reference: UInt32) -> KeyedMemtable.Entry {
        let block = Int(truncatingIfNeeded: reference &>> 15)
        return unsafe KeyedMemtable.Entry(
            bases[block] + Int(truncatingIfNeeded: reference & 0x7fff) &<< 3)
    }

    /// The eight bytes of a key from `offset` on, most significant first, zeros behind its end.
    @inline(__always)
    static func word(_ key: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        guard let base = key.baseAddress, offset < key.count else { return 0 }
        let rest = key.count &- offset
        if rest >= 8 {
            return unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self).bigEndian
        }
        var word: UInt64 = 0
        for index in 0..<rest {
            let byte = unsafe base.load(fromByteOffset: offset &+ index, as: UInt8.self)
            word |= UInt64(byte) &<< UInt64(56 &- 8 &* index)
        }
        return word
    }

    /// Sorts items by the bytes of their keys from `depth` on, before which they are the same;
    /// their words are set here. `spare` has as many items.
    func sort(_ items: Items, spare: Items, from depth: Int = 0) {
        if items.count <= Self.fewMax { return unsafe insert(items, from: depth) }
        let offset = unsafe depth &+ sharedBytes(items, from: depth)
        for index in items.indices {
            unsafe items[index].word = Self.word(entry(items[index].reference).key, at: offset)
        }
        unsafe sortWords(items, spare)
        var start = 0
        while start < items.count {
            let word = unsafe items[start].word
            var end = start &+ 1
            while end < items.count, unsafe items[end].word == word { end &+= 1 }
            if end &- start > 1 {
                let group = unsafe Items(rebasing: items[start..<end])
                let counts = unsafe keyCounts(group)
                // Where a key ends within the word, the zeros behind it are none of its bytes.
                if group.count <= Self.fewMax || counts.least < offset &+ 8
                    || counts.most == offset &+ 8
                {
                    unsafe settle(group, from: offset)
                } else {
                    unsafe sort(group, spare: spare, from: offset &+ 8)
                }
            }
            start = end
        }
    }

    /// Bytes from `depth` on that all keys have in common; no more than they all have.
    private func sharedBytes(_ items: Items, from depth: Int) -> Int {
        let first = unsafe entry(items[0].reference).key
        var shared = first.count &- depth
        for index in items.indices where shared > 0 {
            let key = unsafe entry(items[index].reference).key
            guard let one = first.baseAddress, let other = key.baseAddress else {
                return 0
            }
            let least = min(shared, key.count &- depth)
            shared = unsafe KeyOrder.sharedBytes(one + depth, other + depth, count: max(least, 0))
        }
        return shared
    }

    /// The length of the shortest key, and of the longest.
    private func keyCounts(_ items: Items) -> (least: Int, most: Int) {
        var (least, most) = (Int.max, 0)
        for index in items.indices {
            let count = unsafe entry(items[index].reference).keyCount
            least = min(least, count)
            most = max(most, count)
        }
        return (least, most)
    }

    /// Least significant digit first; digits that are the same in all words are left out.
    private func sortWords(_ items: Items, _ spare: Items) {
        let count = items.count
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8 * 256) { counts in
            unsafe counts.initialize(repeating: 0)
            for index in items.indices {
                let word = unsafe items[index].word
                for digit in 0..<8 {
                    let byte = Int(truncatingIfNeeded: word &>> UInt64(digit &* 8)) & 255
                    unsafe counts[digit &* 256 &+ byte] &+= 1
                }
            }
            var (source, target) = unsafe (items, Items(rebasing: spare[0..<count]))
            for digit in 0..<8 {
                let shift = UInt64(digit &* 8)
                let first = Int(truncatingIfNeeded: unsafe source[0].word &>> shift) & 255
                if unsafe counts[digit &* 256 &+ first] == UInt32(count) { continue }
                var total: UInt32 = 0
                for byte in 0..<256 {
                    let size = unsafe counts[digit &* 256 &+ byte]
                    unsafe counts[digit &* 256 &+ byte] = total
                    total &+= size
                }
                for index in 0..<count {
                    let item = unsafe source[index]
                    let byte = Int(truncatingIfNeeded: item.word &>> shift) & 255
                    let place = unsafe counts[digit &* 256 &+ byte]
                    unsafe counts[digit &* 256 &+ byte] = place &+ 1
                    unsafe target[Int(place)] = item
                }
                unsafe swap(&source, &target)
            }
            if unsafe source.baseAddress != items.baseAddress {
                _ = unsafe items.update(fromContentsOf: source)
            }
        }
    }

    /// Sorts many items by comparison.
    private func settle(_ items: Items, from depth: Int) {
        if items.count <= Self.fewMax { return unsafe insert(items, from: depth) }
        var items = unsafe items
        unsafe items.sort { precedes($0, $1, from: depth) }
    }

    private func insert(_ items: Items, from depth: Int) {
        for index in items.indices.dropFirst() {
            let item = unsafe items[index]
            var place = index
            while place > 0, unsafe precedes(item, items[place &- 1], from: depth) {
                unsafe items[place] = items[place &- 1]
                place &-= 1
            }
            unsafe items[place] = item
        }
    }

    /// Whether one entry stands before another; both share `depth` bytes.
    @inline(__always)
    private func precedes(_ one: Item, _ other: Item, from depth: Int) -> Bool {
        let (first, second) = (entry(one.reference), entry(other.reference))
        let order = unsafe KeyOrder.compare(
            first.base + (24 &+ depth), first.keyCount &- depth,
            second.base + (24 &+ depth), second.keyCount &- depth)
        return order != 0 ? order < 0 : first.version > second.version
    }
}
