import Dataflow
import Operators
import TestSupport
import Testing

/// Windows with all aggregates, against the twin, however the rows are cut.
struct WindowStepTests {
    typealias Cell = BatchText.Cell

    private static func rows(
        _ seed: UInt64, count: Int = 200, extremes: Bool
    ) throws -> TimedRows {
        var random = SplitMix64(seed: seed)
        let delay = Int64(random.pick([0, 20, 100, 1000]))
        let disorder = random.pick([0, 30, 300])
        var id: Int64 = 0
        return try TimedRows.random(
            WindowTwin.header, count: count, delay: delay, seed: seed, stride: random.pick([2, 9]),
            disorder: disorder
        ) { random in
            id += 1
            func maybe(_ cell: Cell) -> Cell { random.chance(0.1) ? .null : cell }
            var number = Int64(random.int(1...6))
            if extremes && random.chance(0.1) { number = random.pick([.min, .max, 0, .max - 1]) }
            let word = "w\(random.int(0...4))"
            let text =
                random.chance(0.3) ? word + String(repeating: "x", count: random.int(0...90)) : word
            return [
                .int(id), maybe(.int(number)), maybe(.float(Double(random.int(-40...40)) / 4)),
                maybe(.text(Array((random.chance(0.1) ? "" : text).utf8))),
                maybe(.bool(random.chance(0.5))), maybe(.int(Int64(random.int(0...9)))),
                maybe(.text(Array("[\(random.int(0...3)),\"\(word)\"]".utf8))),
            ]
        }
    }

    private static func step(
        _ rows: TimedRows, by: [Int], size: Int64, offset: Int64,
        _ aggregates: [WindowTwin.Aggregate]
    ) throws -> WindowStep {
        var checked: [Aggregate] = []
        for (index, aggregate) in aggregates.enumerated() {
            let call = try AggregateCall.parse(aggregate.text).get()
            checked.append(
                Aggregate(
                    name: "a\(index)", function: call.function,
                    argument: try call.argument?.checked(against: rows.schema).get(),
                    filter: try call.filter?.checked(against: rows.schema).get()))
        }
        return WindowStep(
            input: rows.schema, by: by, size: size, offset: offset, aggregates: checked,
            format: .milliseconds)
    }

    private static let groups: [[Int]] = [
        [], [1], [2], [3], [4], [5], [6], [3, 4], [4, 3], [1, 3, 2, 5, 4], [0],
    ]

    @Test(arguments: Seeds.list(80))
    func agreesWithTheTwinHoweverRowsAreCut(seed: UInt64) throws {
        var random = SplitMix64(seed: seed &* 17)
        let extremes = random.chance(0.5)
        let rows = try Self.rows(seed, extremes: extremes)
        let aggregates = (0..<random.int(1...9)).map { _ in
            random.pick(WindowTwin.all.filter { extremes || !$0.text.contains("/ i") })
        }
        let by = random.pick(Self.groups)
        let size = random.pick([1, 60, 250] as [Int64])
        let offset = random.pick([0, 0, size / 3])
        let note: Comment =
            "\(aggregates.map(\.text)) by \(by) size \(size), \(Seeds.note(seed))"
        let twin = WindowTwin(rows, by: by, size: size, offset: offset, aggregates: aggregates)
        let step = try Self.step(rows, by: by, size: size, offset: offset, aggregates)
        let engine = [step.output.eventTime, step.output.watermark, step.output.ordinal]
        var first: [[Cell]]?
        for cut in Cut.allCases {
            let run = try StepRun(step.makeOperator(.test), rows, cut: cut, seed: seed &+ 5)
            let results = run.rows(.main, less: engine)
            var counted: [[Cell]: Int] = [:]
            for row in results { counted[row, default: 0] += 1 }
            #expect(counted == twin.results, "\(cut) \(note)")
            if let first { #expect(results == first, "\(cut) \(note)") }
            first = first ?? results
            #expect(run.rows(.late).map { $0[0] } == twin.late.map { rows.rows[$0][0] }, note)
            #expect(
                run.rows(.errors).count == twin.errors.count + twin.failedGroups, "\(cut) \(note)")
            #expect(run.isConserved, note)
            #expect(run.counters.received == rows.rows.count, note)
            #expect(run.counters.absorbed == twin.absorbed, note)
            #expect(run.counters.late == twin.late.count, note)
            #expect(run.counters.errors == twin.errors.count, note)
            #expect(run.counters.emitted == results.count, note)
            checkTimes(run, step, rows, note)
        }
    }

