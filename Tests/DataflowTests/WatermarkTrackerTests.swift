import Storage
import TestSupport
import Testing

@testable import Dataflow

/// The tracker against a list of everything that happened.
struct WatermarkTrackerTests {
    /// Computes the watermark anew from the whole history after each row.
    private struct Twin {
        let delay: Int64
        let isPartitioned: Bool
        var states: [Int: String] = [:]
        var greatest: [Int: Int64] = [:]
        var reached = EventTime.none

        init(_ strategy: WatermarkStrategy) {
            delay = strategy.delay
            isPartitioned = strategy.scope == .partition
            if !isPartitioned { states[0] = "active" }
        }

        mutating func set(_ id: Int, _ state: String) {
            if isPartitioned {
                states[id] = state
            } else if state != "finished" {
                states[0] = state
            }
            settle()
        }

        mutating func row(_ time: Int64, partition id: Int) -> Int64 {
            let before = reached
            let key = isPartitioned ? id : 0
            states[key] = "active"
            greatest[key] = max(greatest[key] ?? .min, time)
            settle()
            return before
        }

        private mutating func settle() {
            let active = states.filter { $0.value == "active" }.map(\.key)
            let marks = (active.isEmpty ? Array(states.keys) : active).map { key -> Int64 in
                let (mark, overflow) = (greatest[key] ?? .min).subtractingReportingOverflow(delay)
                return overflow ? .min : mark
            }
            let now = active.isEmpty ? marks.max() : marks.min()
            reached = max(reached, now ?? .min)
        }
    }

    private static func stamp(
        _ tracker: inout WatermarkTracker, _ times: [Int64], _ rows: [Int], partition: Int
    ) -> [Int64] {
        let column = CellBatches.column(times.map { .int($0) }, .timestamp)
        var builder = ColumnBuilder(.int, capacity: times.count)
        var marks = builder.int64s
        tracker.stamp(
            column.int64s, Selection(rows), partition: partition, into: &marks)
        return rows.map { marks[$0] }
    }

    @Test(arguments: Seeds.list(200))
    func everyRowGetsWhatStoodBeforeIt(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let strategy = WatermarkStrategy(
            delay: random.pick([0, 1, 10, Int64.max]), idleTimeout: 1, maxFuture: nil,
            scope: random.chance(0.7) ? .partition : .source)
        var tracker = WatermarkTracker(strategy)
        var twin = Twin(strategy)
        var opened: [Int] = []
        var finished: Set<Int> = []
        var last = EventTime.none
        for step in 0..<60 {
            let live = opened.filter { !finished.contains($0) }
            if live.isEmpty || random.chance(0.15) {
                opened.append(opened.count)
                tracker.apply([.opened(opened.count - 1)])
                twin.set(opened.count - 1, "active")
            } else if random.chance(0.3) {
                let id = random.pick(live)
                let event = random.pick([PartitionEvent.idle(id), .active(id), .finished(id)])
                tracker.apply([event])
                switch event {
                case .idle: twin.set(id, "idle")
                case .active, .opened: twin.set(id, "active")
                case .finished:
                    twin.set(id, "finished")
                    finished.insert(id)
                }
            } else {
                let id = random.pick(live)
                let times = (0..<random.int(1...6)).map { _ in
                    random.chance(0.02)
                        ? random.pick([.min, .max, 0]) : Int64(step * 3 + random.int(-20...20))
                }
                let rows = times.indices.filter { _ in random.chance(0.8) }
                guard !rows.isEmpty else { continue }
                let expected = rows.map { twin.row(times[$0], partition: id) }
                let marks = Self.stamp(&tracker, times, rows, partition: id)
                #expect(marks == expected, "step \(step), \(Seeds.note(seed))")
            }
            #expect(tracker.watermark == twin.reached, "step \(step), \(Seeds.note(seed))")
            #expect(tracker.watermark >= last, "\(Seeds.note(seed))")
            last = tracker.watermark
        }
    }

    @Test func finishedPartitionsTakeNoMemory() {
        var tracker = WatermarkTracker(
            WatermarkStrategy(delay: 0, idleTimeout: 1, maxFuture: nil, scope: .partition))
        for id in 0..<1000 {
            tracker.apply([.opened(id)])
            _ = Self.stamp(&tracker, [Int64(id)], [0], partition: id)
            tracker.apply([.finished(id)])
        }
        #expect(tracker.watermark == 999)
        #expect(tracker.partitionCount <= 1)
    }

    /// A source of which each file had a watermark of its own, and then has one for all of them.
    @Test func aScopeThatWasChangedHasOnePartition() throws {
        func tracker(_ scope: WatermarkStrategy.Scope) -> WatermarkTracker {
            WatermarkTracker(
                WatermarkStrategy(delay: 1, idleTimeout: 1, maxFuture: nil, scope: scope))
        }
        var before = tracker(.partition)
        before.apply([.opened(0), .opened(1), .opened(2)])
        for (id, time) in [10, 30, 20].enumerated() {
            _ = Self.stamp(&before, [Int64(time)], [0], partition: id)
        }
        #expect(before.watermark == 9)
        var writer = ByteWriter()
        before.encode(to: &writer)
        var after = tracker(.source)
        var reader = ByteReader(writer.bytes)
        try after.restore(from: &reader)
        #expect(after.watermark == 9)
        #expect(Self.stamp(&after, [35, 25], [0, 1], partition: 0) == [9, 34])
        #expect(after.watermark == 34)
    }
}
