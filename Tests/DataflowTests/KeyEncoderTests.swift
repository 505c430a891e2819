import Dataflow
import Storage
import TestSupport
import Testing

/// Keys as bytes: back to values, in the order of the values, and the same by every way.
struct KeyEncoderTests {
    typealias Cell = BatchText.Cell

    private struct Case {
        let types: [FieldType]
        let rows: [[Cell]]
        let selected: [Int]

        init(_ random: inout SplitMix64) {
            types = (0..<random.int(1...4)).map { _ in random.pick(FieldType.allCases) }
            let types = types
            rows = (0..<random.int(1...40)).map { _ in
                types.map { CellBatches.edge($0, &random) }
            }
            selected =
                random.chance(0.5)
                ? Array(rows.indices) : rows.indices.filter { _ in random.chance(0.5) }
        }

        var batch: Batch {
            let columns = types.indices.map { index in
                CellBatches.column(rows.map { $0[index] }, types[index])
            }
            let all = selected.count == rows.count
            return Batch(
                columns: columns, selection: all ? Selection(all: rows.count) : Selection(selected))
        }
    }

    private static func key(_ keys: EncodedKeys, _ row: Int) -> [UInt8] {
        let place = word(keys.places, row)
        let start = Int(place >> 32)
        #expect(start % 8 == 0)
        return keys.bytes.array(start..<start + Int(place & 0xffff_ffff))
    }

    private static func word(_ slab: Slab, _ row: Int) -> UInt64 {
        slab.array(row * 8..<row * 8 + 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    @Test(arguments: Seeds.list(150))
    func keysComeBackAsTheValuesTheyWereMadeOf(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let test = Case(&random)
        let batch = test.batch
        let keys = KeyEncoder(columns: Array(test.types.indices)).encode(batch)
        let table = HotTable(valueWidth: 8)
        let entries = Slab(byteCount: max(4, keys.rowCount * 4))
        let made = table.getOrInsert(
            keys, rows: batch.selection.listing, count: batch.count, into: entries)
        let distinct = Set(test.selected.map { test.rows[$0] })
        #expect(made == distinct.count, "\(Seeds.note(seed))")
        let fresh = test.selected.filter { entries.word($0) & HotTable.isNewMark != 0 }
        let columns = KeyDecoder(types: test.types).columns(
            of: fresh.map { entries.word($0) & ~HotTable.isNewMark }, in: table)
        let decoded = BatchText.cells(Batch(columns: columns, count: fresh.count))
        #expect(decoded == fresh.map { test.rows[$0] }, "\(Seeds.note(seed))")
    }

    @Test(arguments: Seeds.list(150))
    func orderOfBytesIsTheOrderOfValues(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let test = Case(&random)
        let keys = KeyEncoder(columns: Array(test.types.indices)).encode(test.batch)
        for a in test.selected {
            for b in test.selected {
                // The key group stands before the values.
                let one = Self.key(keys, a).dropFirst(2)
                let other = Self.key(keys, b).dropFirst(2)
                let order = CellBatches.precedes(test.rows[a], test.rows[b])
                #expect(
                    one.lexicographicallyPrecedes(other) == (order ?? false),
                    "\(test.rows[a]) \(test.rows[b]) \(Seeds.note(seed))")
                #expect((one == other) == (order == nil), "\(Seeds.note(seed))")
            }
        }
    }

    @Test(arguments: Seeds.list(60))
    func keysAndHashesDoNotDependOnTheBatchAroundThem(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let test = Case(&random)
        let batch = test.batch
        let columns = Array(test.types.indices)
        let keys = KeyEncoder(columns: columns).encode(batch)
        let hashes = KeyHash.hashes(of: batch, columns: columns)
        for row in test.selected {
            let alone = Batch(
                columns: columns.map { CellBatches.column([test.rows[row][$0]], test.types[$0]) },
                count: 1)
            let key = KeyEncoder(columns: columns).encode(alone)
            #expect(Self.key(key, 0) == Self.key(keys, row), "\(Seeds.note(seed))")
            #expect(Self.word(key.hashes, 0) == Self.word(keys.hashes, row))
            #expect(Self.word(keys.hashes, row) == UInt64(bitPattern: hashes.int64(at: row)))
            let group = KeyHash.group(of: hashes.int64(at: row))
            #expect(Self.key(keys, row).prefix(2) == [UInt8(group >> 8), UInt8(group & 0xff)])
        }
    }

    @Test func shortStringsHaveTheSameKeysWithAndWithoutNullsAmongThem() {
        let texts = (0...13).map { count in
            Cell.text([UInt8](repeating: 0x61, count: count))
        }
        let short = Array(texts.dropLast())
        let plain = KeyEncoder(columns: [0]).encode(
            Batch(columns: [CellBatches.column(short, .string)], count: short.count))
        for others in [texts, texts + [.null]] {
            let keys = KeyEncoder(columns: [0]).encode(
                Batch(columns: [CellBatches.column(others, .string)], count: others.count))
            for row in short.indices { #expect(Self.key(plain, row) == Self.key(keys, row)) }
        }
    }

    @Test func aKeyOfNoColumnsIsTheSameForAllRowsWhateverHashesTheyCarry() {
        let column = CellBatches.column([.int(1), .int(2), .int(3)], .int)
        var batch = Batch(columns: [column], count: 3)
        batch.keyHashes = KeyHash.hashes(of: batch, columns: [0])
        let keys = KeyEncoder(columns: []).encode(batch)
        let table = HotTable(valueWidth: 0)
        #expect(table.getOrInsert(keys, rows: nil, count: 3, into: Slab(byteCount: 12)) == 1)
    }

    @Test(arguments: Seeds.list(40))
    func membersOfGroupsAreDistinctByGroupAndValue(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let type = random.pick(FieldType.allCases)
        let cells = (0..<50).map { _ in CellBatches.edge(type, &random) }
        let groups = cells.map { _ in UInt32(random.int(0...3)) }
        let marked = groups.map { random.chance(0.5) ? $0 | HotTable.isNewMark : $0 }
        let rows = cells.indices.filter { cells[$0] != .null }
        let keys = KeyEncoder.members(
            of: CellBatches.column(cells, type), rows: Selection(rows),
            groups: Slab(marked.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xff) } }))
        let table = HotTable(valueWidth: 0)
        let entries = Slab(byteCount: 200)
        let made = table.getOrInsert(
            keys, rows: Selection(rows).listing, count: rows.count, into: entries)
        struct Member: Hashable {
            let group: UInt32
            let cell: Cell
        }
        #expect(
            made == Set(rows.map { Member(group: groups[$0], cell: cells[$0]) }).count,
            "\(Seeds.note(seed))")
    }
}

struct RowCodecTests {
    @Test(arguments: Seeds.list(60))
    func rowsComeBack(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let types = (0..<random.int(1...7)).map { _ in random.pick(FieldType.allCases) }
        let rows = (0..<30).map { _ in types.map { CellBatches.edge($0, &random) } }
        let columns = types.indices.map { index in
            CellBatches.column(rows.map { $0[index] }, types[index])
        }
        let codec = RowCodec(types: types)
        let table = HotTable(valueWidth: 0)
        let stored = rows.indices.map { table.store(codec.encode(columns, row: $0), replacing: 0) }
        let picked = rows.indices.filter { _ in random.chance(0.7) }
        let decoded = codec.decode(picked.map { stored[$0] }, in: table)
        #expect(
            BatchText.cells(Batch(columns: decoded, count: picked.count))
                == picked.map { rows[$0] },
            "\(Seeds.note(seed))")
    }
}
