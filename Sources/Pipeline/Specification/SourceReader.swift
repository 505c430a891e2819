import Connectors
import Dataflow
package import Storage

/// Reads the declaration of a source.
struct SourceReader {
    private static let component = Component(
        "source", .source,
        [
            "file": .fileSource, "stdin": .stdinSource, "tcp": .tcpSource, "log": .logSource,
            "generate": .generateSource,
        ])

    let world: PipelineWorld
    let settings: SettingsSpec
    let diagnostics: Diagnostics

    func read(_ node: YAMLNode, name: Located<String>) -> SourceSpec? {
        let before = diagnostics.errorCount
        guard let (type, reader) = Self.component.open(node, name: name, diagnostics) else {
            return nil
        }
        let kind = readKind(type, reader)
        let format = InputFormatReader(diagnostics: diagnostics).read(reader)
        if case .tcp(let tcp) = kind, tcp.framing == .lengthPrefixed, case .csv = format {
            diagnostics.error(
                at: reader.place(of: "framing"),
                "'framing: length_prefixed' takes json; records of csv end with their lines")
        }
        if case .log = kind, case .csv = format {
            diagnostics.error(
                at: reader.place(of: "format"),
                "a log source takes json: its records have no header")
        }
        let schema = readSchema(reader, format)
        let eventTime = reader.string("event_time", takes: "the name of a field")
        let watermark = readWatermark(reader, type: type)
        let rate = reader.rate("rate_limit")
        let record = reader.size("max_record", atLeast: 16, atMost: 1 << 30)
        let table = readTable(reader)
        let buffer = readBuffer(reader, kind, format, record, name)
        checkTime(reader, isTable: table != nil)
        reader.finish()
        guard diagnostics.errorCount == before, let kind, let format else { return nil }
        return SourceSpec(
            name: name, kind: kind, format: format, schema: schema, eventTime: eventTime,
            watermark: watermark, rateLimit: rate?.value,
            recordBytesMax: record?.value ?? Self.recordBytesMax, buffer: buffer, table: table)
    }

    /// Bytes of a record, where the file says nothing.
    private static let recordBytesMax = 1 << 20
    /// Bytes of a record in a buffer, at most: it goes into a batch of its log.
    private static let bufferedRecordBytesMax = 16 << 20

    private func readBuffer(
        _ reader: SpecReader, _ kind: SourceSpec.Kind?, _ format: InputFormatSpec?,
        _ record: Located<Int>?, _ name: Located<String>
    ) -> BufferSpec? {
        switch kind {
        case .tcp(let tcp):
            guard tcp.framing == .acknowledged, !reader.has("buffer") else { break }
            diagnostics.error(
                at: reader.place(of: "framing"),
                "'framing: acknowledged' needs 'buffer: log': records that are only in memory are "
                    + "not safe")
        case .standardInput: break
        case .file, .log, .generate, nil: return nil
        }
        guard reader.has("buffer") else { return nil }
        let place = reader.place(of: "buffer")
        if reader.has("table") { diagnostics.error(at: place, "a table has no 'buffer'") }
        if case .csv(let csv) = format, csv.hasHeader {
            diagnostics.error(
                at: place,
                "records of csv that come with a header cannot be read again from the middle: a "
                    + "'buffer' needs 'header: false' and 'columns'")
        }
        if let record, record.value > Self.bufferedRecordBytesMax {
            diagnostics.error(at: record.place, "with a 'buffer', 'max_record' is at most 16MiB")
        }
        return BufferReader(
            source: name, recordBytesMax: record?.value ?? Self.recordBytesMax,
            settings: settings, diagnostics: diagnostics
        ).read(reader)
    }

    private func checkTime(_ reader: SpecReader, isTable: Bool) {
        if isTable {
            for key in ["event_time", "watermark"] where reader.has(key) {
                diagnostics.error(
                    at: reader.place(of: key), "a table has no '\(key)': its rows are upserts")
            }
        } else if reader.has("event_time"), !reader.has("watermark") {
            diagnostics.error(
                at: reader.place(of: "event_time"),
                "'event_time' needs a watermark, such as watermark: { max_delay: 5s }")
        } else if reader.has("watermark"), !reader.has("event_time") {
            diagnostics.error(
                at: reader.place(of: "watermark"), "'watermark' needs 'event_time'")
        }
    }

    // MARK: Kinds

