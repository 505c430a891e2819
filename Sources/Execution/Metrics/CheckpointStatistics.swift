/// What came of the checkpoints of a run. Times in nanoseconds.
package struct CheckpointStatistics: Sendable, Equatable {
    package internal(set) var completed = 0
    package internal(set) var failed = 0
    /// The longest from its barrier to its end.
    package private(set) var longest: Int64 = 0
    /// How long tasks were held up; of a long run the last ones.
    private var pauses: [Int64] = []
    private var nextPause = 0
    /// Epochs that the second place is behind, if there is one.
    package internal(set) var epochsBehind: Int?

    private static let pausesKept = 4096

    mutating func note(pauses: [Int64], duration: Int64) {
        longest = max(longest, duration)
        for pause in pauses {
            if self.pauses.count < Self.pausesKept {
                self.pauses.append(pause)
            } else {
                self.pauses[nextPause] = pause
                nextPause = (nextPause + 1) % Self.pausesKept
            }
        }
    }

    /// The pause that so many in a hundred do not pass; 0 where there was none.
    package func pause(percentile: Int) -> Int64 {
        guard !pauses.isEmpty else { return 0 }
        return pauses.sorted()[min(pauses.count * percentile / 100, pauses.count - 1)]
    }

    /// A line for people.
    package var text: String {
        func milliseconds(_ nanoseconds: Int64) -> String {
            "\(nanoseconds / 1_000_000).\(nanoseconds / 100_000 % 10) ms"
        }
        var text = "checkpoints: complete \(completed), failed \(failed)"
        if longest > 0 {
            let (median, most) = (pause(percentile: 50), pause(percentile: 99))
            text +=
                "; longest \(milliseconds(longest)); pause of a task p50 "
                + "\(milliseconds(median)), p99 \(milliseconds(most))"
        }
        if let epochsBehind { text += "; second place \(epochsBehind) behind" }
        return text
    }
}
