import Dataflow
import Storage

/// Collects the bytes of one stream and gives them out as whole records.
///
///     slab  | given out … | unfinished or not yet given out | free |
///                         start                             end
///
/// Bytes are read straight into the slab. When most of it is whole records, the slab itself goes
/// out and the rest moves to a new one; when they are few, they are copied out and the slab stays.
/// Holds at most one read more than the longest record, and nothing while nothing is unfinished.
struct RecordBuffer: ~Copyable {
    /// What comes out.
    enum Piece {
        /// Whole records, and where the first of them stands.
        case records(SlabSlice, place: SourcePlace)
        case rejected(RejectedRecord)
    }

    /// Bytes of a rejected record that are kept.
    static let rawBytesMax = 4096
    /// The smallest room for a read.
    static let roomMin = 4096

    let name: String
    private let framing: Framing
    private let recordBytesMax: Int
    private var cutter: RecordCutter
    private var slab: Slab?
    private var start = 0
    private var end = 0
    /// What the last read asked room for.
    private var roomByteCount = RecordBuffer.roomMin
    /// Whether the rejected record at the front has been given out.
    private var isReported = false
    /// Bytes from `start` that are known to be whole records.
    private var readyCount = 0
    /// The offset of `start` in the stream.
    private var offset: Int
    /// Where the record starts that was rejected and of which more is passed over.
    private var rejectedOffset: Int?
    /// Whether the first record, if it is overlong, was rejected before.
    private var beginsRejected: Bool

    /// Where reading may begin again.
    struct Place {
        let offset: Int
        /// Whether the record that starts there was rejected already.
        let isRejected: Bool
    }

    /// A buffer for a stream called `name`, of which the bytes before `offset` were given out;
    /// `beginsRejected` as `place` has it.
    init(
        name: String, framing: Framing, recordBytesMax: Int, offset: Int = 0,
        beginsRejected: Bool = false
    ) {
        self.beginsRejected = beginsRejected
        self.name = name
        self.framing = framing
        self.recordBytesMax = recordBytesMax
        self.offset = offset
        cutter = RecordCutter(
            framing: framing, recordBytesMax: recordBytesMax, isAtStart: offset == 0)
    }

    /// Bytes held.
    var byteCount: Int { end - start }

    /// Where reading may begin again so that all that is given out from now on comes again: of a
    /// rejected record, where the record starts, for what stands inside of it cannot be told.
    var place: Place {
        Place(
            offset: rejectedOffset ?? offset,
            isRejected: rejectedOffset != nil || beginsRejected)
    }

    /// Room for the next read: about `byteCount` bytes, at least one. Follow it with `fill`.
    mutating func room(byteCount: Int) -> SlabSlice {
        let wanted = max(byteCount, RecordBuffer.roomMin)
        roomByteCount = wanted
        guard let slab else {
            let made = Slab(byteCount: wanted)
            self.slab = made
            start = 0
            end = 0
            return SlabSlice(made, 0..<wanted)
        }
        let held = end - start
        if slab.byteCount - end < wanted / 4 || held == 0 {
            let isRoomy = slab.byteCount - held >= max(wanted / 4, 1)
            let target = isRoomy ? slab : Slab(byteCount: max(slab.byteCount * 2, held + wanted))
            target.copy(SlabSlice(slab, start..<end), to: 0)
            self.slab = target
            start = 0
            end = held
            return SlabSlice(target, end..<min(target.byteCount, end + wanted))
        }
        return SlabSlice(slab, end..<min(slab.byteCount, end + wanted))
    }

    /// Says that `count` bytes were read into the room.
    mutating func fill(_ count: Int) { end += count }

    /// Adds bytes from elsewhere.
    mutating func append(_ bytes: RawSpan) {
        var place = 0
        while place < bytes.byteCount {
            let room = room(byteCount: bytes.byteCount - place)
            let count = min(room.byteCount, bytes.byteCount - place)
            room.slab.copy(bytes.extracting(place..<place + count), to: room.range.lowerBound)
            fill(count)
            place += count
        }
    }

    /// Whether the next `take` gives something.
    mutating func hasPiece() -> Bool {
        if readyCount == 0 { advance() }
        return readyCount > 0 || cutter.isSkipping && !isReported
    }

