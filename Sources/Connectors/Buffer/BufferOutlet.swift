import Dataflow
import Storage

/// The reading side of a source's buffer: gives what is in the log, from a place on.
///
/// Connections get numbers that no other connection in the buffer has, whichever run of the source
/// they were of; those of a run that has ended are finished where the next one begins.
final class BufferOutlet {
    /// Where the reading stands: what a checkpoint keeps.
    ///
    ///     position = version: 1 | offset of the entry: 8 | bytes of it that were given: 8
    ///              | connections so far | open ones: count, each its number in its run, and here
    ///              | directory of the log (not in positions of version 1)
    struct Place {
        var offset: Int64 = 0
        var used = 0
        /// Connections that were seen.
        var connectionCount = 0
        /// By their number in their own run: those that are open.
        var open: [Int: Int] = [:]
        /// The log in which it is; nil where that was not written down.
        var directory: String?

        private static let version: UInt8 = 2

        /// What a log that begins anew leaves free: what was lost had identifiers, too.
        private static let gapBits: Int64 = 28

        init() {}

        init(decoding position: SourcePosition) throws(ByteReader.Damage) {
            var reader = ByteReader(position.bytes)
            let version = try reader.integer(UInt8.self)
            guard (1...Self.version).contains(version) else {
                throw ByteReader.Damage(
                    cause: "the version of a buffer's position is not known here")
            }
            offset = try reader.integer()
            used = Int(try reader.integer(Int64.self))
            connectionCount = try reader.count()
            let pairs = try reader.list { reader throws(ByteReader.Damage) in
                (try reader.count(), try reader.count())
            }
            for (local, number) in pairs { open[local] = number }
            if version > 1 { directory = try reader.text() }
            try reader.finish()
        }

        /// Where a log begins that takes the place of one which is gone: behind all that may have
        /// been in that.
        var beginningAnew: Int64 { (offset >> Self.gapBits + 1) << Self.gapBits }

        /// Goes on at an offset, with nothing given of what is there.
        mutating func move(to offset: Int64) {
            self.offset = offset
            used = 0
        }

        var encoded: SourcePosition {
            var writer = ByteWriter()
            writer.append(Self.version)
            writer.append(offset)
            writer.append(Int64(used))
            writer.append(count: connectionCount)
            writer.append(count: open.count)
            for (local, number) in open.sorted(by: { $0.key < $1.key }) {
                writer.append(count: local)
                writer.append(count: number)
            }
            writer.append(directory ?? "")
            return SourcePosition(writer.bytes)
        }
    }

    /// Bits for the bytes of an entry, which has 32 MiB at most.
    private static let offsetBits: Int64 = 25

    private let reader: LogReader
    private let framing: Framing
    private var place = Place()
    private var batch: LogBatch?
    private var records: LogRecords?
    /// The entry of which a part was given.
    private var current: (entry: BufferEntry, value: SlabSlice)?
    private var damagesTold = 0

    /// Reads from a place, or from the oldest entry on.
    init(_ view: LogView, framing: Framing, at place: Place?) throws {
        self.framing = framing
        reader = try LogReader(
            view, partition: 0, from: place.map { .offset($0.offset) } ?? .earliest)
        self.place = place ?? Place()
        self.place.offset = reader.nextOffset
        self.place.directory = view.directory
    }

    var position: SourcePosition { place.encoded }

    /// The next piece, up to `byteCount` bytes of it but a record at least; nil where there is
    /// none for now.
    func next(byteCount: Int) throws -> ReadResult? {
        while true {
            if let (entry, value) = current {
                return give(entry, value, byteCount)
            }
            if damagesTold < reader.damages.count { return tell() }
            guard var records = self.records else {
                batch = try reader.next()
                self.records = batch?.records
                // Damage comes before the batch behind it.
                if batch == nil && damagesTold == reader.damages.count { return nil }
                continue
            }
            guard let batch, let record = try records.next() else {
                place.offset = max(place.offset, batch?.header.endOffset ?? 0)
                self.batch = nil
                self.records = nil
                continue
            }
            self.records = records
            if let result = try take(record, of: batch) { return result }
        }
    }

    /// What an entry gives at once; nil where it gives nothing, or its records wait in `current`.
    private func take(_ record: LogRecord, of batch: LogBatch) throws -> ReadResult? {
        let entry = try BufferEntry(key: batch.slice(record.key ?? 0..<0))
        let value = batch.slice(record.value ?? 0..<0)
        if record.offset != place.offset { place.used = 0 }
        place.offset = record.offset
        switch entry.kind {
        case .begin:
            let events = place.open.values.sorted().map { PartitionEvent.finished($0) }
            place.open = [:]
            pass()
            return events.isEmpty ? nil : .chunk(RawChunk(events: events))
        case .rejected:
            pass()
            return .rejected([try entry.rejected(value)])
        case .records:
            current = (entry, value)
            return nil
        }
    }

    /// Goes on behind an entry.
    private func pass() {
        place.offset += 1
        place.used = 0
    }

    private func give(
        _ entry: BufferEntry, _ value: SlabSlice, _ byteCount: Int
    ) -> ReadResult {
        var events: [PartitionEvent] = []
        if place.used == 0 { events = entry.events.map { moved($0) } }
        let start = min(place.used, value.byteCount)
        let rest = value.range.lowerBound + start..<value.range.upperBound
        var end = rest.upperBound
        if rest.count > byteCount {
            end =
                rest.lowerBound
                + split(
                    value.slab.bytes(rest), byteCount, isAtStart: entry.place.offset + start == 0)
        }
        let origin = RawChunk.Origin(
            name: "", base: place.offset << Self.offsetBits + Int64(start), countsRecords: false)
        if end == rest.upperBound {
            current = nil
            pass()
        } else {
            place.used += end - rest.lowerBound
        }
        return .chunk(
            RawChunk(
                slab: value.slab, range: rest.lowerBound..<end,
                place: SourcePlace(
                    name: entry.place.name, offset: entry.place.offset + start),
                partition: place.open[entry.partition] ?? 0, events: events, origin: origin))
    }

    /// The end of the last record within `byteCount` bytes, or of the first if that is longer.
    private func split(_ bytes: RawSpan, _ byteCount: Int, isAtStart: Bool) -> Int {
        var cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: isAtStart)
        if case .records(let count) = cutter.cut(bytes.extracting(0..<max(byteCount, 1))) {
            return count
        }
        cutter = RecordCutter(framing: framing, recordBytesMax: .max, isAtStart: isAtStart)
        return cutter.firstRecordEnd(in: bytes) ?? bytes.byteCount
    }

    /// An event with the number that its connection has here.
    private func moved(_ event: PartitionEvent) -> PartitionEvent {
        let local = event.partition
        if case .opened = event {
            place.open[local] = place.connectionCount
            place.connectionCount += 1
        }
        let number = place.open[local] ?? 0
        if case .finished = event { place.open[local] = nil }
        return event.moved(to: number)
    }

    /// Damage as rejected records.
    private func tell() -> ReadResult {
        let damages = reader.damages[damagesTold...]
        damagesTold = reader.damages.count
        place.offset = batch?.header.baseOffset ?? reader.nextOffset
        place.used = 0
        return .rejected(damages.map { RejectedRecord($0) })
    }
}
