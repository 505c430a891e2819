import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// Rows as typed values, there and back.
struct RowEncoderTests {
    private typealias Cell = BatchText.Cell

    /// What a reader finds, with text as bytes.
    enum Value: Equatable {
        case null
        case integer(Int64)
        case float(UInt64)
        case text([UInt8])
        case json([UInt8])
    }

    private func read(_ parts: [EncodedPart], columns: Int) throws -> [[Value]] {
        var rows: [[Value]] = []
        for part in parts {
            var reader = RowReader(SlabSlice(part.slab, 0..<part.byteCount))
            while !reader.isAtEnd {
                rows.append(
                    try (0..<columns).map { _ in
                        switch try reader.next() {
                        case .null: .null
                        case .integer(let value): .integer(value)
                        case .float(let value): .float(value.bitPattern)
                        case .text(let place): .text(part.slab.array(place))
                        case .json(let place): .json(part.slab.array(place))
                        }
                    })
            }
        }
        #expect(parts.reduce(0) { $0 + $1.rowCount } == rows.count)
        return rows
    }

    private func value(_ cell: Cell, _ type: FieldType) -> Value {
        switch cell {
        case .null: .null
        case .bool(let value): .integer(value ? 1 : 0)
        case .int(let value): .integer(value)
        case .float(let value): .float(value.bitPattern)
        case .text(let bytes): type == .json ? .json(bytes) : .text(bytes)
        }
    }

    @Test(arguments: Seeds.list(30))
    func rowsAreReadAsTheyWere(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let types = (0...random.int(0...8)).map { _ in random.pick(FieldType.allCases) }
        var schema = Schema()
        for (index, type) in types.enumerated() {
            schema.add(Field("f\(index)", type, timestampFormat: .microseconds), leaves: true)
        }
        let count = random.int(0...200)
        let rows = (0..<count).map { _ in types.map { CellBatches.edge($0, &random) } }
        let columns = types.indices.map { index in
            CellBatches.column(rows.map { $0[index] }, types[index])
        }
        let chosen = (0..<count).filter { _ in random.chance(0.7) }
        let batch = Batch(columns: columns, selection: Selection(chosen))
        let order = types.indices.shuffled(using: &random)
        let encoder = try RowEncoder(schema: schema, columns: order, zones: .none)
        let found = try read(encoder.encode(batch), columns: order.count)
        let expected = chosen.map { row in order.map { value(rows[row][$0], types[$0]) } }
        #expect(found == expected, "\(Seeds.note(seed))")
    }

    /// Beyond one slab the next part begins, with whole rows.
    @Test func longRowsGoOnInFurtherParts() throws {
        var schema = Schema()
        schema.add(Field("s", .string), leaves: true)
        let texts = (0..<40).map { Array(repeating: UInt8(ascii: "a"), count: $0 * 1500) }
        let column = CellBatches.column(texts.map { .text($0) }, .string)
        let encoder = try RowEncoder(schema: schema, columns: [0], zones: .none)
        let parts = encoder.encode(Batch(columns: [column], count: texts.count))
        #expect(parts.count > 1)
        #expect(try read(parts, columns: 1) == texts.map { [.text($0)] })
    }

    @Test(
        arguments: [
            (TimestampFormat.seconds, 1_767_226_197_000_000, Value.integer(1_767_226_197)),
            (.seconds, 1_767_226_197_500_000, .float((1_767_226_197.5).bitPattern)),
            (.milliseconds, -1_000, .integer(-1)),
            (.milliseconds, 1_500, .float((1.5).bitPattern)),
            (.microseconds, 7, .integer(7)), (.nanoseconds, 7, .integer(7000)),
            (.nanoseconds, Int64.max, .float((Double(Int64.max) * 1000).bitPattern)),
            (.rfc3339, 1_767_226_197_694_000, .text(Array("2026-01-01T00:09:57.694Z".utf8))),
            (.rfc3339, -1, .text(Array("1969-12-31T23:59:59.999999Z".utf8))),
            (
                .pattern("%d.%m.%Y %H:%M:%S", zone: nil), 1_767_226_197_694_000,
                .text(Array("01.01.2026 00:09:57".utf8))
            ),
        ] as [(TimestampFormat, Int64, Value)])
    func timesLeaveAsInJSON(
        _ format: TimestampFormat, _ time: Int64, _ expected: Value
    ) throws {
        var schema = Schema()
        schema.add(Field("t", .timestamp, timestampFormat: format), leaves: true)
        let encoder = try RowEncoder(schema: schema, columns: [0], zones: .none)
        let column = CellBatches.column([.int(time), .null], .timestamp)
        let parts = encoder.encode(Batch(columns: [column], count: 2))
        #expect(try read(parts, columns: 1) == [[expected], [.null]])
    }

    /// Whatever the bytes, reading them ends, with values or with an error.
    @Test(arguments: Seeds.list(50))
    func damagedRowsAreErrors(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<random.int(0...60)).map { _ in
            random.chance(0.5) ? UInt8(random.int(0...5)) : UInt8(random.int(0...255))
        }
        var reader = RowReader(SlabSlice(Slab(bytes), 0..<bytes.count))
        do throws(ByteReader.Damage) {
            while !reader.isAtEnd {
                let before = reader.position
                switch try reader.next() {
                case .text(let place), .json(let place):
                    #expect(place.upperBound <= bytes.count, "\(Seeds.note(seed))")
                case .null, .integer, .float: break
                }
                #expect(reader.position > before && reader.position <= bytes.count)
            }
        } catch {
            #expect(!error.cause.isEmpty)
        }
    }
}
