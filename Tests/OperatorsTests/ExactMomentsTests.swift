import TestSupport
import Testing

@testable import Operators

struct ExactMomentsTests {
    /// Adds values in random order to several states and merges them.
    private func moments<T>(
        _ values: [T], _ random: inout SplitMix64,
        add: (inout ExactMoments, T, inout WideSums) -> Void
    ) -> (ExactMoments, WideSums) {
        var wides = WideSums()
        var states = [ExactMoments](repeating: ExactMoments(), count: random.int(1...3))
        for value in values.shuffled(using: &random) {
            add(&states[random.int(0..<states.count)], value, &wides)
        }
        var merged = ExactMoments()
        for index in states.indices {
            merged.merge(states[index], &wides)
            states[index].remove(&wides)
        }
        return (merged, wides)
    }

    private func check(
        _ moments: ExactMoments, _ wides: WideSums, _ twin: ExactTwin, count: Int, _ note: Comment
    ) throws {
        var bytes: [UInt8] = []
        ExactEncoding.encode(moments, wides, to: &bytes)
        var offset = 0
        var others = WideSums()
        let again = try ExactEncoding.decodeMoments(bytes.span, at: &offset, &others)
        #expect(offset == bytes.count)
        for (moments, wides) in [(moments, wides), (again, others)] {
            let population = moments.variance(.population, count: count, wides)
            #expect(population == (count == 0 ? nil : twin.variance(less: 0)), note)
            let sample = moments.variance(.sample, count: count, wides)
            #expect(sample == (count < 2 ? nil : twin.variance(less: 1)), note)
            #expect(moments.sum.rounded(wides) == twin.sum, note)
            let deviation = moments.standardDeviation(.sample, count: count, wides)
            #expect(deviation == sample?.squareRoot(), note)
        }
    }

    @Test(arguments: FloatSets.adversarial)
    func varianceIsRoundedOnce(_ values: [Double]) throws {
        var random = SplitMix64(seed: 1)
        let (moments, wides) = moments(values, &random) { $0.add($1, &$2) }
        try check(moments, wides, ExactTwin(values), count: values.count, "\(values)")
    }

    @Test(arguments: Seeds.list(100))
    func varianceAgreesWithTwin(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = FloatSets.random(&random)
        let (moments, wides) = moments(values, &random) { $0.add($1, &$2) }
        let note: Comment = "\(values) \(Seeds.note(seed))"
        try check(moments, wides, ExactTwin(values), count: values.count, note)
    }

    @Test(arguments: Seeds.list(30))
    func varianceOfWholeNumbersAgreesWithTwin(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = (0..<random.int(0...40)).map { _ in
            random.pick([
                Int64(random.int(-50...50)), Int64(random.int(0...1 << 54)), .min, .max,
                Int64(bitPattern: random.next()),
            ])
        }
        let (moments, wides) = moments(values, &random) { $0.add($1, &$2) }
        let note: Comment = "\(values) \(Seeds.note(seed))"
        try check(moments, wides, ExactTwin(values), count: values.count, note)
    }

    @Test func squaresThatFillUpGoToTheWideSum() throws {
        let values = [Double](repeating: 0x1.fffffffffffffp54, count: 100) + [1]
        var random = SplitMix64(seed: 1)
        let (moments, wides) = moments(values, &random) { $0.add($1, &$2) }
        try check(moments, wides, ExactTwin(values), count: values.count, "")
    }

    @Test func valueThatIsNotFiniteIsNotForgotten() {
        var wides = WideSums()
        var moments = ExactMoments()
        moments.add(1.0, &wides)
        moments.add(Double.infinity, &wides)
        #expect(moments.variance(.population, count: 2, wides)?.isNaN == true)
    }
}

struct ExactEncodingTests {
    private func encoded() -> [UInt8] {
        var wides = WideSums()
        var moments = ExactMoments()
        for value in [1.5, -1e300, 1e-300] { moments.add(value, &wides) }
        var bytes: [UInt8] = []
        ExactEncoding.encode(moments, wides, to: &bytes)
        return bytes
    }

    @Test func cutStateIsRefused() {
        let bytes = encoded()
        for count in bytes.indices {
            var offset = 0
            var wides = WideSums()
            #expect(throws: ExactStateError.truncated) {
                try ExactEncoding.decodeMoments(Array(bytes[..<count]).span, at: &offset, &wides)
            }
        }
    }

    @Test func otherVersionIsRefused() {
        var bytes = encoded()
        bytes[0] = 9
        var offset = 0
        var wides = WideSums()
        #expect(throws: ExactStateError.unknownVersion(9)) {
            try ExactEncoding.decodeMoments(bytes.span, at: &offset, &wides)
        }
    }

    @Test(arguments: Seeds.list(50))
    func damagedStateNeverTraps(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = encoded()
        for _ in 0..<random.int(1...8) {
            bytes[random.int(0..<bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        var offset = 0
        var wides = WideSums()
        guard let moments = try? ExactEncoding.decodeMoments(bytes.span, at: &offset, &wides)
        else { return }
        _ = moments.variance(.sample, count: 3, wides)
        _ = moments.sum.rounded(wides)
    }
}
