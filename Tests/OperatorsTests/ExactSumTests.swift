import TestSupport
import Testing

@testable import Operators

/// Sets of floats that break sums which are not exact.
enum FloatSets {
    static let adversarial: [[Double]] = [
        [], [0], [-0.0], [0.1, 0.2, 0.3], [1e308, 1e308, -1e308, -1e308], [1e308, 1e308],
        [-1e308, -1e308], [.greatestFiniteMagnitude, .greatestFiniteMagnitude.ulp / 2],
        [.greatestFiniteMagnitude, .greatestFiniteMagnitude.ulp / 2.0000001],
        [.leastNonzeroMagnitude], [.leastNonzeroMagnitude, -.leastNonzeroMagnitude],
        [.leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude],
        [1, 1e100, 1, -1e100], [1e16, 1, -1e16], [1, 0x1p-53], [1, 0x1p-53, 0x1p-105],
        [1, 0x3p-53], [-1, -0x1p-53, -0x1p-1074], [0x1p54, 0x1p54, 0x1p54, 1], [0x1p55, 3],
        [0x1p-72, 0x1p-73, -0x1p-72], [.leastNormalMagnitude, -.leastNonzeroMagnitude],
        [.leastNormalMagnitude / 2, .leastNormalMagnitude / 2], [0x1.fffffffffffffp54, 1, 0.5],
        [0x1p-20, 0x1.0000000000001p-20, 0x1p-21],
    ]

    /// Values of one of several kinds, so that every path is taken.
    static func random(_ random: inout SplitMix64) -> [Double] {
        let kind = random.int(0..<7)
        return (0..<random.int(0...60)).map { _ in
            switch kind {
            case 0: Double(random.int(0...100_000)) / 100
            case 1: Double.random(in: -1...1, using: &random)
            case 2: random.anyFinite()
            case 3: Double.random(in: -1e-5...1e-5, using: &random)
            case 4: Double.random(in: -3e16...3e16, using: &random)
            case 5: 1_000_000 + Double.random(in: -1e-6...1e-6, using: &random)
            default: random.pick([1, 1e308, -1e308, 1e-300, 0.1, 12345.67, 5e15, -3e16])
            }
        }
    }
}

/// Sums `values` in one state, or in several that are then merged.
private func summed(
    _ values: [Double], parts: Int = 1, _ random: inout SplitMix64
) -> (ExactSum, WideSums) {
    var wides = WideSums()
    var states = [ExactSum](repeating: ExactSum(), count: parts)
    for value in values { states[random.int(0..<parts)].add(value, &wides) }
    var sum = ExactSum()
    for index in states.indices {
        sum.merge(states[index], &wides)
        states[index].remove(&wides)
    }
    return (sum, wides)
}

struct ExactSumTests {
    private func check(_ values: [Double], _ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let twin = ExactTwin(values)
        for parts in [1, 1, 3] {
            let (sum, wides) = summed(values.shuffled(using: &random), parts: parts, &random)
            let note: Comment = "\(values) \(Seeds.note(seed))"
            #expect(sum.rounded(wides).bitPattern == twin.sum.bitPattern, note)
            if !values.isEmpty {
                let average = sum.average(count: values.count, wides)
                #expect(average.bitPattern == twin.average.bitPattern, note)
            }
            var bytes: [UInt8] = [7]
            ExactEncoding.encode(sum, wides, to: &bytes)
            var offset = 1
            var others = WideSums()
            let again = try ExactEncoding.decodeSum(bytes.span, at: &offset, &others)
            #expect(offset == bytes.count)
            #expect(again.rounded(others).bitPattern == twin.sum.bitPattern, note)
        }
    }

    @Test(arguments: FloatSets.adversarial)
    func sumAndMeanAreRoundedOnce(_ values: [Double]) throws { try check(values, 1) }

    @Test(arguments: Seeds.list(150))
    func sumAndMeanAgreeWithTwin(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        try check(FloatSets.random(&random), seed)
    }

    @Test func sumBeyondTheGreatestFloatIsInfinite() {
        var random = SplitMix64(seed: 1)
        let (sum, wides) = summed([1e308, 1e308], &random)
        #expect(sum.rounded(wides) == .infinity)
        #expect(sum.average(count: 2, wides) == 1e308)
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan])
    func valueThatIsNotFiniteIsNotForgotten(_ value: Double) throws {
        var wides = WideSums()
        var sum = ExactSum()
        sum.add(1, &wides)
        var other = ExactSum()
        other.add(value, &wides)
        sum.merge(other, &wides)
        #expect(sum.rounded(wides).isNaN)
        #expect(sum.average(count: 2, wides).isNaN)
        var bytes: [UInt8] = []
        ExactEncoding.encode(sum, wides, to: &bytes)
        var offset = 0
        let again = try ExactEncoding.decodeSum(bytes.span, at: &offset, &wides)
        #expect(again.rounded(wides).isNaN)
    }

    @Test func fixedPointThatFillsUpGoesToTheWideSum() {
        var wides = WideSums()
        var sum = ExactSum()
        let value = 0x1.fffffffffffffp54
        for _ in 0..<1000 { sum.add(value, &wides) }
        #expect(wides.count == 1)
        #expect(sum.rounded(wides) == ExactTwin([Double](repeating: value, count: 1000)).sum)
    }

    @Test func removedWideSumIsUsedAgain() {
        var wides = WideSums()
        for _ in 0..<10 {
            var sum = ExactSum()
            sum.add(1e300, &wides)
            #expect(wides.count == 1)
            #expect(wides.byteCount < 1000)
            sum.remove(&wides)
            #expect(wides.count == 0)
            #expect(sum.rounded(wides) == 0)
        }
    }

    @Test func stateIsFlatAndSmall() {
        #expect(MemoryLayout<ExactSum>.stride == 24)
        #expect(MemoryLayout<IntegerSum>.stride == 16)
        #expect(MemoryLayout<ExactMoments>.stride == 64)
    }
}

struct IntegerSumTests {
    @Test(arguments: Seeds.list(50))
    func sumAndMeanAgreeWithTwin(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let isWild = random.chance(0.5)
        let values = (0..<random.int(1...50)).map { _ in
            isWild ? Int64(bitPattern: random.next()) : Int64(random.int(-1000...1000))
        }
        var sum = IntegerSum()
        var half = IntegerSum()
        for (index, value) in values.enumerated() {
            if index % 2 == 0 { sum.add(value) } else { half.add(value) }
        }
        sum.merge(half)
        let total = values.reduce(Int128(0)) { $0 + Int128($1) }
        #expect(sum.value == total, "\(Seeds.note(seed))")
        #expect(sum.int == Int64(exactly: total), "\(Seeds.note(seed))")
        #expect(sum.average(count: values.count) == ExactTwin(values).average)
        var bytes: [UInt8] = []
        ExactEncoding.encode(sum, to: &bytes)
        var offset = 0
        #expect(try ExactEncoding.decodeIntegerSum(bytes.span, at: &offset) == sum)
    }

    @Test func sumBeyondSixtyFourBitsIsNone() {
        var sum = IntegerSum()
        sum.add(.max)
        #expect(sum.int == .max)
        sum.add(1)
        #expect(sum.int == nil)
        sum.add(-1)
        #expect(sum.int == .max)
        #expect(sum.average(count: 2) == 0x1p62)
    }
}
