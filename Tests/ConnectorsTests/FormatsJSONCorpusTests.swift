import Dataflow
import Glibc
import Storage
import TestSupport
import Testing

@testable import Connectors

/// Files that say what a reader of JSON must accept and refuse, and large ones from the world.
@Suite struct JSONCorpusTests {
    private static let folder = "\(FormatsFiles.data)/json-large"
    private static let hasFolder = FormatsFiles.read("\(folder)/jsonchecker/pass01.json") != nil
    private static let events = "\(FormatsFiles.data)/github-events/gharchive_2021-07-21.ndjson.gz"
    private static let hasEvents = FormatsFiles.read(events) != nil

    /// A value as the field of a record on a line of its own.
    private static func record(_ value: [UInt8]) -> [UInt8] {
        // Line feeds between tokens would end the record; inside strings none may stand.
        Array("{\"before\":1,\"v\":".utf8) + value.map { $0 == 0x0a ? 0x20 : $0 }
            + Array(",\"after\":[]}\n".utf8)
    }

    /// The value as the decoder gives it, or nil where the record is refused.
    private static func read(_ value: [UInt8]) throws -> String? {
        let fields = [JSONHarness.Field("v", .json), .init("before", .int)]
        let text = record(value)
        let output = JSONHarness.decode(text, try JSONHarness.decoder(fields))
        #expect(output.rows.count + output.raws.count == 1)
        // The same behind a record of the same shape.
        let usual = record(Array("0".utf8))
        let behind = JSONHarness.decode(usual + text, try JSONHarness.decoder(fields))
        #expect(Array(behind.rows.dropFirst()) == output.rows)
        return output.rows.first.map { $0[0] ?? "null" }
    }

    @Test(
        .enabled(if: hasFolder, "no jsonchecker in \(folder); WEIR_DATA names the folder above it"),
        arguments: 1...33)
    func filesThatMustFailAreRefused(_ number: Int) throws {
        let name = (number < 10 ? "fail0" : "fail") + "\(number)"
        guard let file = FormatsFiles.read("\(Self.folder)/jsonchecker/\(name).json") else {
            // 1 holds a string at the top, which RFC 8259 allows, and 18 an array twenty deep.
            #expect(number == 1 || number == 18)
            return
        }
        // These line feeds and tabs stand inside strings, where no spaces replace them.
        if number == 27 || number == 26 || number == 25 {
            let lines = file.split(separator: 0x0a).map { Array($0) }
            let fields = [JSONHarness.Field("v", .json)]
            let text = Array("{\"v\":".utf8) + lines.joined(separator: [0x0a]) + Array("}".utf8)
            #expect(JSONHarness.decode(text, try JSONHarness.decoder(fields)).rows == [])
            return
        }
        #expect(try Self.read(file) == nil, "\(name)")
    }

    @Test(
        .enabled(if: hasFolder, "no jsonchecker in \(folder)"),
        arguments: ["pass01", "pass02", "pass03"])
    func filesThatMustPassAreRead(_ name: String) throws {
        let file = try #require(FormatsFiles.read("\(Self.folder)/jsonchecker/\(name).json"))
        #expect(try Self.read(file) == "\(try JSONValue(bytes: file))")
    }

    @Test(.enabled(if: hasFolder, "no roundtrip in \(folder)"), arguments: 1...27)
    func valuesComeBackAsTheyWere(_ number: Int) throws {
        let name = (number < 10 ? "roundtrip0" : "roundtrip") + "\(number)"
        let file = try #require(FormatsFiles.read("\(Self.folder)/roundtrip/\(name).json"))
        let value = try JSONValue(bytes: file)
        let read = try Self.read(file)
        #expect(read == "\(value)", "\(name)")
        // Each element as a value of its type, written and read again.
        for element in value.elements ?? [] {
            let field: JSONHarness.Field
            switch element {
            case .bool: field = .init("v", .bool)
            case .string: field = .init("v", .string)
            case .number: field = element.int == nil ? .init("v", .float) : .init("v", .int)
            default: continue
            }
            let text = Array("{\"v\":\(element)}\n".utf8)
            let slab = Slab(text)
            let decoder = try JSONHarness.decoder([field])
            decoder.begin(JSONHarness.chunk(text, 0..<text.count, in: slab))
            var rejects = RejectedRows()
            let batch = try #require(decoder.next(rowsMax: 1, rejects: &rejects))
            let encoder = try JSONEncoder(
                schema: JSONHarness.schema([field], record: false), zones: .none)
            let parts = encoder.encode(batch)
            let written = parts.flatMap { $0.slab.array(0..<$0.byteCount) }
            #expect(try JSONValue(bytes: written).normalized == JSONValue(bytes: text).normalized)
        }
    }