    /// Gives out whole records, about `byteCount` bytes of them but at least one, or what was
    /// wrong; nil where there is no whole record.
    mutating func take(byteCount: Int) -> Piece? {
        while true {
            if readyCount == 0 { advance() }
            if readyCount > 0 {
                let place = SourcePlace(name: name, offset: offset)
                return .records(giveOut(byteCount: byteCount), place: place)
            }
            guard cutter.isSkipping && !isReported else { return nil }
            isReported = true
            rejectedOffset = offset
            let limit = "max_record (\(recordBytesMax) bytes)"
            return .rejected(reject("the record is longer than \(limit)"))
        }
    }

    /// Gives out what stands behind the last whole record when the stream has ended in order: a
    /// last line without newline is a record.
    mutating func finish() -> Piece? {
        guard let slab, end > start else { return nil }
        if framing == .lengthPrefixed { return cutShort() }
        let slice = SlabSlice(slab, start..<end)
        let piece = Piece.records(slice, place: SourcePlace(name: name, offset: offset))
        offset += slice.byteCount
        drop()
        return piece
    }

    /// Rejects what stands behind the last whole record when the stream was cut off.
    mutating func cutShort(_ error: String? = nil) -> Piece? {
        guard end > start else { return nil }
        let record = reject(error ?? "the input ends inside a record")
        offset += end - start
        drop()
        return .rejected(record)
    }

    private mutating func drop() {
        slab = nil
        start = 0
        end = 0
    }

    /// Looks at the bytes that came since, and leaves out those of a rejected record.
    private mutating func advance() {
        while let slab, !(cutter.isSkipping && !isReported) {
            switch cutter.cut(slab.bytes(start..<end)) {
            case .records(let count):
                readyCount = count
                beginsRejected = false
                return
            case .overlong:
                isReported = beginsRejected
                rejectedOffset = beginsRejected ? offset : nil
                beginsRejected = false
                if !isReported { return }
            case .skip(let count):
                start += count
                offset += count
                if !cutter.isSkipping { rejectedOffset = nil }
                if start == end {
                    drop()
                    return
                }
            case .incomplete:
                return
            }
        }
    }

    private func reject(_ error: String) -> RejectedRecord {
        let place = SourcePlace(name: name, offset: offset)
        guard let slab else { return RejectedRecord(error: error, place: place, raw: []) }
        return RejectedRecord(error: error, place: place, raw: slab.array(beginning(in: slab)))
    }

    /// Where the record at the front begins and, as far as it is kept, ends.
    private func beginning(in slab: Slab) -> Range<Int> {
        let isPrefixed = framing == .lengthPrefixed
        let from = min(start + (isPrefixed ? Framing.lengthPrefixByteCount : 0), end)
        let kept = from..<min(end, from + RecordBuffer.rawBytesMax)
        if isPrefixed {
            let length = RecordCutter.length(in: slab.bytes(start..<end), at: 0)
            return kept.prefix(length ?? 0)
        }
        var cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: offset == 0)
        let lineEnd = cutter.firstRecordEnd(in: slab.bytes(kept))
        return lineEnd.map { kept.prefix($0 - 1) } ?? kept
    }

    /// Cuts the records off that go out now.
    private mutating func giveOut(byteCount: Int) -> SlabSlice {
        guard let slab else { preconditionFailure("ready records stand in a slab") }
        var count = readyCount
        if count > byteCount { count = split(slab, byteCount: max(byteCount, 1)) }
        let slice = SlabSlice(slab, start..<start + count)
        offset += count
        readyCount -= count
        let rest = SlabSlice(slab, slice.range.upperBound..<end)
        if readyCount > 0 || count < slab.byteCount / 4 {
            let copy = Slab(byteCount: count)
            copy.copy(slice, to: 0)
            start += count
            if start == end { drop() }
            return SlabSlice(copy, 0..<count)
        }
        if rest.byteCount == 0 {
            drop()
        } else {
            let next = Slab(byteCount: max(roomByteCount, rest.byteCount + RecordBuffer.roomMin))
            next.copy(rest, to: 0)
            self.slab = next
            start = 0
            end = rest.byteCount
        }
        return slice
    }

    /// The end of the last record within `byteCount` bytes, or of the first if that is longer.
    private func split(_ slab: Slab, byteCount: Int) -> Int {
        let isAtStart = offset == 0
        var cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: isAtStart)
        let ready = slab.bytes(start..<start + readyCount)
        if case .records(let count) = cutter.cut(ready.extracting(0..<byteCount)) { return count }
        cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: isAtStart)
        return cutter.firstRecordEnd(in: ready) ?? readyCount
    }
}
