import Connectors
import Dataflow
import TestSupport
import Testing

struct PathTemplateTests {
    private var schema: Schema {
        var schema = Schema()
        schema.add(Field("region", .string), leaves: true)
        schema.add(Field("shop", .int), leaves: true)
        schema.add(Field("paid", .bool), leaves: true)
        schema.add(Field("amount", .float), leaves: true)
        schema.add(.eventTime)
        return schema
    }

    private func batch(_ rows: [(region: String?, shop: Int64, paid: Bool, time: Int64)]) -> Batch {
        var arena = TextArena()
        var region = ColumnBuilder(.string, capacity: rows.count)
        var shop = ColumnBuilder(.int, capacity: rows.count)
        var paid = ColumnBuilder(.bool, capacity: rows.count)
        var amount = ColumnBuilder(.float, capacity: rows.count)
        var time = ColumnBuilder(.timestamp, capacity: rows.count)
        for (row, values) in rows.enumerated() {
            if let text = values.region {
                region.set(row, to: arena.add(text))
            } else {
                region.setNull(row)
            }
            var shops = shop.int64s
            shops[row] = values.shop
            var bools = paid.bools
            bools[row] = values.paid ? 1 : 0
            var doubles = amount.doubles
            doubles[row] = 0
            var times = time.int64s
            times[row] = values.time
        }
        region.keep(arena.slabs)
        let count = rows.count
        return Batch(
            columns: [
                region.finish(count: count), shop.finish(count: count), paid.finish(count: count),
                amount.finish(count: count), time.finish(count: count),
            ], count: count)
    }

    private func expander(_ text: String) throws -> PathExpander {
        try PathExpander(try PathTemplate(text), schema: schema)
    }

    /// 2024-02-29T13:07:59Z.
    private let time: Int64 = 1_709_212_079_000_000

    @Test func timesAndFieldsAreFilledIn() throws {
        let batch = batch([("north", -5, true, time)])
        let text = "out/{{x}}/{date}T{hour}:{minute}/{year}{month}{day}-{region}-{shop}-{paid}.x"
        #expect(
            try expander(text).path(of: 0, in: batch)
                == "out/{x}/2024-02-29T13:07/20240229-north--5-true.x")
    }

    @Test(arguments: [
        ("a/b", "a%2Fb"), ("..", "%2E."), (".", "%2E"), ("", "_empty"), ("_null", "%5Fnull"),
        ("50%", "50%25"), ("a\\b\n\0", "a%5Cb%0A%00"), ("...", "..."), ("größe", "größe"),
    ])
    func valuesAreMadeSafe(value: String, expected: String) throws {
        let batch = batch([(value, 0, false, 0)])
        #expect(try expander("{region}").path(of: 0, in: batch) == expected)
    }

    @Test func nullsAndLongValuesHaveNames() throws {
        let long = String(repeating: "ä", count: 4000)
        let batch = batch([(nil, 0, false, 0), (long, 0, false, 0), (long + "b", 0, false, 0)])
        let expander = try expander("{region}")
        #expect(expander.path(of: 0, in: batch) == "_null")
        let paths = [expander.path(of: 1, in: batch), expander.path(of: 2, in: batch)]
        #expect(paths.allSatisfy { $0.utf8.count <= 100 && $0.hasPrefix("ää") })
        #expect(paths[0] != paths[1])
    }

    @Test func timesBefore1970AndFarAwayAreRight() throws {
        let expander = try expander("{date} {hour}:{minute}")
        let batch = batch([
            ("", 0, false, -1), ("", 0, false, -62_135_596_800_000_000),
            ("", 0, false, 253_402_300_799_000_000), ("", 0, false, 951_782_400_000_000),
        ])
        #expect(
            (0..<4).map { expander.path(of: $0, in: batch) } == [
                "1969-12-31 23:59", "0001-01-01 00:00", "9999-12-31 23:59", "2000-02-29 00:00",
            ])
    }

    @Test func rowsAreSplitAsTheirSinglePathsSay() throws {
        for seed in UInt64(0)..<200 {
            var random = SplitMix64(seed: seed)
            let regions = [nil, "", "north", "a region with a long name", "a region with another"]
            let batch = batch(
                (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    (
                        regions.randomElement(using: &random) ?? nil,
                        Int64.random(in: 0..<2, using: &random), Bool.random(using: &random),
                        time + Int64.random(in: -2...2, using: &random) * 1_800_000_000
                    )
                })
            let all = (0..<batch.columns[0].count).filter { _ in Bool.random(using: &random) }
            let selected = seed % 3 == 0 ? batch : batch.selecting(Selection(all))
            let template = [
                "{region}", "{hour}", "x{region}-{shop}-{paid}-{date}{minute}", "fixed",
            ]
            let expander = try expander(template.randomElement(using: &random) ?? "")
            var expected: [(path: String, rows: [Int])] = []
            selected.selection.forEach { row in
                let path = expander.path(of: row, in: batch)
                if let index = expected.firstIndex(where: { $0.path == path }) {
                    expected[index].rows.append(row)
                } else {
                    expected.append((path, [row]))
                }
            }
            let got = expander.split(selected)
            #expect(got.map(\.path) == expected.map(\.path), "seed \(seed)")
            let rows = got.map { group in (0..<group.rows.count).map { group.rows[$0] } }
            #expect(rows == expected.map(\.rows), "seed \(seed)")
        }
    }

    @Test(arguments: [
        ("", 0, "the path is empty"), ("a{b", 1, "a { without its }; write {{ for a brace"),
        ("a}b", 1, "a } without its {; write }} for a brace"), ("a{}", 1, "{} names no field"),
    ])
    func mistakesAreSaidWithTheirPlace(text: String, offset: Int, message: String) {
        let error = #expect(throws: PathTemplateError.self) { try PathTemplate(text) }
        #expect(error?.description == "at \(offset): \(message)")
    }

    @Test func fieldsThatCannotBeInAPathAreAllSaid() throws {
        var timeless = Schema()
        timeless.add(Field("amount", .float), leaves: true)
        let template = try PathTemplate("é{date}/{amount}/{nme}")
        #expect(
            template.problems(for: timeless).map(\.description) == [
                "at 2: {date} needs an event time, and these rows have none",
                "at 9: amount is of type float; a path takes string, int and bool",
                "at 18: there is no field nme, and times are date, year, month, day, hour, minute",
            ])
        #expect(template.fieldNames == ["amount", "nme"])
        #expect(template.literal == nil)
        #expect(try PathTemplate("out/{{a}}.x").literal == "out/{a}.x")
    }
}
