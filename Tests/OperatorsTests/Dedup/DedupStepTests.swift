import Dataflow
import TestSupport
import Testing

@testable import Operators

/// Both forms of dedup with both `keep`s, against the twin, however the rows are cut.
struct DedupStepTests {
    typealias Cell = BatchText.Cell

    private static let header = "id:int k:string n:int f:float t:timestamp"

    private static func rows(_ seed: UInt64, count: Int = 250) throws -> TimedRows {
        var random = SplitMix64(seed: seed)
        let delay = Int64(random.pick([0, 20, 100, 1000]))
        let disorder = random.pick([0, 30, 300, 1500])
        var id: Int64 = 0
        return try TimedRows.random(
            header, count: count, delay: delay, seed: seed, stride: random.pick([3, 12]),
            disorder: disorder
        ) { random in
            id += 1
            let key: Cell =
                random.chance(0.1)
                ? .null
                : .text(
                    Array("k\(random.int(0...5))-and-some-more".utf8.prefix(random.int(2...3) * 6)))
            return [
                .int(id), key, .int(Int64(random.int(0...2))),
                random.chance(0.1) ? .null : .float(random.pick([0, -0.0, 1, -1, 2.5])),
                .int(Int64(random.int(0...3))),
            ]
        }
    }

    private static func step(_ rows: TimedRows, _ seed: UInt64, keep: DedupStep.Keep) -> DedupStep {
        var random = SplitMix64(seed: seed &* 31)
        let scope: DedupStep.Scope =
            random.chance(0.5)
            ? .bucket(size: random.pick([1, 60, 100]), retain: random.pick([0, 50, 500]))
            : random.pick([
                .window(size: 120, buckets: 12), .window(size: 100, buckets: 1),
                .window(size: 100, buckets: 7), .window(size: 300, buckets: 3),
            ])
        return DedupStep(
            input: rows.schema, key: random.pick([[1], [2], [1, 2], [2, 3], [4], [3]]),
            scope: scope,
            keep: keep, version: random.pick([nil, 2, 3, 4, 1]))
    }

    @Test(arguments: Seeds.list(60), DedupStep.Keep.allCases)
    func agreesWithTheTwinHoweverRowsAreCut(seed: UInt64, keep: DedupStep.Keep) throws {
        let rows = try Self.rows(seed)
        let step = Self.step(rows, seed, keep: keep)
        let twin = DedupTwin(step, rows)
        let note: Comment =
            "\(step.scope) by \(step.key) v \(step.version ?? -1), \(Seeds.note(seed))"
        for cut in Cut.allCases {
            let run = try StepRun(
                step.makeOperator(.test), rows, cut: cut, seed: seed &+ 9)
            #expect(ids(run.rows(.main)) == twin.passed.map { Int64($0 + 1) }, "\(cut) \(note)")
            #expect(ids(run.rows(.late)) == twin.late.map { Int64($0 + 1) }, "\(cut) \(note)")
            #expect(run.isConserved, note)
            #expect(run.counters.received == rows.rows.count, note)
            #expect(run.counters.passed == twin.passed.count, note)
            #expect(run.counters.late == twin.late.count, note)
            #expect(run.counters.duplicate == twin.duplicates, note)
            #expect(run.counters.held == 0, note)
            for row in run.rows(.main) {
                guard case .int(let id) = row[0] else { continue }
                #expect(Array(row.prefix(6)) == Array(rows.rows[Int(id) - 1].prefix(6)), note)
            }
            checkWatermarks(run, rows, keep, note)
        }
    }

    private func ids(_ rows: [[Cell]]) -> [Int64] {
        rows.map { row in
            guard case .int(let id) = row[0] else { return -1 }
            return id
        }
    }

    /// The output's watermark never falls back and never passes a row that is still held; a row
    /// that is released is not late for a bucket that holds its time.
    private func checkWatermarks(
        _ run: StepRun, _ rows: TimedRows, _ keep: DedupStep.Keep, _ note: Comment
    ) {
        guard keep == .last else { return }
        for (one, next) in zip(run.watermarks, run.watermarks.dropFirst()) {
            #expect(one <= next, note)
        }
        for (row, chunk) in zip(run.rows(.main), run.chunkOfMain) {
            guard case .int(let id) = row[0], let index = rows.schema.watermark,
                case .int(let mark) = row[index]
            else { continue }
            let time = rows.time(Int(id) - 1)
            let received = run.chunkOfRow[Int(id) - 1]
            for passed in received..<max(received, chunk) {
                #expect(run.watermarks[passed] <= time, "row \(id), \(note)")
            }
            #expect(mark <= time, "row \(id), \(note)")
        }
    }

