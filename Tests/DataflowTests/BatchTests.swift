import Dataflow
import Storage
import TestSupport
import Testing

/// Merging, gathering and copying of batches, against arrays of rows.
struct BatchTests {
    typealias Cell = BatchText.Cell

    private static let header =
        "s:string i:int f:float b:bool t:timestamp j:json @watermark @ordinal"

    /// Batches whose ordinals ascend, of which some are dense, some sparse, some empty.
    private static func batches(_ seed: UInt64) throws -> (Schema, [Batch]) {
        let schema = try BatchText.schema(header)
        var random = RandomBatches(schema, seed: seed)
        var batches: [Batch] = []
        for _ in 0..<random.random.int(0...6) {
            random.selected = random.random.pick([0, 0.1, 0.7, 1])
            batches.append(random.batch(rows: random.random.int(0...30)))
        }
        return (schema, batches)
    }

    @Test(arguments: Seeds.list(60))
    func partsOfABatchMergeIntoItsOrder(seed: UInt64) throws {
        let schema = try BatchText.schema(Self.header)
        var random = RandomBatches(schema, seed: seed)
        random.selected = 1
        let batch = random.batch(rows: 60)
        let parts = random.random.int(1...5)
        var rows = [[Int]](repeating: [], count: parts)
        var kept: [Int] = []
        for row in 0..<60 where random.random.chance(0.8) {
            rows[random.random.int(0..<parts)].append(row)
            kept.append(row)
        }
        let hashed = random.random.chance(0.5)
        let hashes = KeyHash.hashes(of: batch, columns: [0])
        let pieces = rows.map { rows -> Batch in
            var part = batch.selecting(Selection(rows))
            if hashed { part.keyHashes = hashes }
            return random.random.chance(0.5) ? part.compacted() : part
        }
        let merged = Batch.merged(pieces, inOrderOf: schema)
        let expected = batch.selecting(Selection(kept))
        #expect(BatchText.cells(merged) == BatchText.cells(expected), "\(Seeds.note(seed))")
        if hashed && !kept.isEmpty {
            let merged = try #require(merged.keyHashes)
            #expect(
                (0..<kept.count).map { merged.int64(at: $0) } == kept.map { hashes.int64(at: $0) })
        }
    }

    @Test func nothingMergesToNothing() {
        #expect(Batch.merged([], inOrderOf: Schema()).isEmpty)
        let column = CellBatches.column([.int(1)], .int)
        let empty = Batch(columns: [column], selection: Selection(all: 0))
        #expect(Batch.merged([empty, empty], inOrderOf: Schema()).isEmpty)
        #expect(Batch.concatenated([]).isEmpty)
        #expect(Batch.concatenated([empty, empty]).isEmpty)
    }

    @Test(arguments: Seeds.list(60))
    func compactedAndOwnedRowsAreTheSame(seed: UInt64) throws {
        let (_, batches) = try Self.batches(seed)
        for batch in batches {
            let cells = BatchText.cells(batch)
            let compacted = batch.compacted()
            #expect(BatchText.cells(compacted) == cells, "\(Seeds.note(seed))")
            #expect(compacted.columns.allSatisfy { $0.count == cells.count })
            #expect(BatchText.cells(batch.owned()) == cells, "\(Seeds.note(seed))")
        }
        let all = batches.flatMap { BatchText.cells($0) }
        #expect(BatchText.cells(Batch.concatenated(batches)) == all, "\(Seeds.note(seed))")
    }

    /// Rows that are not selected hold anything; nobody may look at them.
    @Test func rowsBehindTheSelectedOnesAreNotTouched() {
        var builder = ColumnBuilder(.string, capacity: 4)
        var arena = TextArena()
        builder.set(0, to: arena.add("a string that is not inline"))
        builder.set(1, to: StringView(low: 1 << 31, high: 8))
        builder.set(2, to: StringView(low: 1 << 31, high: 8))
        builder.set(3, to: StringView(low: 1 << 31, high: 8))
        builder.keep(arena.slabs)
        let batch = Batch(columns: [builder.finish(count: 4)], selection: Selection(all: 1))
        #expect(BatchText.cells(batch.owned()).count == 1)
        #expect(batch.compacted().columns[0].count == 1)
        #expect(BatchText.cells(Batch.concatenated([batch, batch])).count == 2)
    }

    @Test func ownedTextOutlivesWhatItWasCopiedFrom() {
        var owned: Batch?
        do {
            let texts = (0..<50).map { Cell.text(Array("a string of some length, no. \($0)".utf8)) }
            owned = Batch(columns: [CellBatches.column(texts, .string)], count: 50).owned()
        }
        for _ in 0..<20 { Slab(byteCount: 16 << 10).fill(0x78, count: 16 << 10) }
        let cells = owned.map { BatchText.cells($0) } ?? []
        #expect(cells.count == 50)
        for (row, cell) in cells.enumerated() {
            #expect(cell == [.text(Array("a string of some length, no. \(row)".utf8))])
        }
    }
}
