import Dataflow
import Storage
import TestSupport
import Testing

@testable import Operators

/// Joins with tables that are built in pieces, against a dictionary.
struct BroadcastJoinStepTests {
    typealias Cell = BatchText.Cell

    private struct Case {
        let tableSchema: Schema
        let key: [Int]
        let types: [FieldType]
        var random: SplitMix64
        let isDense: Bool

        init(_ seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            tableSchema = try BatchText.schema(
                "i:int s:string t:timestamp b:bool f:float j:json v:int")
            isDense = random.chance(0.5)
            key = random.pick([[0], [0], [1], [2], [0, 1], [3, 2], [1, 3, 0], [4]])
            let fields = tableSchema.fields
            types = fields.map(\.type)
        }

        mutating func cell(_ column: Int) -> Cell {
            if random.chance(0.08) { return .null }
            let number = Int64(random.int(0...25))
            switch types[column] {
            case .int:
                if column == 6 { return .int(Int64(random.int(0...1_000_000))) }
                if random.chance(0.05) { return .int(random.pick([.min, .max, -1])) }
                return .int(isDense ? number : number &* 0x1234_5678_9abc_def)
            case .timestamp: return .int(number / 4)
            case .bool: return .bool(number % 2 == 0)
            case .float: return .float(random.pick([0, -0.0, 1, 2.5]))
            case .string:
                return .text(Array("key-\(number)\(number % 2 == 0 ? "-and-a-tail" : "")".utf8))
            case .json: return .text(Array("[\(number)]".utf8))
            }
        }

        mutating func row() -> [Cell] { types.indices.map { cell($0) } }

        /// Rows that may stand between others which are not selected.
        mutating func batch(_ rows: [[Cell]]) -> Batch {
            let isSparse = random.chance(0.5)
            var physical: [[Cell]] = []
            var selected: [Int] = []
            for cells in rows {
                while isSparse && random.chance(0.4) { physical.append(row()) }
                selected.append(physical.count)
                physical.append(cells)
            }
            let columns = types.indices.map { index in
                CellBatches.column(physical.map { $0[index] }, types[index])
            }
            return isSparse
                ? Batch(columns: columns, selection: Selection(selected))
                : Batch(columns: columns, count: rows.count)
        }
    }

    private static func hasNull(_ row: [Cell], _ key: [Int]) -> Bool {
        key.contains { row[$0] == .null }
    }

    @Test(arguments: Seeds.list(120))
    func everyVersionOfTheTableAnswersAsADictionary(seed: UInt64) throws {
        var test = try Case(seed)
        let builder = BroadcastTableBuilder(
            name: "shops", types: [], key: test.key, byteCountMax: 64 << 20)
        var twin: [[Cell]: [Cell]] = [:]
        var nulls = 0
        var rejects = RejectedRows()
        let kind = test.random.pick(BroadcastJoinStep.Kind.allCases)
        let choice = BroadcastJoinStep.Selected(column: 6, name: "value")
        let selected =
            [choice]
            + [5, 1, 4].filter { _ in test.random.chance(0.7) }
            .map { BroadcastJoinStep.Selected(column: $0, name: "new_\($0)") }
        let step = BroadcastJoinStep(
            input: test.tableSchema, table: 0, tableSchema: test.tableSchema, on: test.key,
            kind: kind, selected: selected)
        let operation = step.makeOperator(.test)
        for round in 0..<test.random.int(1...9) {
            // A large load at first, later small changes, sometimes none.
            for _ in 0..<test.random.int(0...3) {
                let rows = (0..<test.random.int(0...(round == 0 ? 60 : 4))).map { _ in test.row() }
                try builder.add(test.batch(rows), rejects: &rejects) { _ in "" }
                for row in rows {
                    if Self.hasNull(row, test.key) {
                        nulls += 1
                    } else {
                        twin[test.key.map { row[$0] }] = row
                    }
                }
            }
            let version = builder.version()
            #expect(version.count == twin.count, "round \(round), \(Seeds.note(seed))")
            #expect(rejects.count == nulls)
            try look(&test, step, operation, version, twin, seed)
        }
    }

