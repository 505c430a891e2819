import Connectors
import Dataflow
import Execution
import Glibc
import Storage
import TestSupport
import Testing

/// Every file of `pipelines/` runs, and gives what stands in `Tests/GoldenTests/Golden`.
///
/// With `WEIR_GOLDEN=write` in the environment the results are written there instead.
struct PipelineFilesTests {
    /// A file, what it reads in the test, and how it is changed for that.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let set: [String]
        let input: @Sendable () throws -> [String: String]
        /// Output files, in the order in which they stand in the golden file.
        var outputs = ["out"]

        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "shell-filter",
            set: [
                "sources.in.type=file", "sources.in.paths=[ in ]", "sinks.out.type=file",
                "sinks.out.path=out",
            ],
            input: { ["in": try GeneratedInput.orders(60)] }),
        Case(
            name: "sensors-hourly",
            set: [
                "sources.readings.type=file", "sources.readings.paths=[ in ]",
                "sinks.summary.type=file", "sinks.summary.path=out", "sinks.late.path=late",
                "sinks.rejects.path=rejects",
            ],
            input: { ["in": try readings() + "{\"sensor_id\":\"s-1\"}\n[1]\n"] },
            outputs: ["out", "late", "rejects"]),
        Case(
            name: "tcp-enrich",
            set: [
                "sources.orders.type=file", "sources.orders.paths=[ in ]",
                "sources.orders.watermark.per=source", "sources.shops.type=file",
                "sources.shops.paths=[ shops ]", "sinks.out.type=file", "sinks.out.path=out",
                "sinks.late.path=late", "sinks.rejects.path=rejects",
            ],
            input: {
                var options = GeneratorOptions(.orders)
                options.rows = 60
                options.shops = 50
                options.duplicates = 40
                options.late = 10
                options.span = 600_000_000
                let cut = "{\"order_id\":\"o-1\",\"ts\":17672262"
                return [
                    "in": try GeneratedInput.text(options) + cut,
                    "shops": try GeneratedInput.shops(40),
                ]
            },
            outputs: ["out", "late", "rejects"]),
        Case(
            name: "csv-hourly",
            set: [
                "sources.series.type=file", "sources.series.paths=[ in ]", "sinks.out.type=file",
                "sinks.out.path=out",
            ],
            input: { ["in": series()] }),
        Case(
            name: "live-orders",
            set: [
                "sources.orders.type=file", "sources.orders.paths=[ in ]",
                "sources.shops.type=file", "sources.shops.paths=[ shops ]",
                "sinks.totals.type=file", "sinks.totals.path=out", "sinks.refunds.path=refunds",
            ],
            input: {
                var options = GeneratorOptions(.orders)
                options.rows = 200
                options.shops = 50
                options.disorder = 2_000_000
                options.span = 60_000_000
                return [
                    "in": try GeneratedInput.text(options), "shops": try GeneratedInput.shops(40),
                ]
            },
            outputs: ["out", "refunds"]),
    ]

    private static func readings() throws -> String {
        var options = GeneratorOptions(.sensors)
        options.rows = 600
        options.keys = 30
        options.span = 10_800_000_000
        options.late = 5
        return try GeneratedInput.text(options)
    }

    /// A value every five minutes, some of them absent, one of them no number.
    private static func series() -> String {
        var random = SplitMix64(seed: 1)
        var text = "timestamp,value\n"
        for minute in stride(from: 0, to: 300, by: 5) {
            let time = "2014-02-14 1\(minute / 60):\(minute % 60 / 10)\(minute % 10):00"
            let value = random.chance(0.1) ? "" : "\(random.int(0..<10_000))"
            text += "\(time),\(value.isEmpty ? "" : "0.\(value)")\n"
        }
        return text + "2014-02-14 15:00:00,broken\n"
    }

    @Test func everyFileHasATest() throws {
        let names = try DiskFileSystem().names(in: "\(Repository.path)/pipelines")
        let known = Self.cases.map(\.name) + Workload.allCases.map(\.rawValue)
        #expect(names.sorted() == known.map { "\($0).yaml" }.sorted())
    }

    @Test(arguments: cases)
    func aFileGivesItsGoldenResult(_ file: Case) throws {
        let run = try PipelineRun.run(
            file.name, inputs: try file.input(), set: file.set + ["settings.workers=1"])
        #expect(run.failure == nil)
        let found = file.outputs.map { "\($0):\n\(run.text($0))" }.joined()
        let path = "\(Repository.path)/Tests/GoldenTests/Golden/\(file.name).txt"
        if let mode = unsafe getenv("WEIR_GOLDEN"), unsafe String(cString: mode) == "write" {
            try DiskFileSystem().write(found, to: path)
        }
        #expect(found == (try? DiskFileSystem().text(of: path)))
    }

    @Test(arguments: cases)
    func aFileGivesTheSameOnSeveralWorkers(_ file: Case) throws {
        let input = try file.input()
        let plain = try PipelineRun.run(
            file.name, inputs: input, set: file.set + ["settings.workers=1"])
        for workers in [2, 3] {
            let run = try PipelineRun.run(
                file.name, inputs: input,
                set: file.set + [
                    "settings.workers=\(workers)", "settings.chunk_size=2000B",
                    "settings.batch_rows=5",
                ])
            #expect(run.failure == nil)
            // Places of error rows say where a chunk starts, so they are compared without.
            for output in file.outputs {
                #expect(
                    run.lines(output).map(Self.withoutPlace).sorted()
                        == plain.lines(output).map(Self.withoutPlace).sorted())
            }
        }
    }

    static func withoutPlace(_ line: Substring) -> String {
        guard let value = try? JSONValue(bytes: Array(line.utf8)), case .object(let members) = value
        else { return String(line) }
        return "\(JSONValue.object(members.filter { $0.name != "position" }))"
    }
}
