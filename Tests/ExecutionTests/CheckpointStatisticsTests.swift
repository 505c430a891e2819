import Testing

@testable import Execution

struct CheckpointStatisticsTests {
    @Test func pausesAreGivenByPercentile() {
        var statistics = CheckpointStatistics()
        #expect(statistics.pause(percentile: 99) == 0)
        statistics.note(pauses: (1...100).shuffled().map { $0 * 1_000_000 }, duration: 7_000_000)
        statistics.note(pauses: [], duration: 5_000_000)
        #expect(statistics.pause(percentile: 50) == 51_000_000)
        #expect(statistics.pause(percentile: 99) == 100_000_000)
        #expect(statistics.longest == 7_000_000)
        statistics.epochsBehind = 2
        #expect(
            statistics.text == "checkpoints: complete 0, failed 0; longest 7.0 ms; pause of a task "
                + "p50 51.0 ms, p99 100.0 ms; second place 2 behind")
    }

    @Test func ofManyPausesTheLastCount() {
        var statistics = CheckpointStatistics()
        statistics.note(pauses: Array(repeating: 9, count: 5000), duration: 1)
        statistics.note(pauses: Array(repeating: 3, count: 4096), duration: 1)
        #expect(statistics.pause(percentile: 99) == 3)
    }
}
