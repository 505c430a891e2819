import Dataflow
import Execution
import Glibc
import Storage
import TestSupport
import Testing

/// Runs over recorded data of others, which is no part of the project.
///
/// The folder is that of the environment variable `WEIR_DATA`, or `../shared/data` beside the
/// repository; without it the tests are skipped, and the report says so.
struct RealDataTests {
    static let folder: String = {
        if let path = unsafe getenv("WEIR_DATA") { return unsafe String(cString: path) }
        return "\(Repository.path)/../shared/data"
    }()

    static let isThere =
        (try? DiskFileSystem().status(of: folder + "/README.md")) != nil
        && (try? DiskFileSystem().names(in: folder)) != nil

    private static let missing: Comment = "no recorded data: set WEIR_DATA to its folder"

    private let directory = TemporaryDirectory()

    /// The text of a file of the folder, decompressed.
    private func text(_ name: String) throws -> String {
        let shell = try WeirProcess(shell: "exec zcat -f '\(Self.folder)/\(name)'")
        shell.closeInput()
        let text = shell.rest()
        #expect(shell.wait() == 0)
        return text
    }

    /// What `--stats` says of a step or source: `received`, `passed` and the like.
    private func counts(_ errors: String, _ name: String) -> [String: Int] {
        let line = errors.split(separator: "\n").first {
            $0.hasPrefix("step \(name) ") || $0.hasPrefix("source \(name):")
        }
        let words = (line ?? "").split { " :,;=+".contains($0) }
        var counts: [String: Int] = [:]
        for (word, number) in zip(words, words.dropFirst()) {
            if let count = Int(number) { counts[String(word)] = count }
        }
        return counts
    }

    @Test(.enabled(if: isThere, missing))
    func flightsFindTheirAirlinesPlanesAndAirports() throws {
        for name in ["airports", "planes"] {
            try DiskFileSystem().write(
                try text("nycflights13-dims/\(name).csv.gz"), to: directory("\(name).csv"))
        }
        let yaml = """
            sources:
              flights:
                type: file
                paths: [ "\(Self.folder)/hflights/hflights.csv.zst" ]
                format: csv
                schema: { UniqueCarrier: string, TailNum: string, Dest: string }
              airlines:
                type: file
                paths: [ "\(Self.folder)/nycflights13-dims/airlines.csv" ]
                format: csv
                schema: { carrier: string, name: string }
                table: { key: carrier }
              planes: { type: file, paths: [ "\(directory("planes.csv"))" ], format: csv,
                        schema: { tailnum: string, seats: int }, table: { key: tailnum } }
              airports: { type: file, paths: [ "\(directory("airports.csv"))" ], format: csv,
                          schema: { faa: string, lat: float }, table: { key: faa } }
            steps:
              by_airline:
                { type: broadcast_join, table: airlines, on: { UniqueCarrier: carrier } }
              by_plane:
                { type: broadcast_join, inputs: flights, table: planes, on: { TailNum: tailnum } }
              by_airport:
                { type: broadcast_join, inputs: flights, table: airports, on: { Dest: faa } }
            sinks:
              out: { type: blackhole, inputs: [ by_airline, by_plane, by_airport ] }
            """
        try DiskFileSystem().write(yaml, to: directory("flights.yaml"))
        let weir = try WeirProcess("run", directory("flights.yaml"), "--stats")
        weir.closeInput()
        let errors = weir.allErrors()
        #expect(weir.wait() == 0)
        #expect(counts(errors, "flights")["rows"] == 227_496, "\(errors)")
        for (step, found) in [
            ("by_airline", 84_411), ("by_plane", 166_627), ("by_airport", 227_105),
        ] {
            #expect(counts(errors, step)["passed"] == found, "\(step)")
            #expect(counts(errors, step)["unmatched"] == 227_496 - found, "\(step)")
        }
        #expect(counts(errors, "airports")["rows"] == 1458)
        #expect(counts(errors, "planes")["rows"] == 3322)
    }

    /// One row of a series.
    private struct Sample {
        /// `2014-02-14 14:30:00`.
        let time: Substring
        let text: Substring
        let value: Double

        var hour: Substring { time.prefix(13) }
        /// Seconds, in an order like that of time; a month has 31 days here.
        var order: Int {
            let parts = time.split { " -:".contains($0) }.compactMap { Int($0) }
            return ((((parts[0] * 12 + parts[1]) * 31 + parts[2]) * 24 + parts[3]) * 60 + parts[4])
                * 60 + parts[5]
        }
    }

    @Test(.enabled(if: isThere, missing))
    func seriesAreSummarizedByTheHour() throws {
        var names: [String] = []
        for folder in ["realAWSCloudwatch", "realTraffic"] {
            names += try DiskFileSystem().names(in: "\(Self.folder)/nab/\(folder)").sorted()
                .map { "nab/\(folder)/\($0)" }
        }
        var rows = 0
        for name in names where name.contains(".csv") {
            let series = try text(name)
            let run = try PipelineRun.run(
                "csv-hourly", inputs: ["in": series],
                set: [
                    "sources.series.type=file", "sources.series.paths=[ in ]",
                    "sinks.out.type=file", "sinks.out.path=out", "settings.workers=2",
                    "settings.chunk_size=20KiB",
                ])
            #expect(run.failure == nil)
            rows += series.split(separator: "\n").count - 1
            check(run, series, name)
        }
        #expect(rows == 83_404)
    }