    /// A result's time is one microsecond before its window's end, and its watermark no later; it
    /// leaves when the input's watermark reaches the end, and the output's never passes it.
    private func checkTimes(
        _ run: StepRun, _ step: WindowStep, _ rows: TimedRows, _ note: Comment
    ) {
        guard let time = step.output.eventTime, let mark = step.output.watermark else { return }
        var last = Int64.min
        for (row, chunk) in zip(run.rows(.main), run.chunkOfMain) {
            guard case .int(let start) = row[0], case .int(let end) = row[1],
                case .int(let moment) = row[time], case .int(let before) = row[mark]
            else {
                Issue.record("a result without times, \(note)")
                return
            }
            #expect(start >= last, note)
            last = start
            #expect(moment == end - 1 && before <= moment, note)
            if chunk > 0 { #expect(run.watermarks[chunk - 1] <= moment, note) }
            if chunk < run.watermarks.count { #expect(run.watermarks[chunk] >= end, note) }
        }
    }

    @Test(arguments: Seeds.list(30))
    func resultsOfAWindowAreInTheOrderOfTheirKeys(seed: UInt64) throws {
        let rows = try Self.rows(seed, extremes: true)
        let step = try Self.step(rows, by: [3, 1], size: 100, offset: 0, [WindowTwin.all[0]])
        let run = try StepRun(step.makeOperator(.test), rows, cut: .random, seed: seed)
        var last: (start: Int64, key: [Cell])?
        for row in run.rows(.main) {
            guard case .int(let start) = row[0] else { continue }
            let key = Array(row[2...3])
            if let last, last.start == start {
                #expect(CellBatches.precedes(last.key, key) == true, "\(Seeds.note(seed))")
            }
            last = (start, key)
        }
    }

    @Test func aRowThatFailsInSeveralAggregatesIsOneErrorRow() throws {
        let schema = try BatchText.schema(WindowTwin.header + " @event_time @watermark @ordinal")
        var rows = TimedRows(schema, delay: 0)
        rows.add([.int(1), .int(0), .null, .null, .null, .null, .null], time: 5)
        rows.add([.int(2), .int(1), .null, .null, .null, .null, .null], time: 6)
        var aggregates: [WindowTwin.Aggregate] = []
        for text in [
            "sum(10 / i)", "avg(10 / i)", "count() FILTER (WHERE 10 / i > 1)", "max(1 / i)",
        ] {
            aggregates.append(
                WindowTwin.Aggregate(text: text, value: { $0[0] }, result: { _ in .null }))
        }
        let step = try Self.step(rows, by: [], size: 100, offset: 0, aggregates)
        let run = try StepRun(step.makeOperator(.test), rows, cut: .whole, seed: 1)
        #expect(run.rows(.errors).count == 1)
        #expect(run.counters.errors == 1)
        #expect(run.counters.absorbed == 1)
        #expect(run.isConserved)
        #expect(
            run.rows(.main).map { Array($0[2...5]) } == [[.int(10), .float(10), .int(1), .int(1)]])
    }

    @Test func aGroupWhoseAggregatesDoNotFitIsOneErrorRow() throws {
        let schema = try BatchText.schema(WindowTwin.header + " @event_time @watermark @ordinal")
        var rows = TimedRows(schema, delay: 0)
        for value in [Int64.max, 1] {
            rows.add([.int(1), .int(value), .float(1.7e308), .null, .null, .null, .null], time: 5)
        }
        rows.add([.int(1), .int(3), .float(2), .null, .bool(true), .null, .null], time: 5)
        let aggregates = ["sum(i)", "sum(i + 0)", "sum(f)"].map { text in
            WindowTwin.Aggregate(text: text, value: { $0[0] }, result: { _ in .null })
        }
        let step = try Self.step(rows, by: [4], size: 100, offset: 0, aggregates)
        let run = try StepRun(step.makeOperator(.test), rows, cut: .whole, seed: 1)
        #expect(run.rows(.errors).count == 1)
        #expect(
            run.rows(.errors).first?[3] == .text(Array("window_start=0 window_end=100 b=null".utf8))
        )
        #expect(run.rows(.main).count == 1)
        #expect(run.counters.emitted == 1)
        #expect(run.isConserved)
    }

