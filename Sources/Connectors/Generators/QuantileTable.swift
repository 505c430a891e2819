/// Draws whole numbers from a bell-shaped or log-normal distribution, by its quantiles.
///
/// Between two of 1024 quantiles the distribution is even; the tails end at 4.3 deviations.
struct QuantileTable: Sendable {
    private static let count = 1024
    private static let tail = 4.3

    /// `count` + 1 quantiles.
    let values: [Int64]

    /// The distribution of `transform`, which grows, of a standard normal number.
    init(_ transform: (Double) -> Double) {
        values = QuantileTable.normal().map { Int64(transform($0).rounded(.down)) }
    }

    /// The quantiles of the normal distribution, found by adding up its density in small steps.
    private static func normal() -> [Double] {
        let step = 1.0 / 1024
        let end = 6 * 1024
        let densities = (-end...end).map { place in
            let z = Double(place) * step
            return PortableMath.exp(-z * z / 2)
        }
        let total = densities.reduce(0, +)
        var quantiles: [Double] = []
        var sum = 0.0
        for (index, density) in densities.enumerated() {
            sum += density
            while sum / total * Double(count) >= Double(quantiles.count) {
                quantiles.append(Double(index - end) * step)
            }
        }
        quantiles = quantiles.map { min(max($0, -tail), tail) }
        while quantiles.count <= count { quantiles.append(tail) }
        return Array(quantiles.prefix(count)) + [tail]
    }

    /// The number for a random word; `values` is the span of the table, taken before the loop.
    @inline(__always)
    static func value(_ word: UInt64, _ values: Span<Int64>) -> Int64 {
        let place = Int(truncatingIfNeeded: word &>> 54)
        let low = values[place]
        let width = UInt64(truncatingIfNeeded: values[place &+ 1] &- low)
        return low &+ Int64(truncatingIfNeeded: (word &<< 10).multipliedFullWidth(by: width).high)
    }
}
