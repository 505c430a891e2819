import Dataflow

/// What one measurement gave: the median of several runs.
struct Measurement {
    let name: String
    /// Rows, or hops, of a run.
    let rowCount: Int
    /// Bytes of text read or written in a run, where that is what the work is about.
    let byteCount: Int?
    /// Seconds of each run.
    let seconds: [Double]
    /// Calls of the allocator in a run, for each batch, where they can be counted.
    let allocationsPerBatch: Double?

    var median: Double { seconds.sorted()[seconds.count / 2] }
    var nanosecondsPerRow: Double { median / Double(rowCount) * 1e9 }
    var millionRowsPerSecond: Double { Double(rowCount) / median / 1e6 }
    var megabytesPerSecond: Double? { byteCount.map { Double($0) / median / 1e6 } }

    /// The measurement as a JSON object.
    var json: String {
        var json: ResultJSON = [
            "name": .text(name), "rows": .int(rowCount),
            "ns_per_row": .number(nanosecondsPerRow, digits: 2),
            "million_rows_per_second": .number(millionRowsPerSecond, digits: 3),
        ]
        if let value = megabytesPerSecond { json.add("mb_per_second", .number(value, digits: 1)) }
        if let value = allocationsPerBatch {
            json.add("allocations_per_batch", .number(value, digits: 2))
        }
        return json.text
    }

    /// The heading of the table of measurements.
    static let heading =
        "measurement".padded(to: 44, right: false) + "ns/row".padded(to: 10)
        + "M rows/s".padded(to: 10) + "MB/s".padded(to: 8) + "allocs/batch".padded(to: 14)

    /// A line of the table.
    var line: String {
        func cell(_ value: Double?, _ digits: Int, _ width: Int) -> String {
            (value.map { $0.fixed(digits) } ?? "").padded(to: width)
        }
        return name.padded(to: 44, right: false) + cell(nanosecondsPerRow, 1, 10)
            + cell(millionRowsPerSecond, 2, 10) + cell(megabytesPerSecond, 0, 8)
            + cell(allocationsPerBatch, 1, 14)
    }
}

extension String {
    /// The text with blanks up to a width: before it, or behind it.
    func padded(to width: Int, right: Bool = true) -> String {
        let blanks = String(repeating: " ", count: max(0, width - count))
        return right ? blanks + self : self + blanks
    }
}

/// Runs measurements: each several times after a warm-up, or once to count allocations.
struct Bench {
    /// Runs that are timed.
    let runs: Int
    /// Only measurements whose name has this in it.
    let filter: String?
    /// Allocations of each batch by measurement, as another process counted them.
    let allocations: [String: Double]
    private(set) var results: [Measurement] = []

    init(runs: Int, filter: String?, allocations: [String: Double]) {
        self.runs = runs
        self.filter = filter
        self.allocations = allocations
    }

    /// A run is repeated until it takes this long, so that the clock's grain does not show.
    private static let nanosecondsMin: Int64 = 20_000_000

    /// Measures `body`, which works through `rowCount` rows in `batchCount` batches.
    mutating func measure(
        _ name: String, rows rowCount: Int, batches batchCount: Int, bytes byteCount: Int? = nil,
        _ body: () throws -> Void
    ) rethrows {
        if let filter, !name.contains(filter) { return }
        let clock = EngineClock.system
        func nanoseconds(repeats: Int) throws -> Int64 {
            let start = clock.monotonicNanoseconds()
            for _ in 0..<repeats { try body() }
            return max(clock.monotonicNanoseconds() - start, 1)
        }
        let first = try nanoseconds(repeats: 1)
        if AllocationTrace.isOn {
            let count = try AllocationTrace.counted(body)
            print("\(name)\t\(Double(count) / Double(batchCount))")
            return
        }
        let repeats = Int(max(1, Self.nanosecondsMin / first))
        var seconds: [Double] = []
        for _ in 0..<runs {
            seconds.append(Double(try nanoseconds(repeats: repeats)) / Double(repeats) / 1e9)
        }
        results.append(
            Measurement(
                name: name, rowCount: rowCount, byteCount: byteCount, seconds: seconds,
                allocationsPerBatch: allocations[name]))
    }
}
