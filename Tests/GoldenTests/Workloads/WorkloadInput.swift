import Connectors
import TestSupport
import Testing

/// Orders for the workloads, and how far the pipeline lets them be behind.
struct WorkloadInput: Sendable, CustomTestStringConvertible {
    let name: String
    var rows = 20_000
    var seed = Seeds.base
    var disorder: Int64 = 5_000
    var duplicates = 10.0
    var late = 1.0
    /// The watermark's delay and what `dedup` remembers, in milliseconds.
    var delay = 5_000
    var retain = 900_000
    /// Minutes of event time that the rows cover.
    var span: Int64 = 60

    var testDescription: String { name }

    func orders() throws -> String {
        var options = GeneratorOptions(.orders)
        options.rows = rows
        options.seed = seed
        options.disorder = disorder * 1000
        options.duplicates = duplicates
        options.late = late
        options.span = span * 60_000_000
        // Some orders name shops that are not there.
        options.shops = 2200
        return try GeneratedInput.text(options)
    }

    /// Runs a workload over `orders` and `shops`.
    func run(
        _ workload: Workload, _ orders: String, _ shops: String, _ settings: String...
    ) throws -> PipelineRun {
        try PipelineRun.run(
            workload.rawValue, inputs: ["orders.ndjson": orders, "shops.ndjson": shops],
            set: settings.map { "settings.\($0)" } + self.settings(workload))
    }

    /// What makes a workload read and write files.
    func settings(_ workload: Workload) -> [String] {
        var set = [
            "sources.orders.type=file", "sources.orders.paths=[ orders.ndjson ]",
            "sinks.out.type=file", "sinks.out.path=out.ndjson",
        ]
        if workload.needsShops {
            set += ["sources.shops.type=file", "sources.shops.paths=[ shops.ndjson ]"]
        }
        if let step = workload.lateStep {
            set.append("sources.orders.watermark.max_delay=\(delay)ms")
            set.append("sinks.late={ type: file, inputs: \(step).late, path: late.ndjson }")
        }
        if workload == .dedup || workload == .chain {
            set.append("steps.unique.retain=\(retain)ms")
        }
        return set
    }
}
