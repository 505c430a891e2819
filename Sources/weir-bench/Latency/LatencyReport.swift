import Histogram

/// What a measurement of latency gave.
struct LatencyReport {
    let rowsPerSecond: Int
    let seconds: Int
    /// Microseconds from the moment a row was due to its result.
    let histogram: Histogram<UInt64>

    private func milliseconds(_ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1000
    }

    var line: String {
        func shown(_ percentile: Double) -> String { milliseconds(percentile).fixed(3) + " ms" }
        return "\(rowsPerSecond) rows/s for \(seconds) s: \(histogram.totalCount) results, "
            + "median \(shown(50)), p99 \(shown(99)), p99.9 \(shown(99.9)), worst \(shown(100))"
    }

    var json: String {
        let json: ResultJSON = [
            "rate": .int(rowsPerSecond), "seconds": .int(seconds),
            "results": .int(histogram.totalCount),
            "median_ms": .number(milliseconds(50), digits: 3),
            "p99_ms": .number(milliseconds(99), digits: 3),
            "p999_ms": .number(milliseconds(99.9), digits: 3),
            "max_ms": .number(milliseconds(100), digits: 3),
        ]
        return json.text
    }
}
