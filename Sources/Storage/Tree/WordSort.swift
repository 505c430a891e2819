/// Sorts words by their upper halves: least significant digit first, in three passes.
enum WordSort {
    private static let digitBits: UInt64 = 11
    private static let digits = 1 << 11

    /// Sorts the first `count` 64-bit words of `words`, which are overwritten; the result is
    /// another slab.
    static func byUpperHalf(_ words: Slab, count: Int) -> Slab {
        var source = words
        var target = Slab(byteCount: max(count, 1) * 8)
        for pass in 0..<3 as Range<UInt64> {
            scatter(source, count, shift: 32 + pass * digitBits, into: target)
            swap(&source, &target)
        }
        return source
    }

    private static func scatter(_ source: Slab, _ count: Int, shift: UInt64, into target: Slab) {
        let from = unsafe source.base.assumingMemoryBound(to: UInt64.self)
        let to = unsafe target.base.assumingMemoryBound(to: UInt64.self)
        let mask = UInt64(digits - 1)
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: digits) { places in
            unsafe places.initialize(repeating: 0)
            for index in 0..<count {
                let digit = Int(truncatingIfNeeded: (unsafe from[index] &>> shift) & mask)
                unsafe places[digit] &+= 1
            }
            var total = 0
            for digit in 0..<digits {
                let size = unsafe places[digit]
                unsafe places[digit] = total
                total &+= size
            }
            for index in 0..<count {
                let word = unsafe from[index]
                let digit = Int(truncatingIfNeeded: (word &>> shift) & mask)
                unsafe to[places[digit]] = word
                unsafe places[digit] &+= 1
            }
        }
    }
}
