/// One key of a component of the pipeline file.
struct Key: Sendable, Hashable {
    let name: String
    /// What it takes, as the reference says it.
    let type: String
    /// Its default as the reference says it; `required` where there is none.
    let fallback: String
    /// Whether this version has it; a key of a later one is known and refused.
    let isAvailable: Bool

    init(_ name: String, _ type: String, _ fallback: String = "-") {
        self.name = name
        self.type = type
        self.fallback = fallback
        isAvailable = true
    }

    private init(later name: String) {
        self.name = name
        type = "-"
        fallback = "-"
        isAvailable = false
    }

    /// A key that this version refuses.
    static func later(_ name: String) -> Key { Key(later: name) }
}

/// The keys of one mapping of the pipeline file.
///
/// The reader detects unknown keys by it, and a test holds the reference (`docs/pipeline-file.md`)
/// against it: a section of that title has a table of exactly these keys.
struct KeyList: Sendable {
    /// The title of its section in the reference.
    let title: String
    /// What stands before a key in messages: `state.` for `settings.state`.
    var path = ""
    let keys: [Key]
}

extension KeyList {
    static let top = KeyList(
        title: "Top level",
        keys: [
            Key("name", "text", "the file's name"),
            Key("settings", "mapping", "{}"),
            Key("sources", "mapping", "required"),
            Key("steps", "mapping", "{}"),
            Key("sinks", "mapping", "required"),
            .later("tests"),
        ])

    static let settings = KeyList(
        title: "settings", path: "settings.",
        keys: [
            Key("workers", "auto or int", "auto"),
            Key("dead_letter", "name of a sink"),
            Key("chunk_size", "size", "512KiB"),
            Key("batch_rows", "int", "4096"),
            Key("chunks_in_flight", "auto or int", "auto"),
            Key("bytes_in_flight", "size", "32MiB"),
            Key("log_level", "trace, debug, info, warning or error", "info"),
            Key("state", "mapping", "{}"),
            Key("checkpoint", "mapping", "none: no checkpoints"),
        ])

    static let checkpoint = KeyList(
        title: "settings.checkpoint", path: "checkpoint.",
        keys: [
            Key("every", "duration", "10s"),
            Key("min_pause", "duration", "half of every"),
            Key("timeout", "duration", "10m"),
            Key("keep", "int", "3"),
            Key("second_place", "mapping"),
        ])

    static let secondPlace = KeyList(
        title: "settings.checkpoint.second_place", path: "second_place.",
        keys: [
            Key("path", "path", "required"),
            Key("every", "duration", "each checkpoint"),
            Key("required", "bool", "false"),
        ])

    static let state = KeyList(
        title: "settings.state", path: "state.",
        keys: [
            Key("backend", "memory or lsm", "lsm with a path, else memory"),
            Key("path", "path"),
            Key("memory_limit", "size", "256MiB"),
            Key("quota", "size"),
            Key("reserve", "size", "as memory_limit"),
            Key("compression", "none, lz4 or zstd", "lz4"),
            Key("cold_compression", "none, lz4 or zstd", "as compression"),
        ])
}

