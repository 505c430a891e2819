import Connectors
import Dataflow
import Storage

/// When rows are due: row `n` so many nanoseconds behind the first, whatever happened before.
struct LatencySchedule: Sendable {
    let start: Int64
    let rowsPerSecond: Int

    /// The moment a row is due, on the monotonic clock.
    func due(_ row: Int) -> Int64 { start + Int64(row) * 1_000_000_000 / Int64(rowsPerSecond) }

    /// Rows that are due by a moment.
    func rows(by moment: Int64) -> Int {
        max(0, Int((moment - start) * Int64(rowsPerSecond) / 1_000_000_000) + 1)
    }
}

/// Sends orders at a fixed rate, each with its number as first member.
final class LatencySender {
    let schedule: LatencySchedule
    private let socket: LoopbackSocket
    private let generator: RecordGenerator
    private let clock = EngineClock.system

    /// Nanoseconds between two looks at the clock; rows that became due meanwhile go together.
    private static let tickNanoseconds: Int64 = 200_000
    private static let startNanoseconds: Int64 = 300_000_000

    init(port: UInt16, rowsPerSecond: Int, rowCount: Int) throws {
        var options = GeneratorOptions(.orders)
        options.rows = rowCount
        // Event time runs as fast as the clock.
        options.span = Int64(rowCount) * 1_000_000 / Int64(rowsPerSecond)
        generator = try RecordGenerator(options)
        socket = try LoopbackSocket.connected(to: port)
        schedule = LatencySchedule(
            start: clock.monotonicNanoseconds() + Self.startNanoseconds,
            rowsPerSecond: rowsPerSecond)
    }

    /// Sends everything, to the end of the schedule.
    func send() throws {
        var sent = 0
        while sent < generator.rowCount {
            let due = min(schedule.rows(by: clock.monotonicNanoseconds()), generator.rowCount)
            if due > sent {
                let text = numbered(sent..<due)
                try socket.send(text)
                sent = due
            }
            clock.sleep(Self.tickNanoseconds)
        }
    }

    /// Records with `"n":` and their number put before their members.
    private func numbered(_ rows: Range<Int>) -> [UInt8] {
        var text = GeneratedText(byteCount: rows.count * RecordGenerator.recordBytesMax)
        generator.write(rows: rows, into: &text)
        let bytes = text.slab.bytes(0..<text.byteCount)
        var result: [UInt8] = []
        result.reserveCapacity(text.byteCount + rows.count * 16)
        var row = rows.lowerBound
        var isStart = true
        for offset in bytes.byteOffsets {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            if isStart {
                result.append(contentsOf: "{\"n\":\(row),".utf8)
                row += 1
            } else {
                result.append(byte)
            }
            isStart = byte == UInt8(ascii: "\n")
        }
        return result
    }
}
