import Foundation

/// What one part of a workload gave; printed as a JSON object with the members of the peers'.
struct StoreResult {
    let workload: String
    let form: String
    var operations: Int
    var timer: StoreTimer
    /// Waiting at the end for what was under way in the background.
    var settleSeconds = 0.0
    /// Bytes of files written, by flushes and merges.
    var written = (flushed: 0, merged: 0)
    /// Checkpoints that were made.
    var checkpoints = 0
    /// Bytes of all files at the end.
    var diskBytes = 0
    /// Keys that were new, or found, or read, as the workload has it.
    var hits = 0
    var checksum: UInt64 = 0
    /// The digest of the sequence of keys.
    var digest: UInt64 = 0

    var json: String {
        let seconds = Double(timer.nanoseconds) / 1e9
        let digits = String(digest, radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.count) + digits
        let members: [(name: String, value: String)] = [
            ("store", "\"weir\""), ("workload", "\"\(workload)\""), ("form", "\"\(form)\""),
            ("operations", "\(operations)"), ("batch", "\(StoreKeys.countMax)"),
            ("seconds", seconds.fixed(6)),
            ("operationsPerSecond", (Double(operations) / seconds).fixed(0)),
            ("threadSeconds", (Double(timer.threadNanoseconds) / 1e9).fixed(6)),
            ("cpuSeconds", (Double(timer.processNanoseconds) / 1e9).fixed(6)),
            ("batchMedianMicros", timer.batchMicroseconds(0.5).fixed(1)),
            ("batchP99Micros", timer.batchMicroseconds(0.99).fixed(1)),
            ("batchMaxMicros", timer.batchMicroseconds(1).fixed(1)),
            ("threadMedianMicros", timer.threadMicroseconds(0.5).fixed(1)),
            ("threadP99Micros", timer.threadMicroseconds(0.99).fixed(1)),
            ("checkpoints", "\(checkpoints)"), ("settleSeconds", settleSeconds.fixed(3)),
            ("bytesWritten", "\(written.flushed + written.merged)"),
            ("bytesMerged", "\(written.merged)"), ("diskBytes", "\(diskBytes)"),
            ("hits", "\(hits)"), ("checksum", "\(checksum)"), ("digest", "\"\(padded)\""),
            ("peakMemoryKB", "\(Self.peakMemoryKB)"),
        ]
        return "{" + members.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    /// The greatest resident memory of this process so far.
    private static var peakMemoryKB: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return Int(line.filter(\.isNumber)) ?? 0
    }
}
