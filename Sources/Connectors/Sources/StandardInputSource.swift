package import Dataflow
package import Storage

/// Records from standard input: a pipe, a file or a terminal.
///
/// What is there is handed out at once, so a trickle of input passes without delay; under load
/// chunks grow. The last record may lack its newline. While nobody writes, a read waits; the source
/// ends when the other end is closed.
package final class StandardInputSource: Source {
    private let stream: StandardStream
    private let clock: EngineClock
    private var buffer: RecordBuffer
    private var isAtEnd = false

    package init(
        _ stream: StandardStream, framing: Framing = .newline, recordBytesMax: Int = 1 << 20,
        clock: EngineClock
    ) {
        self.stream = stream
        self.clock = clock
        buffer = RecordBuffer(
            name: stream.name, framing: framing, recordBytesMax: recordBytesMax)
    }

    package var isBounded: Bool { true }

    package var isReplayable: Bool { false }

    package func open() throws {}

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let deadline = clock.monotonicNanoseconds() + Int64(waitMilliseconds) * 1_000_000
        while true {
            if let piece = buffer.take(byteCount: byteCount) { return piece.result }
            if isAtEnd { return buffer.finish()?.result ?? .end }
            let left = max(deadline - clock.monotonicNanoseconds(), 0)
            let wait = Int((left + 999_999) / 1_000_000)
            if try !gather(byteCount: byteCount, waitMilliseconds: wait) { return .nothing }
        }
    }

    /// Waits for bytes and takes what is there, up to `byteCount`; says whether anything was.
    private func gather(byteCount: Int, waitMilliseconds: Int) throws -> Bool {
        var room = buffer.room(byteCount: byteCount)
        var wait = waitMilliseconds
        var found = false
        while room.byteCount > 0 {
            switch try stream.read(into: room.slab, room.range, waitMilliseconds: wait) {
            case .bytes(let count):
                buffer.fill(count)
                room = SlabSlice(room.slab, room.range.dropFirst(count))
                wait = 0
                found = true
            case .nothing:
                return found
            case .end:
                isAtEnd = true
                return true
            }
        }
        return true
    }

    package func interrupt() { stream.interrupt() }

    package func close() {}
}

extension RecordBuffer.Piece {
    /// The piece as it leaves a source without partitions.
    var result: ReadResult {
        switch self {
        case .rejected(let record):
            .rejected([record])
        case .records(let slice, let place):
            .chunk(RawChunk(slab: slice.slab, range: slice.range, place: place))
        }
    }
}
