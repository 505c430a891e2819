package import Dataflow
import Storage
import Synchronization

/// A source slowed down to so many records a second, handed out evenly.
///
/// Records are given in portions of about 10 milliseconds; what was not taken in time is lost
/// beyond 20 milliseconds, so a stall is not followed by a burst.
package final class RateLimitedSource: ForwardingSource {
    private static let portionNanoseconds: Int64 = 10_000_000
    private static let burstNanoseconds: Int64 = 20_000_000

    package let source: any Source
    private let framing: Framing
    private let clock: EngineClock
    private let recordsPerSecond: Double
    /// The time up to which records were handed out.
    private var paidUntil: Int64?
    /// Of the records lately; unknown before the first.
    private var bytesPerRecord: Double?
    private let isInterrupted = Atomic(false)

    /// Limits `source`, whose records stand by `framing`; the rate is above zero.
    package init(
        _ source: any Source, recordsPerSecond: Double, framing: Framing, clock: EngineClock
    ) {
        precondition(recordsPerSecond > 0, "a rate limit lets something pass")
        self.source = source
        self.recordsPerSecond = recordsPerSecond
        self.framing = framing
        self.clock = clock
    }

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let start = clock.monotonicNanoseconds()
        let deadline = start + Int64(waitMilliseconds) * 1_000_000
        guard let allowed = waitForPortion(until: deadline) else { return .held }
        let now = clock.monotonicNanoseconds()
        let wanted = min(Double(byteCount), (allowed * (bytesPerRecord ?? 0)).rounded(.up))
        let left = max(deadline - now, 0) / 1_000_000
        let result = try source.read(
            byteCount: max(Int(wanted), 1), waitMilliseconds: Int(left))
        switch result {
        case .chunk(let chunk):
            let count = framing.recordCount(in: chunk.slab.bytes(chunk.range))
            if count > 0 {
                let size = Double(chunk.range.count) / Double(count)
                bytesPerRecord = ((bytesPerRecord ?? size) + size) / 2
            }
            pay(for: count)
        case .rejected(let records):
            pay(for: records.count)
        case .nothing, .held, .end:
            break
        }
        return result
    }

    /// Waits until a portion is due; gives the records in it, or nil when time is up.
    private func waitForPortion(until deadline: Int64) -> Double? {
        let perRecord = 1e9 / recordsPerSecond
        let portion = max(RateLimitedSource.portionNanoseconds, Int64(perRecord))
        while true {
            let now = clock.monotonicNanoseconds()
            let most = max(RateLimitedSource.burstNanoseconds, portion)
            let paid = max(paidUntil ?? now - portion, now - most)
            paidUntil = paid
            if now - paid >= portion { return max(Double(now - paid) / perRecord, 1) }
            if now >= deadline || isInterrupted.exchange(false, ordering: .relaxed) { return nil }
            let due = min(paid + portion, deadline)
            clock.sleep(min(due - now, RateLimitedSource.portionNanoseconds))
        }
    }

    private func pay(for count: Int) {
        guard let paid = paidUntil else { return }
        paidUntil = paid + Int64(Double(count) * 1e9 / recordsPerSecond)
    }

    package func interrupt() {
        isInterrupted.store(true, ordering: .relaxed)
        source.interrupt()
    }
}
