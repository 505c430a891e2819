package import Connectors

/// A sink as the file declares it.
package struct SinkSpec: Sendable {
    package let name: Located<String>
    package let inputs: [Located<String>]?
    package let kind: Kind
    package let format: OutputFormatSpec

    package enum Kind: Sendable {
        case standardOutput
        case file(FileSinkSpec)
        case tcp(TCPSinkSpec)
        case blackhole
    }

    /// The type in the file.
    package var type: String {
        switch kind {
        case .standardOutput: "stdout"
        case .file: "file"
        case .tcp: "tcp"
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
}

package struct TCPSinkSpec: Sendable {
    package let connect: Endpoint
    package let framing: FramingSpec
    /// Microseconds between attempts to connect: the first, and the longest.
    package let retryMin: Int64
    package let retryMax: Int64
}

/// How rows are written.
package enum OutputFormatSpec: Sendable {
    case json
    case csv(CSVOutputSpec)

    package var name: String {
        switch self {
        case .json: "json"
        case .csv: "csv"
        }
    }
}

package struct CSVOutputSpec: Sendable {
    package let dialect: CSVDialect
    /// Fields to write, in order; all where nil.
    package let columns: [Located<String>]?
}
