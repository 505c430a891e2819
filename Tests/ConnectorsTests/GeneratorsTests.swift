import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

/// The text of rows, as a string.
func generated(_ options: GeneratorOptions, rows: Range<Int>? = nil) throws -> String {
    text(of: try RecordGenerator(options), rows: rows)
}

func text(of generator: RecordGenerator, rows: Range<Int>? = nil) -> String {
    var text = GeneratedText(byteCount: 0)
    generator.write(rows: rows ?? 0..<generator.rowCount, into: &text)
    return string(text)
}

private func string(_ text: borrowing GeneratedText) -> String {
    let bytes = text.slab.bytes(0..<text.byteCount)
    return unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
}

private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

/// FNV-1a, to hold generated data against what it was.
private func checksum(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

struct RecordGeneratorTests {
    private func options(_ kind: GeneratorOptions.Kind, rows: Int) -> GeneratorOptions {
        var options = GeneratorOptions(kind)
        options.rows = rows
        options.keys = 1000
        return options
    }

    @Test func firstRowsAreWhatTheyWere() throws {
        #expect(
            try generated(options(.orders, rows: 20_000), rows: 0..<1) == """
                {"order_id":"o-1000000001","user_id":"u-23","region":"Montréal","shop_id":12025,\
                "amount":150.15,\
                "ts":1767226197729,"status":"paid","note":"0dxwfm2qiiq0l6r kjbap osfjkv898xz q9t1oda0 pg"}

                """)
        #expect(
            try generated(options(.shops, rows: 1)) == """
                {"shop_id":1,"name":"shop ifigfd 1","category":"beauty","city":"Prague",\
                "vip":false}

                """)
        #expect(
            try generated(options(.sensors, rows: 20_000), rows: 0..<1) == """
                {"sensor_id":"s-44","site":"site-4","ts":1767226198887,"temperature":-4.16,\
                "humidity":38.7,"status":"ok"}

                """)
    }

    @Test(arguments: [
        (GeneratorOptions.Kind.orders, 0xc20b2243268f3cde as UInt64), (.shops, 0xa80b1224e6b0c477),
        (.sensors, 0xc7e88f9606cd84c6),
    ])
    func bytesAreTheSameEverywhere(kind: GeneratorOptions.Kind, sum: UInt64) throws {
        #expect(checksum(try generated(options(kind, rows: 5000))) == sum)
    }

    @Test(arguments: GeneratorOptions.Kind.allCases)
    func anyPieceIsTheSameAsInTheWhole(_ kind: GeneratorOptions.Kind) throws {
        let generator = try RecordGenerator(options(kind, rows: 2000))
        let whole = lines(text(of: generator))
        #expect(whole.count == 2000)
        var random = SplitMix64(seed: Seeds.base)
        for _ in 0..<20 {
            let start = random.int(0..<2000)
            let rows = start..<random.int(start...min(start + 100, 2000))
            #expect(lines(text(of: generator, rows: rows)) == Array(whole[rows]))
        }
    }

    @Test(arguments: GeneratorOptions.Kind.allCases)
    func anotherSeedGivesOtherRows(_ kind: GeneratorOptions.Kind) throws {
        var options = options(kind, rows: 50)
        let first = lines(try generated(options))
        options.seed = 2
        let second = lines(try generated(options))
        #expect(zip(first, second).allSatisfy { $0 != $1 })
    }

    @Test func ordersHaveTheirFields() throws {
        var options = options(.orders, rows: 500)
        options.timeEncoding = .both
        for value in try JSONValue.lines(try generated(options)) {
            #expect(
                value.members?.map(\.name) == [
                    "order_id", "user_id", "region", "shop_id", "amount", "ts", "event_time",
                    "status", "note",
                ])
            #expect((1...20_000).contains(try #require(value["shop_id"]?.int)))
            #expect((1...5000).contains(try #require(value["amount"]?.double)))
            #expect((25...50).contains(try #require(value["note"]?.text).unicodeScalars.count))
            let milliseconds = try #require(value["ts"]?.int)
            #expect(value["event_time"]?.text == rfc3339(Int(milliseconds)))
        }
    }

    @Test func shopsHaveTheirFields() throws {
        let shops = try JSONValue.lines(try generated(options(.shops, rows: 300)))
        for (row, value) in shops.enumerated() {
            #expect(
                value.members?.map(\.name) == ["shop_id", "name", "category", "city", "vip"])
            #expect(value["shop_id"]?.int == Int64(row + 1))
        }
        let vips = shops.filter { $0["vip"]?.bool == true }.count
        #expect((10...60).contains(vips))
    }

    @Test func sensorsHaveTheirFields() throws {
        for value in try JSONValue.lines(try generated(options(.sensors, rows: 500))) {
            #expect(
                value.members?.map(\.name) == [
                    "sensor_id", "site", "ts", "temperature", "humidity", "status",
                ])
            #expect((-20...50).contains(try #require(value["temperature"]?.double)))
            #expect((20...90).contains(try #require(value["humidity"]?.double)))
        }
    }

    /// A timestamp as text, by counting years and months one by one.
    private func rfc3339(_ milliseconds: Int) -> String {
        func padded(_ number: Int, _ count: Int) -> String {
            String(repeating: "0", count: count - "\(number)".count) + "\(number)"
        }
        var (year, month, day) = (1970, 1, milliseconds / 86_400_000)
        func isLeap() -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        while day >= (isLeap() ? 366 : 365) {
            day -= isLeap() ? 366 : 365
            year += 1
        }
        for length in [31, isLeap() ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if day < length { break }
            day -= length
            month += 1
        }
        day += 1
        let rest = milliseconds % 86_400_000
        let time = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + time.joined(separator: ":") + ".\(padded(rest % 1000, 3))Z"
    }

    @Test(arguments: [172_800_000, 951_782_400_000, 4_102_444_800_000, 253_300_000_000_000])
    func everyYearIsWrittenRightly(start: Int64) throws {
        var options = options(.orders, rows: 2)
        options.start = min(start * 1000 + 700_000_000, 247_000_000_000_000_000)
        options.timeEncoding = .both
        for value in try JSONValue.lines(try generated(options)) {
            let milliseconds = try #require(value["ts"]?.int)
            #expect(value["event_time"]?.text == rfc3339(Int(milliseconds)))
        }
    }
}