    @Test(
        .enabled(if: hasFolder, "no large files in \(folder)"),
        arguments: ["twitter", "citm_catalog", "canada"])
    func largeFilesAreSingleRecords(_ name: String) throws {
        let file = try #require(Self.unzipped("\(Self.folder)/\(name).json.gz"))
        let line = file.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }
        let schema = JSONHarness.schema([JSONHarness.Field("none", .int)], record: true)
        let decoder = try JSONHarness.decoder([JSONHarness.Field("none", .int)], record: true)
        let text = line + [0x0a]
        let slab = Slab(text)
        decoder.begin(JSONHarness.chunk(text, 0..<text.count, in: slab))
        var rejects = RejectedRows()
        let batch = try #require(decoder.next(rowsMax: 10, rejects: &rejects))
        #expect(batch.count == 1 && rejects.isEmpty)
        var open = schema
        open.setOutput([], hidden: ["no such member"])
        for (wanted, schema) in [(line, schema.untouched), (line, open)] {
            let parts = try JSONEncoder(schema: schema, zones: .none).encode(batch)
            let written = parts.flatMap { $0.slab.array(0..<$0.byteCount) }
            let kept = written.filter { $0 > 0x20 }
            #expect(kept == wanted.filter { $0 > 0x20 })
        }
        // Every cut of it is refused.
        var random = SplitMix64(seed: 5)
        for _ in 0..<20 {
            let end = random.int(1..<file.count / 20)
            let output = JSONHarness.decode(
                Array(line[..<end]), try JSONHarness.decoder([JSONHarness.Field("a", .int)]))
            #expect(output.rows.isEmpty)
        }
    }

    @Test(.enabled(if: hasEvents, "no \(events)"))
    func nestedFieldsOfEventsAreFound() throws {
        let file = try #require(Self.unzipped(Self.events))
        let fields: [JSONHarness.Field] = [
            .init("id", .string), .init("type", .string), .init("actor.id", .int),
            .init("actor.login", .string), .init("repo.name", .string), .init("org.login", .string),
            .init("public", .bool), .init("created_at", .timestamp), .init("payload.size", .int),
            .init("payload.pull_request.user.login", .string), .init("payload.commits", .json),
            .init("payload.pull_request.head.repo.owner.id", .int), .init("nothing.at.all", .float),
        ]
        let expected = try JSONHarness.expected(file, fields)
        #expect(expected.rows.count == 800)
        let output = JSONHarness.decode(file, try JSONHarness.decoder(fields), rowsMax: 64)
        #expect(output.rows == expected.rows)
        #expect(output.raws == [])
        #expect(Set(output.rows.map { $0[9] == nil }) == [true, false])
    }

    /// What the files unzip to, by the system's own tool.
    private static func unzipped(_ path: String) -> [UInt8]? {
        guard let pipe = unsafe popen("/bin/zcat '\(path)'", "r") else { return nil }
        defer { unsafe _ = pclose(pipe) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { return content.isEmpty ? nil : content }
            content += buffer[..<count]
        }
    }
}

extension Schema {
    /// The same rows, of which only the record leaves.
    fileprivate var untouched: Schema {
        var schema = self
        schema.setOutput([])
        return schema
    }
}
