/// A pipeline that is killed again and again, and what its output is compared by.
struct SoakScenario {
    /// Where output goes.
    enum Output {
        /// One file, truncated when a run starts afresh.
        case file(String, isOrdered: Bool)
        /// Files that a run which starts afresh writes on: all that end so, one behind the other.
        case files(suffix: String, isOrdered: Bool)
        /// A log, to whose partitions a run that starts afresh appends.
        case log(String)
    }

    let name: String
    /// The name of a pipeline file.
    let pipeline: String
    /// What is changed of it for the test.
    let set: [String]
    let outputs: [Output]
    let points: [SoakPoint]
    var hasSecondPlace = false

    /// What the scenarios read.
    struct Inputs {
        let orders: String
        let shops: String
        /// A log with the orders in one partition.
        let log: String
        let rows: Int
    }

    static func all(_ inputs: Inputs) -> [SoakScenario] {
        let file = fileSets(inputs)
        let generated = ["sources.orders.rows=\(inputs.rows)"]
        let shops = ["sources.shops.type=file", "sources.shops.paths=[ '\(inputs.shops)' ]"]
        let log = ["sources.orders.type=log", "sources.orders.path=\(inputs.log)"]
        return [
            filter("w1", file, to: ordinary, [.file("out.ndjson", isOrdered: true)]),
            dedup("w2", file),
            toLog(file),
            SoakScenario(
                name: "w3", pipeline: "w3-join", set: file + shops + ordinary,
                outputs: [.file("out.ndjson", isOrdered: true)],
                points: SoakPoint.fileSink + SoakPoint.checkpoint),
            window("w4", file),
            chain("w5 with a second place", file + shops, hasSecondPlace: true),
            filter(
                "w1, rolled", file,
                to: ["sinks.out={ type: file, path: out.ndjson, roll: { size: 64KiB } }"],
                [.files(suffix: ".ndjson", isOrdered: true)], SoakPoint.namedFiles),
            window("w4 from a log", log),
            filter(
                "w1, by region", generated,
                to: ["sinks.out={ type: file, path: 'out-{region}.ndjson' }"],
                [.files(suffix: ".ndjson", isOrdered: false)], SoakPoint.namedFiles),
            chain("w5, generated", generated + ["sources.shops.rows=2000"]),
            dedup("w2, generated", generated),
        ]
    }

    private static func fileSets(_ inputs: Inputs) -> [String] {
        ["sources.orders.type=file", "sources.orders.paths=[ '\(inputs.orders)' ]"]
    }

    private static let ordinary = ["sinks.out.type=file", "sinks.out.path=out.ndjson"]

    /// Output in any order, and the late rows.
    private static func late(_ step: String) -> [String] {
        ordinary + ["sinks.late={ type: file, inputs: \(step).late, path: late.ndjson }"]
    }

    private static let rowsAndLate: [Output] = [
        .file("out.ndjson", isOrdered: false), .file("late.ndjson", isOrdered: false),
    ]

    private static func filter(
        _ name: String, _ source: [String], to sink: [String], _ outputs: [Output],
        _ points: [SoakPoint] = SoakPoint.fileSink
    ) -> SoakScenario {
        SoakScenario(
            name: name, pipeline: "w1-filter", set: source + sink, outputs: outputs,
            points: points + SoakPoint.checkpoint)
    }

    private static func dedup(_ name: String, _ source: [String]) -> SoakScenario {
        SoakScenario(
            name: name, pipeline: "w2-dedup", set: source + late("unique"), outputs: rowsAndLate,
            points: SoakPoint.fileSink + SoakPoint.state + SoakPoint.checkpoint)
    }

    private static func toLog(_ source: [String]) -> SoakScenario {
        let sink = """
            { type: log, path: log, key: region, partitions: 3, segment: 64KiB, keep_size: 512KiB }
            """
        return SoakScenario(
            name: "w1 to a log", pipeline: "w1-filter", set: source + ["sinks.out=\(sink)"],
            outputs: [.log("log")], points: SoakPoint.logSink + SoakPoint.checkpoint)
    }

    private static func window(_ name: String, _ source: [String]) -> SoakScenario {
        SoakScenario(
            name: name, pipeline: "w4-window", set: source + late("per_minute"),
            outputs: rowsAndLate,
            points: SoakPoint.fileSink + SoakPoint.state + SoakPoint.checkpoint)
    }

    private static func chain(
        _ name: String, _ sources: [String], hasSecondPlace: Bool = false
    ) -> SoakScenario {
        let own = hasSecondPlace ? SoakPoint.secondPlace : SoakPoint.fileSink
        return SoakScenario(
            name: name, pipeline: "w5-chain", set: sources + late("per_minute"),
            outputs: rowsAndLate, points: own + SoakPoint.state + SoakPoint.checkpoint,
            hasSecondPlace: hasSecondPlace)
    }
}