    private func readKind(_ type: String, _ reader: SpecReader) -> SourceSpec.Kind? {
        switch type {
        case "file": readFile(reader).map { .file($0) }
        case "stdin": .standardInput
        case "tcp": readTCP(reader).map { .tcp($0) }
        case "log": readLog(reader).map { .log($0) }
        default: readGenerator(reader).map { .generate($0) }
        }
    }

    private func readFile(_ reader: SpecReader) -> FileSourceSpec? {
        let follow = (reader.bool("follow")?.value ?? false) && world.followsFiles
        guard let paths = reader.strings("paths", of: "paths or globs") else {
            reader.miss("paths", "paths: [ \"data/*.ndjson\" ]")
            return nil
        }
        if paths.isEmpty {
            diagnostics.error(at: reader.place(of: "paths"), "'paths' names no file")
        }
        var files: [String] = []
        for path in paths {
            let found = world.expandPath(path.value)
            for file in found where !files.contains(file) { files.append(file) }
            // A file that is followed may be away for a moment, as while it is rotated.
            guard found.isEmpty, !follow else { continue }
            let isGlob = path.value.contains { "*?[".contains($0) }
            diagnostics.error(
                at: path.place,
                isGlob ? "no file matches '\(path.value)'" : "there is no file '\(path.value)'")
        }
        return FileSourceSpec(paths: paths, files: files, follow: follow)
    }

    private func readTCP(_ reader: SpecReader) -> TCPSourceSpec? {
        let framing = reader.choice("framing", ["newline", "length_prefixed", "acknowledged"])
        let connections = reader.integer("max_connections", 1...100_000)
        guard let listen = EndpointReader.read("listen", reader) else { return nil }
        return TCPSourceSpec(
            listen: listen,
            framing: framing.flatMap { FramingSpec(rawValue: $0.value) } ?? .newline,
            connectionsMax: connections?.value ?? 1024)
    }

    private func readLog(_ reader: SpecReader) -> LogSourceSpec? {
        let follow = (reader.bool("follow")?.value ?? false) && world.followsFiles
        var start = LogStart.earliest
        if let from = reader.string("from", takes: "earliest, latest, an offset or a time") {
            if let found = LogStart(text: from.value) {
                start = found
            } else {
                diagnostics.error(
                    at: from.place,
                    "'from' takes earliest, latest, an offset, or a time such as "
                        + "2026-01-01T00:00:00Z")
            }
        }
        var partitions: [Int]?
        if let names = reader.strings("partitions", of: "numbers of partitions") {
            partitions = names.compactMap { name in
                if let number = Int(name.value), number >= 0 { return number }
                diagnostics.error(at: name.place, "'\(name.value)' is no number of a partition")
                return nil
            }
            if names.isEmpty {
                diagnostics.error(
                    at: reader.place(of: "partitions"), "'partitions' names no partition")
            }
        }
        guard let path = reader.string("path", takes: "the directory of a log") else {
            reader.miss("path", "path: logs/orders")
            return nil
        }
        return LogSourceSpec(
            path: path.value, start: start, partitions: partitions, follow: follow)
    }

    /// The options that each generator has, besides those of all.
    private static let options = [
        "orders": [
            "duplicates", "disorder", "late", "users", "shops", "skew", "span", "start", "time",
        ],
        "shops": [],
        "sensors": ["duplicates", "disorder", "late", "sensors", "skew", "span", "start"],
    ]

    private func readGenerator(_ reader: SpecReader) -> GeneratorSpec? {
        let generator = reader.choice("generator", ["orders", "shops", "sensors"])
        if generator == nil { reader.miss("generator", "generator: orders") }
        let rows = reader.integer("rows", 0...(1 << 53))
        let rate = reader.rate("rate")
        let seed = reader.integer("seed", 0...Int.max)
        let duplicates = reader.percentage("duplicates", 0...90)
        let disorder = reader.duration("disorder", atLeast: 0)
        let late = reader.percentage("late", 0...100)
        let users = reader.integer("users", 1...10_000_000)
        let sensors = reader.integer("sensors", 1...10_000_000)
        let shops = reader.integer("shops", 1...10_000_000)
        let skew = reader.fraction("skew", 0...10)
        let span = reader.duration("span", atLeast: 1000)
        let start = reader.time("start")
        let time = reader.choice("time", ["epoch", "iso", "both"])
        guard let generator, let allowed = SourceReader.options[generator.value] else { return nil }
        for (kind, names) in SourceReader.options where kind != generator.value {
            for name in names where reader.has(name) && !allowed.contains(name) {
                diagnostics.error(
                    at: reader.place(of: name),
                    "the generator \(generator.value) has no '\(name)'")
            }
        }
        if generator.value == "shops", !reader.has("rows") {
            diagnostics.error(
                at: generator.place, "the generator shops needs 'rows': a table has an end")
        }
        let spec = GeneratorSpec(
            generator: generator.value, rows: rows?.value,
            rate: rate?.value, seed: seed?.value,
            duplicates: duplicates?.value, disorder: disorder?.value, late: late?.value,
            keys: generator.value == "sensors" ? sensors?.value : users?.value,
            shops: shops?.value, skew: skew?.value, span: span?.value, start: start?.value,
            time: time?.value)
        for problem in spec.options.problems where reader.has(problem.option) {
            diagnostics.error(
                at: reader.place(of: problem.option), "'\(problem.option)' \(problem.message)")
        }
        return spec
    }