    private func check(_ run: PipelineRun, _ series: String, _ name: String) {
        var hours: [Substring: [Sample]] = [:]
        var greatest = Int.min + 3600
        var late = 0
        for line in series.split(separator: "\n").dropFirst() {
            let parts = line.split(separator: ",")
            guard parts.count == 2, let value = Double(parts[1].trimmed) else { continue }
            let sample = Sample(time: parts[0], text: parts[1].trimmed, value: value)
            if greatest - 60 >= (sample.order / 3600 + 1) * 3600 {
                late += 1
            } else {
                hours[sample.hour, default: []].append(sample)
            }
            greatest = max(greatest, sample.order)
        }
        #expect(run.counters("hourly").late == late, "\(name)")
        let lines = run.lines("out").dropFirst()
        #expect(lines.count == hours.count, "\(name)")
        for line in lines {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            let samples = hours[fields[0].prefix(13)] ?? []
            let values = samples.map(\.value)
            guard fields.count == 8, let first = values.first, let last = values.last else {
                Issue.record("\(name): \(line)")
                continue
            }
            let found = fields.dropFirst().map { Double($0) }
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let deviation =
                values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
            #expect(found[0] == Double(values.count), "\(name): \(line)")
            #expect(found[1...3].elementsEqual([first, last, values.min()]), "\(name): \(line)")
            #expect(isNear(found[4], mean) && found[5] == values.max(), "\(name): \(line)")
            #expect(isNear(found[6], deviation), "\(name): \(line)")
        }
    }

    /// Equal but for the rounding to six digits, and that of a plain sum.
    private func isNear(_ a: Double?, _ b: Double?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return abs(a - b) <= 1e-6 + abs(b) * 1e-9
    }

    @Test(.enabled(if: isThere, missing), arguments: [0, 10, 30, 60])
    func linesOfALogAreLateAsTheirDelaySays(_ delay: Int) throws {
        let log = try text("elastic/apache_access.log.gz")
        let yaml = """
            sources:
              log:
                type: file
                paths: [ log ]
                format:
                  type: csv
                  delimiter: " "
                  header: false
                  columns: [ ip, ident, user, time, zone, request, status, size, from, agent ]
                schema: { time: { type: timestamp, pattern: "[%d/%b/%Y:%H:%M:%S" }, status: int }
                event_time: time
                watermark: { max_delay: \(delay)s }
            steps:
              tens:
                type: window
                window: { kind: tumbling, size: 10s }
                aggregate: { n: count() }
            sinks: { out: { type: blackhole }, bad: { type: file, path: bad, inputs: log.errors } }
            """
        let files = MemoryFileSystem()
        files.put("log", log)
        let run = try PipelineRun.run(yaml, name: "log", over: files)
        #expect(run.failure == nil)
        // One line lacks its closing quote, which takes the next one with it.
        #expect(run.lines("bad").count == 1)
        #expect(run.statistics.sources[0].counters.rows == 9998)
        let all = [0: 8144, 10: 6489, 30: 3136, 60: 0][delay] ?? -1
        let late = run.counters("tens").late
        #expect((all - 2...all).contains(late))
    }

    @Test(.enabled(if: isThere, missing))
    func eventsAreReadByNestedPaths() throws {
        let events = try text("github-events/gharchive_2021-07-21.ndjson.gz")
        let yaml = """
            sources:
              events:
                type: file
                paths: [ events ]
                schema:
                  type: string
                  created_at: timestamp
                  actor.login: string
                  payload.pull_request.additions: int
                  commits: { type: json, path: payload.commits }
                event_time: created_at
                watermark: { max_delay: 1d }
            steps:
              daily:
                type: window
                by: type
                window: { kind: tumbling, size: 1d }
                aggregate:
                  n: count()
                  actors: count_distinct(actor.login)
                  additions: sum(payload.pull_request.additions)
                  pushed: count(commits)
            sinks: { out: { type: file, path: out } }
            """
        let files = MemoryFileSystem()
        files.put("events", events)
        let run = try PipelineRun.run(
            yaml, name: "events", over: files, set: ["settings.chunk_size=64KiB"])
        #expect(run.failure == nil)
        var groups: [String: (n: Int, actors: Set<String>, additions: Int?, pushed: Int)] = [:]
        for event in try JSONValue.lines(events) {
            guard case .string(let type)? = event["type"] else { continue }
            var group = groups[type] ?? (0, [], nil, 0)
            group.n += 1
            if case .string(let login)? = event["actor"]?["login"] { group.actors.insert(login) }
            if case .number(let text)? = event["payload"]?["pull_request"]?["additions"] {
                group.additions = (group.additions ?? 0) + (Int(text) ?? 0)
            }
            if let commits = event["payload"]?["commits"], commits != .null { group.pushed += 1 }
            groups[type] = group
        }
        #expect(groups.values.reduce(0) { $0 + $1.n } == 800)
        let expected = groups.map { type, group in
            "{\"window_start\":\"2021-07-21T00:00:00Z\",\"window_end\":\"2021-07-22T00:00:00Z\","
                + "\"type\":\"\(type)\",\"n\":\(group.n),\"actors\":\(group.actors.count),"
                + "\"additions\":\(group.additions.map { "\($0)" } ?? "null"),"
                + "\"pushed\":\(group.pushed)}"
        }
        #expect(run.lines("out").map { String($0) }.sorted() == expected.sorted())
    }
}

extension Substring {
    /// Without a carriage return at its end.
    fileprivate var trimmed: Substring { hasSuffix("\r") ? dropLast() : self }
}
