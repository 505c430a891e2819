import Histogram

/// What a measurement of latency gave.
struct LatencyReport {
    let rowsPerSecond: Int
    let seconds: Int
    /// Microseconds from the moment a row was due to its result.
    let histogram: Histogram<UInt64>

    private func milliseconds(_ percentile: Double) -> String {
        (Double(histogram.valueAtPercentile(percentile)) / 1000).fixed(3)
    }

    var line: String {
        "\(rowsPerSecond) rows/s for \(seconds) s: \(histogram.totalCount) results, "
            + "median \(milliseconds(50)) ms, p99 \(milliseconds(99)) ms, "
            + "p99.9 \(milliseconds(99.9)) ms, worst \(milliseconds(100)) ms"
    }

    var json: String {
        "{\"rate\":\(rowsPerSecond),\"seconds\":\(seconds),\"results\":\(histogram.totalCount),"
            + "\"median_ms\":\(milliseconds(50)),\"p99_ms\":\(milliseconds(99)),"
            + "\"p999_ms\":\(milliseconds(99.9)),\"max_ms\":\(milliseconds(100))}"
    }
}