// Sources.
extension KeyList {
    static let source = KeyList(
        title: "Every source",
        keys: [
            Key("type", "file, stdin, tcp, log or generate", "required"),
            Key("format", "mapping or json or csv", "json"),
            Key("schema", "mapping", "from a sample"),
            Key("event_time", "field"),
            Key("watermark", "mapping"),
            Key("rate_limit", "rate", "off"),
            Key("max_record", "size", "1MiB"),
            Key("table", "mapping"),
        ])
    static let fileSource = KeyList(
        title: "Source: file",
        keys: [
            Key("paths", "list of paths or globs", "required"),
            Key("follow", "bool", "false"),
        ])
    static let stdinSource = KeyList(
        title: "Source: stdin", keys: [Key("buffer", "log or mapping", "none")])
    static let tcpSource = KeyList(
        title: "Source: tcp",
        keys: [
            Key("listen", "host:port", "required"),
            Key("framing", "newline, length_prefixed or acknowledged", "newline"),
            Key("max_connections", "int", "1024"),
            Key("buffer", "log or mapping", "none"),
        ])
    static let buffer = KeyList(
        title: "buffer", path: "buffer.",
        keys: [
            Key("type", "log", "required"),
            Key("path", "path", "buffer-NAME in the directory of settings.state"),
            Key("sync", "every, os or interval", "1s"),
            Key("quota", "size", "1GiB"),
            Key("compression", "none, lz4 or zstd", "none"),
        ])
    static let logSource = KeyList(
        title: "Source: log",
        keys: [
            Key("path", "path", "required"),
            Key("from", "earliest, latest, offset or timestamp", "earliest"),
            Key("partitions", "list of int", "all"),
            Key("follow", "bool", "false"),
        ])
    static let generateSource = KeyList(
        title: "Source: generate",
        keys: [
            Key("generator", "orders, shops or sensors", "required"),
            Key("rows", "int", "without end"),
            Key("rate", "rate", "off"),
            Key("seed", "int", "1"),
            Key("duplicates", "percentage", "10%"),
            Key("disorder", "duration", "5s"),
            Key("late", "percentage", "1%"),
            Key("users", "int", "200000"),
            Key("sensors", "int", "1000"),
            Key("shops", "int", "20000"),
            Key("skew", "number", "1.1 for orders, 0 for sensors"),
            Key("span", "duration", "1h"),
            Key("start", "timestamp", "2026-01-01T00:10:00Z"),
            Key("time", "epoch, iso or both", "epoch"),
        ])
    static let watermark = KeyList(
        title: "watermark", path: "watermark.",
        keys: [
            Key("max_delay", "duration", "required"),
            Key("idle_timeout", "duration", "30s"),
            Key("max_future", "duration", "off"),
            Key("per", "source, file, connection or partition", "source"),
        ])
    static let table = KeyList(
        title: "table", path: "table.",
        keys: [
            Key("key", "field or list of fields", "required"),
            Key("memory_limit", "size", "100MiB"),
        ])
    static let field = KeyList(
        title: "A field in long form",
        keys: [
            Key("type", "type", "required"),
            Key("path", "text", "the field's name"),
            Key("pattern", "text"),
            Key("zone", "text", "UTC"),
        ])
    static let jsonFormat = KeyList(
        title: "Format: json", keys: [Key("type", "json", "required")])
    static let csvFormat = KeyList(
        title: "Format: csv",
        keys: [
            Key("type", "csv", "required"),
            Key("delimiter", "character", ","),
            Key("quote", "character", "\""),
            Key("header", "bool", "true"),
            Key("columns", "list of names", "from the header"),
            Key("nulls", "list of texts", "[]"),
        ])
}

// Steps.
extension KeyList {
    static let step = KeyList(
        title: "Every step",
        keys: [
            Key("type", "filter, map, dedup, broadcast_join or window", "required"),
            Key("inputs", "output", "the entry above"),
        ])
    static let filter = KeyList(
        title: "Step: filter", keys: [Key("where", "expression", "required")])
    static let map = KeyList(
        title: "Step: map",
        keys: [
            Key("set", "mapping of field: expression"),
            Key("rename", "mapping of old: new"),
            Key("drop", "list of fields"),
            Key("select", "list of fields or field: expression"),
        ])
    static let dedup = KeyList(
        title: "Step: dedup",
        keys: [
            Key("key", "field or list of fields", "required"),
            Key("bucket", "duration"),
            Key("retain", "duration"),
            Key("window", "duration"),
            Key("buckets", "int", "12"),
            Key("keep", "first or last", "first"),
            Key("version", "field", "order of arrival"),
        ])
    static let broadcastJoin = KeyList(
        title: "Step: broadcast_join",
        keys: [
            Key("table", "name of a source", "required"),
            Key("on", "field, list of fields or mapping of field: table field", "required"),
            Key("kind", "inner or left", "inner"),
            Key("select", "all or list of table fields or new: table field", "all"),
        ])
    static let window = KeyList(
        title: "Step: window",
        keys: [
            Key("by", "field or list of fields", "[]"),
            Key("window", "mapping", "required"),
            Key("aggregate", "mapping of field: aggregate", "required"),
            .later("allowed_lateness"),
        ])
    static let windowKind = KeyList(
        title: "window", path: "window.",
        keys: [
            Key("kind", "tumbling", "required"),
            Key("size", "duration", "required"),
            Key("offset", "duration", "0s"),
            .later("slide"), .later("gap"), .later("count"),
        ])
}

