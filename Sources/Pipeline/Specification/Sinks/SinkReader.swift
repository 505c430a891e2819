import Connectors
import Storage

/// Reads the declaration of a sink.
struct SinkReader {
    private static let component = Component(
        "sink", .sink,
        [
            "stdout": .stdoutSink, "file": .fileSink, "tcp": .tcpSink, "http": .httpSink,
            "log": .logSink, "sqlite": .sqliteSink, "blackhole": .blackholeSink,
        ])

    let diagnostics: Diagnostics

    func read(_ node: YAMLNode, name: Located<String>) -> SinkSpec? {
        let before = diagnostics.errorCount
        guard let (type, reader) = Self.component.open(node, name: name, diagnostics) else {
            return nil
        }
        let inputs = reader.strings("inputs", of: "outputs")
        if let inputs, inputs.isEmpty {
            diagnostics.error(at: reader.place(of: "inputs"), "'inputs' names no output")
        }
        let kind: SinkSpec.Kind? =
            switch type {
            case "stdout": .standardOutput
            case "file": readFile(reader).map { .file($0) }
            case "tcp": readTCP(reader).map { .tcp($0) }
            case "http": HTTPSinkReader(reader: reader).read().map { .http($0) }
            case "log": readLog(reader).map { .log($0) }
            case "sqlite": readSQLite(reader).map { .sqlite($0) }
            default: .blackhole
            }
        let format =
            type == "sqlite"
            ? refuseFormat(reader) : OutputFormatReader(diagnostics: diagnostics).read(reader)
        let hasEventID = ["stdout", "tcp", "http"].contains(type)
        let eventID =
            hasEventID ? reader.string("event_id", takes: "the name of the new field") : nil
        reader.finish()
        if case .tcp(let tcp) = kind, tcp.framing == .lengthPrefixed, case .csv = format {
            diagnostics.error(
                at: reader.place(of: "framing"),
                "'framing: length_prefixed' takes json; records of csv end with their lines")
        }
        if case .log = kind, case .csv = format {
            diagnostics.error(
                at: reader.place(of: "format"), "a log sink takes json: its records have no header")
        }
        if case .http = kind, case .csv = format {
            diagnostics.error(
                at: reader.place(of: "format"),
                "an http sink takes json: its requests have no header")
        }
        guard diagnostics.errorCount == before, let kind, let format else { return nil }
        return SinkSpec(
            name: name, inputs: inputs, kind: kind, format: format, eventID: eventID)
    }

    private func readFile(_ reader: SpecReader) -> FileSinkSpec? {
        var rollBytes: Int?
        var rollEvery: Int64?
        if reader.has("roll"), let roll = reader.nested("roll", keys: .roll) {
            rollBytes = roll.size("size", atLeast: 1)?.value
            rollEvery = roll.duration("every", atLeast: 1_000_000)?.value
            if !roll.has("size"), !roll.has("every") {
                diagnostics.error(at: roll.place, "'roll' needs 'size' or 'every'")
            }
            roll.finish()
        }
        guard let path = reader.string("path", takes: "a path") else {
            reader.miss("path", "path: \"out/{date}.ndjson\"")
            return nil
        }
        do throws(PathTemplateError) {
            let template = try PathTemplate(path.value)
            if path.value.hasSuffix("/") {
                diagnostics.error(at: path.place, "'path' names a directory, not a file")
            }
            return FileSinkSpec(
                path: path, template: template, rollBytes: rollBytes, rollEvery: rollEvery)
        } catch {
            diagnostics.error(at: path.place, "'path': \(error.message)")
            return nil
        }
    }

    private func readLog(_ reader: SpecReader) -> LogSinkSpec? {
        var options = LogOptions()
        options.partitionCount = reader.integer("partitions", 1...4096)?.value ?? 1
        switch reader.choice("compression", ["none", "lz4", "zstd"])?.value {
        case "lz4": options.codec = .lz4
        case "zstd": options.codec = .zstd(level: 3)
        default: options.codec = .none
        }
        options.segmentBytes =
            reader.size("segment", atLeast: 4096)?.value ?? options.segmentBytes
        options.bytesKept = reader.size("keep_size")?.value
        options.ageKept = reader.duration("keep_age")?.value
        options.quota = reader.size("quota")?.value
        let key = reader.string("key", takes: "the name of a field")
        guard let path = reader.string("path", takes: "the directory of a log") else {
            reader.miss("path", "path: logs/orders")
            return nil
        }
        return LogSinkSpec(path: path, key: key, options: options)
    }

    private func readSQLite(_ reader: SpecReader) -> SQLiteSinkSpec? {
        let place = reader.place(of: "type")
        let key = reader.strings("key", of: "fields")
        if let key, key.isEmpty {
            diagnostics.error(at: reader.place(of: "key"), "'key' names no field")
        }
        let isMade = reader.bool("create")?.value ?? true
        let path = reader.string("path", takes: "the path of a database")
        let table = reader.string("table", takes: "the name of a table")
        if path == nil { reader.miss("path", "path: out/orders.db") }
        if table == nil { reader.miss("table", "table: orders") }
        guard let path, let table else { return nil }
        if path.value.hasSuffix("/") || path.value == ":memory:" {
            diagnostics.error(at: path.place, "'path' names no file")
        }
        if SQLiteSupport.isReserved(table.value) {
            diagnostics.error(
                at: table.place, "'table': names like '\(table.value)' are kept for other tables")
        }
        if table.value.utf8.contains(0) {
            diagnostics.error(at: table.place, "'table' has a character that no table's name has")
        }
        return SQLiteSinkSpec(
            place: place, path: path, table: table, key: key ?? [], isMade: isMade)
    }

    /// Values of a table have no format.
    private func refuseFormat(_ reader: SpecReader) -> OutputFormatSpec {
        if reader.has("format"), reader.node("format") != nil {
            diagnostics.error(
                at: reader.place(of: "format"),
                "a sqlite sink takes no 'format': fields are columns of its table")
        }
        return .values
    }

    private func readTCP(_ reader: SpecReader) -> TCPSinkSpec? {
        let framing = reader.choice("framing", ["newline", "length_prefixed", "acknowledged"])
        let delivery = DeliveryReader.read(reader)
        guard let connect = EndpointReader.read("connect", reader) else { return nil }
        return TCPSinkSpec(
            connect: connect,
            framing: framing.flatMap { FramingSpec(rawValue: $0.value) } ?? .newline,
            delivery: delivery)
    }
}