    @Test(arguments: Seeds.list(40))
    func keysAreUniqueWithinAnySpanOfTheWindow(seed: UInt64) throws {
        let rows = try Self.rows(seed, count: 400)
        let size: Int64 = 120
        let step = DedupStep(
            input: rows.schema, key: [1], scope: .window(size: size, buckets: 12), keep: .first)
        let run = try StepRun(step.makeOperator(.test), rows, cut: .random, seed: seed)
        var times: [Cell: [Int64]] = [:]
        for row in run.rows(.main) {
            guard case .int(let id) = row[0] else { continue }
            times[row[1], default: []].append(rows.time(Int(id) - 1))
        }
        for (key, times) in times {
            for (one, next) in zip(times.sorted(), times.sorted().dropFirst()) {
                #expect(next - one >= size, "\(key), \(Seeds.note(seed))")
            }
        }
    }

    @Test func stateIsBoundByTime() throws {
        let schema = try BatchText.schema("id:int @event_time @watermark @ordinal")
        var rows = TimedRows(schema, delay: 0)
        for id in 0..<2000 { rows.add([.int(Int64(id))], time: Int64(id)) }
        for scope in [
            DedupStep.Scope.bucket(size: 10, retain: 50), .window(size: 60, buckets: 6),
        ] {
            for keep in DedupStep.Keep.allCases {
                let step = DedupStep(input: schema, key: [0], scope: scope, keep: keep)
                let operation = step.makeOperator(.test)
                let run = try StepRun(operation, rows, cut: .random, seed: 3)
                #expect(run.counters.passed == 2000)
                #expect(operation.keyCount <= 250)
            }
        }
    }

    /// Times at the ends of the range and retention without end must not stop the run.
    @Test(arguments: DedupStep.Keep.allCases)
    func hostileTimesDoNotTrap(keep: DedupStep.Keep) throws {
        let schema = try BatchText.schema("id:int @event_time @watermark @ordinal")
        let times: [Int64] = [0, .min, .min + 1, .min + 59, -1, 5, .max - 1, .max, .max, 7, .min]
        let scopes: [DedupStep.Scope] = [
            .bucket(size: 60, retain: .max), .bucket(size: .max, retain: .max),
            .bucket(size: 60, retain: 0), .window(size: 60, buckets: 12),
            .window(size: .max, buckets: 1), .window(size: .max, buckets: 12),
        ]
        for scope in scopes {
            for delay in [0, 100, Int64.max] {
                var rows = TimedRows(schema, delay: delay)
                for (id, time) in times.enumerated() { rows.add([.int(Int64(id))], time: time) }
                let step = DedupStep(input: schema, key: [0], scope: scope, keep: keep)
                for cut in Cut.allCases {
                    let run = try StepRun(step.makeOperator(.test), rows, cut: cut, seed: 1)
                    #expect(run.counters.received == times.count)
                    #expect(run.counters.passed + run.counters.late == times.count)
                    #expect(run.isConserved)
                    #expect(run.rows(.main).count == run.counters.passed)
                }
            }
        }
    }

    @Test func anEmptyBatchIsNothing() throws {
        let schema = try BatchText.schema("id:int @event_time @watermark @ordinal")
        for keep in DedupStep.Keep.allCases {
            let step = DedupStep(
                input: schema, key: [0], scope: .window(size: 60, buckets: 2), keep: keep)
            let operation = step.makeOperator(.test)
            let run = try StepRun(operation, TimedRows(schema, delay: 0), cut: .whole, seed: 1)
            #expect(run.counters == StepCounters())
            var output = Emitter()
            let batch = Batch(
                columns: schema.fields.map { CellBatches.column([.int(1)], $0.type) },
                selection: Selection(all: 0))
            try operation.process(batch, at: FilterOperatorTests.chunk, into: &output)
            #expect(output.take().isEmpty)
        }
    }
}

extension Operator {
    /// Keys that a dedup remembers.
    fileprivate var keyCount: Int {
        (self as? FirstRowDedup)?.keyCount ?? (self as? LastRowDedup)?.keyCount ?? .max
    }
}