    // MARK: Common parts

    private func readWatermark(_ reader: SpecReader, type: String) -> WatermarkSpec? {
        guard reader.has("watermark"),
            let nested = reader.nested("watermark", keys: .watermark)
        else { return nil }
        let delay = nested.duration("max_delay", atLeast: 0)
        if delay == nil { nested.miss("max_delay", "max_delay: 5s") }
        let idle = nested.duration("idle_timeout")?.value ?? 30_000_000
        let future = nested.duration("max_future", atLeast: 0)?.value
        let scopes = ["source", "file", "connection", "partition"]
        let per = nested.choice("per", scopes)
        let scope = per.flatMap { WatermarkSpec.Scope(rawValue: $0.value) } ?? .source
        if let per, (scope == .file && type != "file") || (scope == .connection && type != "tcp") {
            diagnostics.error(
                at: per.place, "a \(type) source has no \(per.value)s to tell apart")
        }
        nested.finish()
        return delay.map {
            WatermarkSpec(
                maxDelay: $0.value, idleTimeout: idle, maxFuture: future, scope: scope)
        }
    }

    private func readTable(_ reader: SpecReader) -> TableSpec? {
        guard reader.has("table"), let nested = reader.nested("table", keys: .table) else {
            return nil
        }
        let key = nested.strings("key", of: "fields")
        if key == nil { nested.miss("key", "key: shop_id") }
        if let key, key.isEmpty {
            diagnostics.error(at: nested.place(of: "key"), "'key' names no field")
        }
        let memory = nested.size("memory_limit")?.value ?? 100 << 20
        nested.finish()
        return key.map { TableSpec(key: $0, memoryBytesMax: memory) }
    }

    private func readSchema(_ reader: SpecReader, _ format: InputFormatSpec?) -> [FieldSpec]? {
        guard let node = reader.node("schema") else { return nil }
        guard case .mapping(let entries) = node.content else {
            diagnostics.error(
                at: node.place, "'schema' takes a mapping of field: type, not \(node.shown)")
            return nil
        }
        if entries.isEmpty {
            diagnostics.error(at: node.place, "'schema' declares no field")
        }
        let fields = FieldReader(isCSV: format.map { $0.name == "csv" } ?? false)
        let read = entries.compactMap { fields.read($0, diagnostics: diagnostics) }
        var taken: [[String]: String] = [:]
        for field in read {
            if let other = taken.updateValue(field.name.value, forKey: field.path) {
                diagnostics.error(
                    at: field.name.place,
                    "fields '\(other)' and '\(field.name.value)' are the same member; copy it in a "
                        + "map step")
            }
        }
        return read
    }
}

/// Reads `host:port`.
enum EndpointReader {
    static func read(_ key: String, _ reader: SpecReader) -> Endpoint? {
        guard let text = reader.string(key, takes: "host:port") else {
            reader.miss(key, "\(key): \"127.0.0.1:9000\"")
            return nil
        }
        // With port 0 the system chooses one to listen on; nobody can be reached there.
        guard let endpoint = Endpoint(text.value), key == "listen" || endpoint.port > 0 else {
            reader.diagnostics.error(
                at: text.place,
                "'\(key)' takes host:port, such as 127.0.0.1:9000, not '\(text.value)'")
            return nil
        }
        return endpoint
    }
}

extension LogStart {
    /// A start as people write it: `earliest`, `latest`, an offset, or a time in UTC.
    package init?(text: String) {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        default:
            if let offset = Int64(text), offset >= 0 {
                self = .offset(offset)
            } else if let time = Quantity.time(text) {
                self = .timestamp(time)
            } else {
                return nil
            }
        }
    }
}
