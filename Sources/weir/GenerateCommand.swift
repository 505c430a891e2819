import ArgumentParser
import Connectors
import Pipeline
import Storage

/// `weir generate`
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Writes deterministic test data to standard output, as NDJSON.",
        discussion: """
            The same options give the same bytes on every machine. orders is a stream, shops the \
            table that belongs to it, sensors a stream of readings.
            """)

    @Argument(help: "orders, shops or sensors.")
    var kind: GeneratorOptions.Kind

    @Option(help: "Records to write.")
    var rows: Int?

    @Option(help: "Other seeds give other data.")
    var seed: UInt64?

    @Option(help: "Percent of the records that repeat an earlier one.")
    var duplicates: Double?

    @Option(help: "How far records lag behind earlier ones, below this: 5s.")
    var disorder: String?

    @Option(help: "Percent of the records that come five to ten minutes late.")
    var late: Double?

    @Option(help: "Different users of orders.")
    var users: Int?

    @Option(help: "Different sensors.")
    var sensors: Int?

    @Option(help: "Different shops that orders name.")
    var shops: Int?

    @Option(help: "Exponent of the Zipf distribution of users or sensors.")
    var skew: Double?

    @Option(help: "Event time that the records cover: 1h.")
    var span: String?

    @Option(help: "Event time of the first record: 2026-01-01T00:00:00Z.")
    var start: String?

    @Option(help: "How event time is written: epoch, iso or both.")
    var time: GeneratorOptions.TimeEncoding?

    func validate() throws {
        if rows == nil && kind != .shops { throw ValidationError("--rows says how many records") }
        if let problem = try options().problems.first {
            throw ValidationError("--\(problem.option): \(problem.message)")
        }
    }

    private func options() throws -> GeneratorOptions {
        var options = GeneratorOptions(kind)
        let names = GeneratorOptions.names(of: kind)
        func set<Value>(_ name: String, _ value: Value?, _ apply: (Value) -> Void) throws {
            guard let value else { return }
            guard names.contains(name) else {
                throw ValidationError("--\(name) is no option of \(kind.rawValue)")
            }
            apply(value)
        }
        try set("rows", rows) { options.rows = $0 }
        try set("seed", seed) { options.seed = $0 }
        try set("duplicates", duplicates) { options.duplicates = $0 }
        try set("disorder", try duration(disorder, "disorder")) { options.disorder = $0 }
        try set("late", late) { options.late = $0 }
        try set("users", users) { options.keys = $0 }
        try set("sensors", sensors) { options.keys = $0 }
        try set("shops", shops) { options.shops = $0 }
        try set("skew", skew) { options.skew = $0 }
        try set("span", try duration(span, "span")) { options.span = $0 }
        try set("time", time) { options.timeEncoding = $0 }
        if let start {
            guard let moment = Quantity.time(start) else {
                throw ValidationError("--start takes a time such as 2026-01-01T00:00:00Z")
            }
            try set("start", moment) { options.start = $0 }
        }
        return options
    }

    private func duration(_ text: String?, _ name: String) throws -> Int64? {
        guard let text else { return nil }
        guard let value = Quantity.duration(text) else {
            throw ValidationError("--\(name) takes a duration such as 5s or 1h30m")
        }
        return value
    }

    /// Bytes written at once.
    private static let blockBytes = 1 << 20

    func run() throws {
        StopSignals.ignoreBrokenPipe()
        let generator = try RecordGenerator(options())
        let output = StandardStream.output()
        var text = GeneratedText(byteCount: Self.blockBytes)
        var row = 0
        while row < generator.rowCount {
            row += generator.write(
                rows: row..<generator.rowCount, into: &text, within: Self.blockBytes)
            do {
                _ = try output.write([SlabSlice(text.slab, 0..<text.byteCount)])
            } catch {
                if error.kind == .brokenPipe { return }
                StandardError.write("weir: error: \(error)")
                throw ExitStatus.failed
            }
            text.truncate(to: 0)
        }
    }
}

extension GeneratorOptions.Kind: ExpressibleByArgument {}
extension GeneratorOptions.TimeEncoding: ExpressibleByArgument {}