struct GenerateSourceTests {
    @Test(arguments: [1, 200, 1000, 4096, 100_000])
    func chunksAreWholeRecordsWithinTheSizeAskedFor(byteCount: Int) throws {
        var options = GeneratorOptions(.orders)
        options.keys = 10
        options.rows = 300
        let source = GenerateSource(try RecordGenerator(options))
        #expect(source.isBounded)
        var all = ""
        while case .chunk(let chunk) = source.read(byteCount: byteCount, waitMilliseconds: 0) {
            let text = unsafe chunk.slab.bytes(chunk.range).withUnsafeBytes {
                unsafe String(decoding: $0, as: UTF8.self)
            }
            #expect(text.hasSuffix("\n"))
            let records = text.split(separator: "\n").count
            #expect(records == 1 || chunk.range.count <= byteCount)
            #expect(chunk.place.offset == all.utf8.count)
            all += text
        }
        #expect(all == (try generated(options)))
        guard case .end = source.read(byteCount: byteCount, waitMilliseconds: 0) else {
            Issue.record("the end comes again and again")
            return
        }
    }

    @Test func sourceWithoutRowsHasNoEnd() throws {
        let generator = try RecordGenerator(GeneratorOptions(.sensors))
        #expect(!GenerateSource(generator).isBounded)
        #expect(generator.rowCount > 1 << 45)
        var text = GeneratedText(byteCount: 1000)
        generator.write(rows: generator.rowCount - 3..<generator.rowCount, into: &text)
        let last = try JSONValue.lines(string(text)).last
        #expect(try #require(last?["ts"]?.int) < 253_402_300_800_000)
    }

    @Test func sourceWithoutRowsIsEmptyIfSaid() throws {
        var options = GeneratorOptions(.orders)
        options.keys = 10
        options.rows = 0
        let source = GenerateSource(try RecordGenerator(options))
        guard case .end = source.read(byteCount: 1000, waitMilliseconds: 0) else {
            Issue.record("nothing is there")
            return
        }
    }
}
