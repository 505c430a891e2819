package import Connectors
package import Dataflow
package import Storage

/// A source as the file declares it, with everything typed and in range.
package struct SourceSpec: Sendable {
    package let name: Located<String>
    package let kind: Kind
    package let format: InputFormatSpec
    /// The declared fields; nil where types come from a sample.
    package let schema: [FieldSpec]?
    package let eventTime: Located<String>?
    package let watermark: WatermarkSpec?
    package let rateLimit: Rate?
    package let recordBytesMax: Int
    /// Of `tcp` and `stdin`: the log that keeps what they give until it is done.
    package let buffer: BufferSpec?
    /// Present where the rows are upserts of a broadcast table.
    package let table: TableSpec?

    package enum Kind: Sendable {
        case file(FileSourceSpec)
        case standardInput
        case tcp(TCPSourceSpec)
        case log(LogSourceSpec)
        case generate(GeneratorSpec)
    }

    /// The type in the file.
    package var type: String {
        switch kind {
        case .file: "file"
        case .standardInput: "stdin"
        case .tcp: "tcp"
        case .log: "log"
        case .generate: "generate"
        }
    }
}

package struct FileSourceSpec: Sendable {
    /// Paths and globs, as given.
    package let paths: [Located<String>]
    /// The files there are, in order; sorted within each glob.
    package let files: [String]
    package let follow: Bool
}

package struct LogSourceSpec: Sendable {
    /// The log's directory.
    package let path: String
    package let start: LogStart
    /// The partitions that are read; all where nil.
    package let partitions: [Int]?
    package let follow: Bool
}

package struct TCPSourceSpec: Sendable {
    package let listen: Endpoint
    package let framing: FramingSpec
    package let connectionsMax: Int
}

/// A host and a port.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:9000`, `[::1]:9000`, `host:9000`.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(" "), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let port = Int(digits), (0...65535).contains(port)
        else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// How records are told apart on a connection.
package enum FramingSpec: String, Sendable {
    case newline
    /// As `newline`; the receiver answers with the number of records that are safe.
    case acknowledged
    /// Four bytes, big endian, before each record.
    case lengthPrefixed = "length_prefixed"
}

/// Options of the built-in generator of test data; what is nil has the generator's default.
package struct GeneratorSpec: Sendable {
    /// `orders`, `shops` or `sensors`.
    package let generator: String
    /// Without end where nil.
    package let rows: Int?
    /// How fast; as fast as they are taken where nil.
    package let rate: Rate?
    package let seed: Int?
    /// The share of rows that repeat an earlier one, in percent.
    package let duplicates: Double?
    /// How far behind rows may be that are not late, in microseconds.
    package let disorder: Int64?
    /// The share of rows that are far behind, in percent.
    package let late: Double?
    /// Different users of orders, or sensors.
    package let keys: Int?
    package let shops: Int?
    /// The exponent of the distribution of users or sensors; 0 is even.
    package let skew: Double?
    /// The event time that the rows cover, in microseconds.
    package let span: Int64?
    /// The event time of the first row, in microseconds since 1970.
    package let start: Int64?
    /// How orders write their time: `epoch`, `iso` or `both`.
    package let time: String?

    /// The fields of the rows, for a source without a schema.
    var fields: [(name: String, type: FieldType, format: TimestampFormat)] {
        switch generator {
        case "orders":
            var fields: [(name: String, type: FieldType, format: TimestampFormat)] = [
                ("order_id", .string, .rfc3339), ("user_id", .string, .rfc3339),
                ("region", .string, .rfc3339), ("shop_id", .int, .rfc3339),
                ("amount", .float, .rfc3339),
            ]
            if time != "iso" { fields.append(("ts", .timestamp, .milliseconds)) }
            if time == "iso" || time == "both" {
                fields.append(("event_time", .timestamp, .rfc3339))
            }
            return fields + [("status", .string, .rfc3339), ("note", .string, .rfc3339)]
        case "shops":
            return [
                ("shop_id", .int, .rfc3339), ("name", .string, .rfc3339),
                ("category", .string, .rfc3339), ("city", .string, .rfc3339),
                ("vip", .bool, .rfc3339),
            ]
        default:
            return [
                ("sensor_id", .string, .rfc3339), ("site", .string, .rfc3339),
                ("ts", .timestamp, .milliseconds), ("temperature", .float, .rfc3339),
                ("humidity", .float, .rfc3339), ("status", .string, .rfc3339),
            ]
        }
    }
}

package struct WatermarkSpec: Sendable {
    package enum Scope: String, Sendable { case source, file, connection, partition }

    /// Microseconds.
    package let maxDelay: Int64
    package let idleTimeout: Int64
    package let maxFuture: Int64?
    package let scope: Scope
}

package struct TableSpec: Sendable {
    package let key: [Located<String>]
    package let memoryBytesMax: Int
}

/// A field of a source: what it is called, and where it stands in the record.
package struct FieldSpec: Sendable {
    package let name: Located<String>
    package let type: FieldType
    package let timestampFormat: TimestampFormat
    /// Members to walk through in JSON; one column name in CSV.
    package let path: [String]

    var field: Field { Field(name.value, type, timestampFormat: timestampFormat) }
}

/// How the records of a source are written.
package enum InputFormatSpec: Sendable {
    case json
    case csv(CSVDialect)

    package var name: String {
        switch self {
        case .json: "json"
        case .csv: "csv"
        }
    }
}
