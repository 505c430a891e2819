/// The wide sums of one aggregate, held beside its flat states and named by number.
///
/// Number 0 stands for none: few states ever need one.
struct WideSums {
    private var sums: [WideSum] = []
    private var free: [UInt32] = []

    /// Wide sums in use.
    var count: Int { sums.count - free.count }

    /// Whether no number was ever given.
    var isEmpty: Bool { sums.isEmpty }

    /// The wide sums of the numbers from 1 on, unused ones too.
    var all: [WideSum] { sums }

    /// Takes in a wide sum under the number behind all others.
    mutating func append(_ sum: WideSum) { sums.append(sum) }

    /// Bytes held.
    var byteCount: Int {
        sums.reduce(sums.capacity * MemoryLayout<WideSum>.stride + free.capacity * 4) {
            $0 + $1.byteCount
        }
    }

    /// The wide sum of a number, empty for 0.
    subscript(number: UInt32) -> WideSum { number == 0 ? WideSum() : sums[Int(number) - 1] }

    /// Adds ±`magnitude` · 2^`exponent` to the wide sum `number`, making one for 0.
    mutating func add(
        _ magnitude: UInt128, exponent: Int, isNegative: Bool, to number: inout UInt32
    ) {
        if magnitude == 0 { return }
        if number == 0 { number = insert(WideSum()) }
        sums[Int(number) - 1].add(magnitude, exponent: exponent, isNegative: isNegative)
    }

    /// Adds the wide sum `other` to the wide sum `number`, making one for 0.
    mutating func add(_ other: UInt32, to number: inout UInt32) {
        if other == 0 { return }
        let added = self[other]
        if number == 0 { number = insert(WideSum()) }
        sums[Int(number) - 1].add(added)
    }

    /// Takes in a wide sum and gives its number.
    mutating func insert(_ sum: WideSum) -> UInt32 {
        if let number = free.popLast() {
            sums[Int(number) - 1] = sum
            return number
        }
        sums.append(sum)
        return UInt32(sums.count)
    }

    /// Gives up a wide sum whose state has gone.
    mutating func remove(_ number: inout UInt32) {
        if number == 0 { return }
        sums[Int(number) - 1] = WideSum()
        free.append(number)
        number = 0
    }
}
