import Dataflow
import TestSupport
import Testing

/// The splitter against arithmetic that cannot overflow.
struct BucketSplitterTests {
    private struct Case {
        let splitter: BucketSplitter
        let retain: Int64
        let times: [Int64]
        let marks: [Int64]
        let rows: [Int]

        init(_ random: inout SplitMix64) {
            let size = random.pick([1, 7, 60, 1_000_003, Int64.max / 2, Int64.max])
            let offset = random.pick([0, 0, 1, size / 3, -size / 2, size - 1, .max, .min])
            splitter = BucketSplitter(size: size, offset: offset)
            retain = random.pick([0, 5, 1000, .max])
            let isHostile = random.chance(0.5)
            let span = Int(min(size, 1000)) * 4
            times = (0..<random.int(0...50)).map { _ in
                if isHostile && random.chance(0.4) {
                    return random.pick([
                        .min, .min + 1, .max, .max - 1, Int64(bitPattern: random.next()),
                    ])
                }
                return Int64(random.int(-span...span))
            }
            marks = times.map { _ in
                random.chance(0.1) ? random.pick([.min, .max]) : Int64(random.int(-span...span))
            }
            rows = times.indices.filter { _ in random.chance(0.8) }
        }

        /// The bucket of a time, where it starts and ends, kept within 64 bits.
        func bucket(of time: Int64) -> (start: Int64, end: Int64) {
            let size = Int128(splitter.size)
            var rest = (Int128(time) - Int128(splitter.offset)) % size
            if rest < 0 { rest += size }
            let start = Int128(time) - rest
            return (Self.clamped(start), Self.clamped(start + size))
        }

        func isLate(_ row: Int) -> Bool {
            marks[row] >= Self.clamped(Int128(bucket(of: times[row]).end) + Int128(retain))
        }

        static func clamped(_ value: Int128) -> Int64 {
            Int64(min(max(value, Int128(Int64.min)), Int128(Int64.max)))
        }
    }

    @Test(arguments: Seeds.list(300))
    func everyRowComesToItsBucketOrIsLate(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let test = Case(&random)
        let parts = test.splitter.split(
            Selection(test.rows),
            times: CellBatches.column(test.times.map { .int($0) }, .timestamp),
            watermarks: CellBatches.column(test.marks.map { .int($0) }, .int), retain: test.retain)
        let onTime = test.rows.filter { !test.isLate($0) }
        #expect(Self.rows(parts.late) == test.rows.filter(test.isLate), "\(Seeds.note(seed))")
        #expect(Self.rows(parts.onTime) == onTime, "\(Seeds.note(seed))")
        var buckets: [Int64: [Int]] = [:]
        for row in onTime {
            buckets[test.bucket(of: test.times[row]).start, default: []].append(row)
        }
        let nonEmpty = parts.buckets.filter { !$0.rows.isEmpty }
        #expect(
            Dictionary(uniqueKeysWithValues: nonEmpty.map { ($0.start, Self.rows($0.rows)) })
                == buckets, "\(Seeds.note(seed))")
        let runs = parts.runs.filter { !$0.rows.isEmpty }
        #expect(runs.flatMap { Self.rows($0.rows) } == onTime, "\(Seeds.note(seed))")
        for run in runs {
            for row in Self.rows(run.rows) {
                #expect(test.bucket(of: test.times[row]).start == run.start)
            }
        }
        for (one, next) in zip(runs, runs.dropFirst()) { #expect(one.start != next.start) }
    }

    private static func rows(_ selection: Selection) -> [Int] {
        (0..<selection.count).map { selection[$0] }
    }
}