// Sinks.
extension KeyList {
    static let sink = KeyList(
        title: "Every sink",
        keys: [
            Key("type", "stdout, file, tcp, http, log, sqlite or blackhole", "required"),
            Key("inputs", "output or list of outputs", "the entry above"),
            Key("format", "mapping or json or csv", "json"),
        ])
    static let stdoutSink = KeyList(
        title: "Sink: stdout", keys: [Key("event_id", "name of a new field", "none")])
    static let fileSink = KeyList(
        title: "Sink: file",
        keys: [Key("path", "path template", "required"), Key("roll", "mapping", "off")])
    static let roll = KeyList(
        title: "roll", path: "roll.",
        keys: [Key("size", "size", "off"), Key("every", "duration", "off")])
    static let tcpSink = KeyList(
        title: "Sink: tcp",
        keys: [
            Key("connect", "host:port", "required"),
            Key("framing", "newline, length_prefixed or acknowledged", "newline"),
            Key("retry_min", "duration", "100ms"),
            Key("retry_max", "duration", "10s"),
            Key("queue", "mapping", "{}"),
            Key("event_id", "name of a new field", "none"),
        ])
    static let httpSink = KeyList(
        title: "Sink: http",
        keys: [
            Key("url", "URL", "required"),
            Key("method", "post, put or patch", "post"),
            Key("headers", "mapping of name: text", "{}"),
            Key("auth", "mapping", "none"),
            Key("tls", "mapping", "{}"),
            Key("body", "lines, array or row", "lines"),
            Key("max_rows", "int", "10000"),
            Key("max_size", "size", "1MiB"),
            Key("timeout", "duration", "30s"),
            Key("refused", "path", "none: the run ends"),
            Key("retry_min", "duration", "100ms"),
            Key("retry_max", "duration", "10s"),
            Key("queue", "mapping", "{}"),
            Key("event_id", "name of a new field", "none"),
        ])
    static let httpAuth = KeyList(
        title: "auth", path: "auth.",
        keys: [Key("token", "text"), Key("user", "text"), Key("password", "text")])
    static let httpTLS = KeyList(
        title: "tls", path: "tls.",
        keys: [
            Key("ca", "path", "those of the system"), Key("certificate", "path", "none"),
            Key("key", "path", "none"),
        ])
    static let queue = KeyList(
        title: "queue", path: "queue.",
        keys: [
            Key("path", "path", "queue-NAME in the directory of settings.state"),
            Key("quota", "size", "1GiB"),
        ])
    static let logSink = KeyList(
        title: "Sink: log",
        keys: [
            Key("path", "path", "required"),
            Key("key", "field"),
            Key("partitions", "int", "1"),
            Key("compression", "none, lz4 or zstd", "none"),
            Key("segment", "size", "64MiB"),
            Key("keep_size", "size", "off"),
            Key("keep_age", "duration", "off"),
            Key("quota", "size", "off"),
        ])
    static let sqliteSink = KeyList(
        title: "Sink: sqlite",
        keys: [
            Key("path", "path", "required"),
            Key("table", "name of a table", "required"),
            Key("key", "field or list of fields", "none: rows are added"),
            Key("create", "bool", "true"),
        ])
    static let blackholeSink = KeyList(title: "Sink: blackhole", keys: [])
    static let csvOutput = KeyList(
        title: "Sink format: csv",
        keys: [
            Key("type", "csv", "required"),
            Key("delimiter", "character", ","),
            Key("quote", "character", "\""),
            Key("header", "bool", "true"),
            Key("columns", "list of fields", "all fields"),
            Key("nulls", "list of texts", "[]"),
        ])

    /// The keys that a type of source or sink has of its own; none for other sections and types.
    static func own(section: String, type: String) -> [Key] {
        switch (section, type) {
        case ("sources", "file"): fileSource.keys
        case ("sources", "stdin"): stdinSource.keys
        case ("sources", "tcp"): tcpSource.keys
        case ("sources", "log"): logSource.keys
        case ("sources", "generate"): generateSource.keys
        case ("sinks", "stdout"): stdoutSink.keys
        case ("sinks", "file"): fileSink.keys
        case ("sinks", "tcp"): tcpSink.keys
        case ("sinks", "http"): httpSink.keys
        case ("sinks", "log"): logSink.keys
        case ("sinks", "sqlite"): sqliteSink.keys
        default: []
        }
    }

    /// Every list there is, in the order of the reference.
    static let all: [KeyList] = [
        top, settings, state, checkpoint, secondPlace, source, fileSource, stdinSource, tcpSource,
        buffer, logSource, generateSource, watermark, table, field, jsonFormat, csvFormat, step,
        filter,
        map, dedup, broadcastJoin, window,
        windowKind, sink, stdoutSink, fileSink, roll, tcpSink, queue, httpSink, httpAuth, httpTLS,
        logSink, sqliteSink,
        blackholeSink, csvOutput,
    ]
}
