import Dataflow
import Histogram
import Synchronization

/// Takes results from a connection and notes how long after its due moment each row came.
final class LatencyReceiver: Sendable {
    private let listener: LoopbackSocket
    private let recorded = Mutex(Histogram<UInt64>(numberOfSignificantValueDigits: .three))

    init() throws { listener = try LoopbackSocket.listening() }

    /// Where results go.
    var port: UInt16 { listener.port }

    /// Microseconds of all rows that counted.
    var histogram: Histogram<UInt64> { recorded.withLock { $0 } }

    /// Takes one connection's results to its end; rows before `first` do not count.
    func receive(schedule: LatencySchedule, from first: Int) {
        guard let connection = try? listener.accepted() else { return }
        let clock = EngineClock.system
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var kept = 0
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        histogram.autoResize = true
        while true {
            let count = connection.receive(into: &buffer, behind: kept)
            if count == 0 { break }
            let now = clock.monotonicNanoseconds()
            let end = kept + count
            var start = 0
            while let newline = buffer[start..<end].firstIndex(of: UInt8(ascii: "\n")) {
                if let row = Self.number(buffer[start..<newline]), row >= first {
                    histogram.record(UInt64(max(0, now - schedule.due(row)) / 1000))
                }
                start = newline + 1
            }
            buffer.replaceSubrange(0..<end - start, with: Array(buffer[start..<end]))
            kept = end - start
        }
        let result = histogram
        recorded.withLock { $0 = result }
    }

    /// The number behind `{"n":`.
    private static func number(_ record: ArraySlice<UInt8>) -> Int? {
        guard record.count > 5, record.starts(with: "{\"n\":".utf8) else { return nil }
        var value = 0
        for byte in record.dropFirst(5) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