    private func look(
        _ test: inout Case, _ step: BroadcastJoinStep, _ operation: any Operator,
        _ version: any TableVersion, _ twin: [[Cell]: [Cell]], _ seed: UInt64
    ) throws {
        let rows = (0..<40).map { _ in test.row() }
        let before = operation.counters
        var output = Emitter()
        let chunk = Chunk(
            number: 0, sequence: 0, source: 0, content: .end, arrival: 0, tables: [version])
        try operation.process(test.batch(rows), at: chunk, into: &output)
        var passed: [[Cell]] = []
        var unmatched: [[Cell]] = []
        for row in rows {
            let found = Self.hasNull(row, step.on) ? nil : twin[step.on.map { row[$0] }]
            if let found {
                passed.append(row + step.selected.map { found[$0.column] })
            } else if step.kind == .left {
                passed.append(row + step.selected.map { _ in .null })
            } else {
                unmatched.append(row)
            }
        }
        let emitted = output.take()
        let main = emitted.filter { $0.port == .main }.flatMap { BatchText.cells($0.batch) }
        let missed = emitted.filter { $0.port == .unmatched }.flatMap { BatchText.cells($0.batch) }
        #expect(main == passed, "\(Seeds.note(seed))")
        #expect(missed == unmatched, "\(Seeds.note(seed))")
        // Whoever takes the result may copy it.
        for (_, batch) in emitted {
            #expect(BatchText.cells(batch.owned()) == BatchText.cells(batch), "\(Seeds.note(seed))")
        }
        let counters = operation.counters
        #expect(counters.isConserved)
        #expect(counters.received - before.received == 40)
        #expect(counters.passed - before.passed == passed.count)
        #expect(counters.unmatched - before.unmatched == unmatched.count)
    }

    @Test func olderVersionsStayAsTheyWere() throws {
        let schema = try BatchText.schema("k:int v:string")
        let builder = BroadcastTableBuilder(
            name: "t", types: [], key: [0], byteCountMax: 1 << 20)
        let step = BroadcastJoinStep(
            input: schema, table: 0, tableSchema: schema, on: [0], kind: .left,
            selected: [BroadcastJoinStep.Selected(column: 1, name: "found")])
        var versions: [any TableVersion] = []
        var rejects = RejectedRows()
        for version in 0..<20 {
            let rows = (0..<(version == 0 ? 50 : 1)).map {
                "\($0 + version) version-\(version)-of-it"
            }
            try builder.add(
                BatchText.batch(rows.joined(separator: "\n"), schema), rejects: &rejects
            ) { _ in "" }
            versions.append(builder.version())
        }
        let operation = step.makeOperator(.test)
        for (number, version) in versions.enumerated() {
            var output = Emitter()
            let chunk = Chunk(
                number: 0, sequence: 0, source: 0, content: .end, arrival: 0, tables: [version])
            try operation.process(
                BatchText.batch("\(number) x\n49 x\n500 x", schema), at: chunk, into: &output)
            let found = output.take().flatMap {
                BatchText.rows($0.batch, step.output, fields: ["found"])
            }
            #expect(
                found == ["version-\(number)-of-it", "version-0-of-it", "null"])
            #expect(version.count == 50)
        }
    }

    @Test func aTableBeyondItsGuardIsRefusedWithAdvice() throws {
        let schema = try BatchText.schema("k:int v:string")
        let builder = BroadcastTableBuilder(
            name: "shops", types: [], key: [0], byteCountMax: 1 << 20)
        var rejects = RejectedRows()
        let value = String(repeating: "x", count: 1000)
        let error = #expect(throws: TableTooLarge.self) {
            for key in 0..<2000 {
                try builder.add(BatchText.batch("\(key) \(value)", schema), rejects: &rejects) {
                    _ in ""
                }
                _ = builder.version()
            }
        }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("'shops'") && message.contains("memory_limit"))
        #expect(!message.contains("1 MiB of 1 MiB"))
    }

    @Test func aLargeTableFromManySmallBatchesDoesNotPassTheGuardBefore() throws {
        let schema = try BatchText.schema("k:int v:string")
        let builder = BroadcastTableBuilder(
            name: "shops", types: [], key: [0], byteCountMax: 1 << 20)
        var rejects = RejectedRows()
        // 3000 rows of some forty bytes, one at a time, before the first version.
        for key in 0..<3000 {
            try builder.add(
                BatchText.batch("\(key) some-text-that-is-long", schema), rejects: &rejects
            ) { _ in "" }
        }
        #expect(builder.version().count == 3000)
    }

    @Test func anEmptyTableMatchesNothing() throws {
        let schema = try BatchText.schema("k:int v:string")
        let builder = BroadcastTableBuilder(
            name: "t", types: [], key: [0], byteCountMax: 1 << 20)
        for kind in BroadcastJoinStep.Kind.allCases {
            let step = BroadcastJoinStep(
                input: schema, table: 0, tableSchema: schema, on: [0], kind: kind,
                selected: [BroadcastJoinStep.Selected(column: 1, name: "v")])
            let operation = step.makeOperator(.test)
            var output = Emitter()
            let chunk = Chunk(
                number: 0, sequence: 0, source: 0, content: .end, arrival: 0,
                tables: [builder.version()])
            try operation.process(BatchText.batch("1 a\nnull b", schema), at: chunk, into: &output)
            let emitted = output.take()
            #expect(emitted.map(\.port) == [kind == .left ? .main : .unmatched])
            #expect(emitted.map(\.batch.count) == [2])
        }
    }
}
