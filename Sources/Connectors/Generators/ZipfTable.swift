/// Draws ranks from 0 on with a frequency of 1 / (rank + 1)^skew, each in constant time.
///
/// An alias table (Walker; built by Vose's method): a slot is drawn, and a coin that is loaded for
/// each slot decides between the slot's own rank and the slot's alias.
struct ZipfTable: Sendable {
    let count: Int
    /// For each slot, the weight of its coin in the upper half, the alias in the lower; empty
    /// where all ranks are equally frequent.
    let slots: [UInt64]

    init(count: Int, skew: Double) {
        precondition(count > 0 && count <= UInt32.max, "ranks are counted in 32 bits")
        self.count = count
        guard skew > 0 else {
            slots = []
            return
        }
        var weights = (1...count).map { PortableMath.exp(-skew * PortableMath.log(Double($0))) }
        // The least first, so that small terms are not lost.
        let scale = Double(count) / weights.reversed().reduce(0, +)
        for rank in weights.indices { weights[rank] *= scale }
        slots = ZipfTable.aliased(weights)
    }

    /// Pairs each slot that weighs less than one with a slot that fills it up.
    private static func aliased(_ start: [Double]) -> [UInt64] {
        var weights = start
        var slots = weights.indices.map { UInt64(UInt32.max) << 32 | UInt64($0) }
        var small: [Int] = []
        var large: [Int] = []
        for rank in weights.indices {
            if weights[rank] < 1 { small.append(rank) } else { large.append(rank) }
        }
        while let slot = small.popLast(), let alias = large.last {
            slots[slot] = UInt64(weights[slot] * 0x1p32) << 32 | UInt64(alias)
            weights[alias] -= 1 - weights[slot]
            if weights[alias] < 1 {
                large.removeLast()
                small.append(alias)
            }
        }
        return slots
    }

    /// The rank for a random word; `slots` is the span of the table's slots, taken before the loop.
    @inline(__always)
    static func rank(_ word: UInt64, count: Int, slots: Span<UInt64>) -> Int {
        let (high, low) = word.multipliedFullWidth(by: UInt64(truncatingIfNeeded: count))
        let slot = Int(truncatingIfNeeded: high)
        if slots.isEmpty { return slot }
        let entry = slots[slot]
        return low &>> 32 < entry &>> 32 ? slot : Int(truncatingIfNeeded: entry & 0xffff_ffff)
    }
}