    /// A window without groups behind an exchange by another key has one group all the same.
    @Test func hashesOfAnotherKeyDoNotSplitTheOnlyGroup() throws {
        let schema = try BatchText.schema(WindowTwin.header + " @event_time @watermark @ordinal")
        let rows = TimedRows(schema, delay: 0)
        let step = try Self.step(rows, by: [], size: 100, offset: 0, [WindowTwin.all[0]])
        let operation = step.makeOperator(.test)
        var batch = Batch(
            columns: schema.fields.map { field in
                CellBatches.column(
                    (0..<5).map {
                        field.type.isText
                            ? .null
                            : field.type == .bool
                                ? .bool(true) : field.type == .float ? .float(1) : .int($0)
                    }, field.type)
            }, count: 5)
        batch.keyHashes = KeyHash.hashes(of: batch, columns: [0])
        var output = Emitter()
        try operation.process(batch, at: FilterOperatorTests.chunk, into: &output)
        try operation.finish(at: FilterOperatorTests.chunk, into: &output)
        #expect(output.take().map(\.batch.count) == [1])
    }

    /// Times at the ends of the range must not stop the run, nor lose a row.
    @Test(arguments: [1, 60, Int64.max / 2, Int64.max])
    func hostileTimesDoNotTrap(size: Int64) throws {
        let schema = try BatchText.schema(WindowTwin.header + " @event_time @watermark @ordinal")
        let times: [Int64] = [0, .min, .min + 1, .min + 59, -1, 5, .max - 1, .max, .max, 7, .min]
        for offset in [0, size / 3] {
            for delay in [0, 100, Int64.max] {
                var rows = TimedRows(schema, delay: delay)
                for time in times {
                    rows.add([.int(1), .int(2), .null, .null, .null, .null, .null], time: time)
                }
                let step = try Self.step(
                    rows, by: [0], size: size, offset: offset,
                    [WindowTwin.all[0], WindowTwin.all[3]])
                for cut in Cut.allCases {
                    let run = try StepRun(step.makeOperator(.test), rows, cut: cut, seed: 1)
                    #expect(run.isConserved)
                    #expect(run.counters.absorbed + run.counters.late == times.count)
                    var counted: Int64 = 0
                    for row in run.rows(.main) {
                        if case .int(let count) = row[3] { counted += count }
                        guard case .int(let start) = row[0], case .int(let end) = row[1] else {
                            continue
                        }
                        #expect(start <= end)
                    }
                    #expect(counted == Int64(run.counters.absorbed))
                }
            }
        }
    }

    @Test func closedWindowsTakeNoMemory() throws {
        let schema = try BatchText.schema(WindowTwin.header + " @event_time @watermark @ordinal")
        var rows = TimedRows(schema, delay: 0)
        for id in 0..<1000 {
            rows.add(
                [.int(Int64(id)), .int(2), .null, .null, .null, .null, .null], time: Int64(id))
        }
        let step = try Self.step(rows, by: [0], size: 10, offset: 0, [WindowTwin.all[0]])
        let operation = step.makeOperator(.test)
        let run = try StepRun(operation, rows, cut: .single, seed: 1)
        #expect(run.rows(.main).count == 1000)
        #expect(run.chunkOfMain.enumerated().allSatisfy { $1 - $0 <= 11 })
    }
}
