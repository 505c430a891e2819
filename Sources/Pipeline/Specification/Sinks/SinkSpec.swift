package import Connectors
package import Storage

/// A sink as the file declares it.
package struct SinkSpec: Sendable {
    package let name: Located<String>
    package let inputs: [Located<String>]?
    package let kind: Kind
    package let format: OutputFormatSpec
    /// The member that tells rows apart which come again after a crash.
    package let eventID: Located<String>?

    package enum Kind: Sendable {
        case standardOutput
        case file(FileSinkSpec)
        case tcp(TCPSinkSpec)
        case http(HTTPSinkSpec)
        case log(LogSinkSpec)
        case sqlite(SQLiteSinkSpec)
        case blackhole
    }

    /// The type in the file.
    package var type: String {
        switch kind {
        case .standardOutput: "stdout"
        case .file: "file"
        case .tcp: "tcp"
        case .http: "http"
        case .log: "log"
        case .sqlite: "sqlite"
        case .blackhole: "blackhole"
        }
    }
}

package struct FileSinkSpec: Sendable {
    package let path: Located<String>
    package let template: PathTemplate
    /// Bytes after which a file is rolled.
    package let rollBytes: Int?
    /// Microseconds after which a file is rolled.
    package let rollEvery: Int64?

    var isRolled: Bool { rollBytes != nil || rollEvery != nil }
}

package struct LogSinkSpec: Sendable {
    /// The log's directory.
    package let path: Located<String>
    /// The field that chooses the partition.
    package let key: Located<String>?
    /// How the log is made where it is absent.
    package let options: LogOptions
}

package struct SQLiteSinkSpec: Sendable {
    /// Where the file says that it is one.
    package let place: Place
    /// The file of the database.
    package let path: Located<String>
    package let table: Located<String>
    /// Fields by which a row replaces one that is there; none where rows are only added.
    package let key: [Located<String>]
    /// Whether the table is made where it is absent.
    package let isMade: Bool
}

package struct TCPSinkSpec: Sendable {
    package let connect: Endpoint
    package let framing: FramingSpec
    package let delivery: DeliverySpec
}

package struct HTTPSinkSpec: Sendable {
    /// What the sink sends, and where; but for its pauses.
    package let options: HTTPSink.Options
    /// The directory of the log for rows that the server refuses.
    package let refused: Located<String>?
    package let delivery: DeliverySpec
}

/// How a sink goes on while its server takes no rows.
package struct DeliverySpec: Sendable {
    /// Microseconds between attempts: the first, and the longest.
    package let retryMin: Int64
    package let retryMax: Int64
    /// With checkpoints: where rows wait that the server has not taken.
    package let queue: QueueSpec
}

/// A queue on disk between a sink and its target.
package struct QueueSpec: Sendable {
    /// The directory; one in that of the state where it is nil.
    package var path: Located<String>?
    package var quota = 1 << 30
}

/// How rows are written.
package enum OutputFormatSpec: Sendable {
    case json
    case csv(CSVOutputSpec)
    /// Not as text: fields leave as typed values.
    case values

    package var name: String {
        switch self {
        case .json: "json"
        case .csv: "csv"
        case .values: "values"
        }
    }
}

package struct CSVOutputSpec: Sendable {
    package let dialect: CSVDialect
    /// Fields to write, in order; all where nil.
    package let columns: [Located<String>]?
}
