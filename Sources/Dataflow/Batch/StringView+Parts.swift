/// Safe access to the bytes of a string, and parts of it without a copy.
extension StringView {
    /// The sixteen bytes as two words, for loops that compare many views with one.
    @inlinable @inline(__always)
    package var words: (low: UInt64, high: UInt64) { (low, high) }

    /// Calls `body` with the UTF-8.
    @inlinable @inline(__always)
    package func withUTF8<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try withBytes { bytes throws(E) -> R in
            let span = Span<UInt8>(_bytes: bytes)
            return try body(span)
        }
    }

    /// The bytes in `range`: inline if short enough, else a view into the same memory.
    package func slice(_ range: Range<Int>) -> StringView {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a slice is a part")
        guard isInline else {
            // Behind a long string lie at least the slack bytes of its slab.
            return unsafe StringView(address + range.lowerBound, count: range.count)
        }
        let bytes = UInt128(low &>> 32 | high &<< 32) | UInt128(high &>> 32) << 64
        let kept = bytes >> UInt128(8 * range.lowerBound) & ((1 << UInt128(8 * range.count)) - 1)
        return StringView(
            low: UInt64(truncatingIfNeeded: range.count) | UInt64(truncatingIfNeeded: kept) << 32,
            high: UInt64(truncatingIfNeeded: kept >> 32))
    }
}

extension TextArena {
    /// Copies UTF-8 into the arena.
    package mutating func add(utf8: Span<UInt8>) -> StringView { unsafe add(utf8.bytes) }

    /// One string of all `parts`, in order.
    package mutating func join(_ parts: Span<StringView>) -> StringView {
        var byteCount = 0
        for index in parts.indices { byteCount += parts[index].count }
        // A short part is copied as sixteen bytes, into the slack if it is the last.
        var target = unsafe reserve(byteCount)
        for index in parts.indices {
            let part = parts[index]
            unsafe part.copy(to: target)
            unsafe target += part.count
        }
        return commit(byteCount)
    }
}

extension Bitmap {
    /// A new bitmap of the rows that are valid in both.
    package func intersection(_ other: Bitmap) -> Bitmap {
        let shared = min(count, other.count)
        let result = Bitmap(count: shared, valid: true)
        let mine = words
        let theirs = other.words
        for index in 0..<(shared + 63) / 64 { result.setWord(index, mine[index] & theirs[index]) }
        return result
    }
}
