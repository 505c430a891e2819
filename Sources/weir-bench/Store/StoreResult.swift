import Foundation

/// What one part of a workload gave; printed as a JSON object with the members of the peers'.
struct StoreResult {
    let workload: String
    let form: String
    var operations: Int
    var timer: BatchTimer
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
        let json: ResultJSON = [
            "store": .text("weir"), "workload": .text(workload), "form": .text(form),
            "operations": .int(operations), "batch": .int(StoreKeys.countMax),
            "seconds": .number(seconds, digits: 6),
            "operationsPerSecond": .number(Double(operations) / seconds, digits: 0),
            "threadSeconds": .number(Double(timer.threadNanoseconds) / 1e9, digits: 6),
            "cpuSeconds": .number(Double(timer.processNanoseconds) / 1e9, digits: 6),
            "batchMedianMicros": .number(timer.batchMicroseconds(0.5), digits: 1),
            "batchP99Micros": .number(timer.batchMicroseconds(0.99), digits: 1),
            "batchMaxMicros": .number(timer.batchMicroseconds(1), digits: 1),
            "threadMedianMicros": .number(timer.threadMicroseconds(0.5), digits: 1),
            "threadP99Micros": .number(timer.threadMicroseconds(0.99), digits: 1),
            "checkpoints": .int(checkpoints), "settleSeconds": .number(settleSeconds, digits: 3),
            "bytesWritten": .int(written.flushed + written.merged),
            "bytesMerged": .int(written.merged), "diskBytes": .int(diskBytes),
            "hits": .int(hits), "checksum": .int(checksum), "digest": .text(padded),
            "peakMemoryKB": .int(Self.peakMemoryKB),
        ]
        return json.text
    }

    /// The greatest resident memory of this process so far.
    private static var peakMemoryKB: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return Int(line.filter(\.isNumber)) ?? 0
    }
}
