package import Dataflow
package import Storage
import Synchronization

/// The records of an embedded log, one a line, from all of its partitions or some.
///
/// Partitions are read in turn, a chunk each. Without `isFollowing` the source ends at what counts
/// when it opens; else it goes on, woken by the log's writer whichever process that is. Damage is
/// stepped over and comes out as rejected records. Its position is the next offset of each
/// partition, so what was read can be read again as long as the log keeps it.
package final class LogSource: Source {
    /// What is read, and from where.
    package struct Options: Sendable {
        package var directory: String
        package var start = LogStart.earliest
        /// The partitions that are read; all of them where it is nil.
        package var partitions: [Int]?
        package var isFollowing = false
        /// The longest record.
        package var recordBytesMax = 1 << 20
        /// Whether every partition has a watermark of its own.
        package var partitionPerPartition = false
        /// What the log is held with for the checkpoints of this source; none where it is nil.
        package var hold: HoldName?
        /// Whether a place that the log does not have is given up: it is read from its start then.
        package var givesUpPlace = false

        package init(directory: String) { self.directory = directory }
    }

    /// A partition as far as it was read.
    private final class Reading {
        let reader: LogReader
        /// Of a bounded source: where it ends.
        let end: Int64
        /// The offset behind the last record that was given out.
        var next: Int64
        var batch: LogBatch?
        var records: LogRecords?
        var damagesTold = 0
        var isFinished = false

        init(_ reader: LogReader, end: Int64) {
            self.reader = reader
            self.end = end
            next = reader.nextOffset
        }
    }

    let options: Options
    let fileSystem: any FileSystem
    private let clock: EngineClock
    private let notice: @Sendable (String) -> Void
    private let waker = Waker()
    private var readings: [Reading] = []
    private var wait: LogWait?
    /// The log that is read.
    private let opened = Mutex<LogView?>(nil)
    private var turn = 0
    private var events: [PartitionEvent] = []
    /// What the log is held at.
    let held = Mutex<LogHold?>(nil)

    package init(
        _ options: Options, fileSystem: any FileSystem, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.notice = notice
        self.options = options
        self.fileSystem = fileSystem
        self.clock = clock
    }

    package var isBounded: Bool { !options.isFollowing }

    package func open() throws {
        let view = try LogView(options.directory, fileSystem: fileSystem)
        try start(in: view)
        wait = LogWait(view)
        opened.withLock { $0 = view }
    }

    /// Starts with the partitions that are to be read and are not yet.
    private func start(in view: LogView) throws {
        for partition in options.partitions ?? Array(0..<view.options.partitionCount)
        where !readings.contains(where: { $0.reader.partition == partition }) {
            let reader = try LogReader(view, partition: partition, from: options.start)
            if options.partitionPerPartition { events.append(.opened(readings.count)) }
            readings.append(Reading(reader, end: reader.end))
        }
    }

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let deadline = clock.monotonicNanoseconds() + Int64(waitMilliseconds) * 1_000_000
        while true {
            for _ in readings.indices {
                let index = turn
                turn = (turn + 1) % readings.count
                if let result = try read(readings[index], index, byteCount) { return result }
            }
            if let told = takeEvents() { return told }
            if isBounded && readings.allSatisfy(\.isFinished) { return .end }
            let left = (deadline - clock.monotonicNanoseconds() + 999_999) / 1_000_000
            if left <= 0 { return .nothing }
            if wait?.wait(waker, milliseconds: Int(left)) == false { return .nothing }
        }
    }

    private func takeEvents() -> ReadResult? {
        guard !events.isEmpty else { return nil }
        defer { events = [] }
        return .chunk(RawChunk(events: events))
    }

    /// The next records of a partition; nil where there are none for now.
    private func read(
        _ reading: Reading, _ index: Int, _ byteCount: Int
    ) throws -> ReadResult? {
        if reading.isFinished { return nil }
        while true {
            if reading.batch == nil {
                let isAtEnd = isBounded && reading.reader.nextOffset >= reading.end
                let batch = isAtEnd ? nil : try reading.reader.next()
                if reading.damagesTold < reading.reader.damages.count {
                    // The batch behind the damage waits.
                    reading.batch = batch
                    reading.records = batch?.records
                    return tell(reading)
                }
                guard let batch else {
                    // Bytes that were not durable are missing: nothing more will come of them.
                    if isBounded { finish(reading, index) }
                    return nil
                }
                reading.batch = batch
                reading.records = batch.records
            }
            if let result = try give(reading, index, byteCount) { return result }
        }
    }

    private func finish(_ reading: Reading, _ index: Int) {
        reading.isFinished = true
        reading.next = max(reading.next, min(reading.end, reading.reader.nextOffset))
        if options.partitionPerPartition { events.append(.finished(index)) }
    }

    /// Damage as rejected records.
    private func tell(_ reading: Reading) -> ReadResult {
        let damages = reading.reader.damages[reading.damagesTold...]
        reading.damagesTold = reading.reader.damages.count
        reading.next = reading.batch?.header.baseOffset ?? reading.reader.nextOffset
        return .rejected(damages.map { RejectedRecord($0) })
    }

    /// Records of the batch at hand, as lines; nil where none is left.
    private func give(
        _ reading: Reading, _ index: Int, _ byteCount: Int
    ) throws -> ReadResult? {
        guard let batch = reading.batch, var records = reading.records else { return nil }
        var first = max(reading.next, batch.firstOffset)
        let slab = Slab(byteCount: max(min(byteCount, batch.body.byteCount + 4096), 4096))
        var count = 0
        while true {
            let before = records
            guard let record = try records.next() else {
                reading.batch = nil
                reading.next = batch.header.endOffset
                break
            }
            if isBounded && record.offset >= reading.end {
                reading.batch = nil
                reading.next = reading.end
                break
            }
            // A key that is gone has no row; one that is resumed at was given out.
            guard let value = record.value, record.offset >= first else { continue }
            if count == 0 { first = record.offset }
            // Records of a chunk have offsets without gaps.
            if count > 0 && record.offset != reading.next {
                records = before
                break
            }
            if value.count > options.recordBytesMax {
                guard count == 0 else {
                    records = before
                    break
                }
                reading.records = records
                reading.next = record.offset + 1
                return .rejected([overlong(reading, record, batch.slice(value))])
            }
            if count + value.count + 1 > slab.byteCount {
                guard count == 0 else {
                    records = before
                    break
                }
                reading.records = records
                reading.next = record.offset + 1
                let own = Slab(byteCount: value.count + 1)
                let end = own.addLine(batch.slice(value), at: 0)
                return chunk(own, end, reading, index, record.offset)
            }
            count = slab.addLine(batch.slice(value), at: count)
            reading.next = record.offset + 1
        }
        reading.records = reading.batch == nil ? nil : records
        return count == 0 ? nil : chunk(slab, count, reading, index, first)
    }

    private func overlong(
        _ reading: Reading, _ record: LogRecord, _ value: SlabSlice
    ) -> RejectedRecord {
        let kept = value.range.prefix(4096)
        return RejectedRecord(
            error: "the record is longer than max_record (\(options.recordBytesMax) bytes)",
            place: place(reading, record.offset), raw: value.slab.array(kept))
    }

    private func place(_ reading: Reading, _ offset: Int64) -> SourcePlace {
        SourcePlace(
            name: "\(options.directory)/\(reading.reader.partition)", offset: Int(offset))
    }

    private func chunk(
        _ slab: Slab, _ count: Int, _ reading: Reading, _ index: Int, _ first: Int64
    ) -> ReadResult {
        defer { events = [] }
        return .chunk(
            RawChunk(
                slab: slab, range: 0..<count, place: place(reading, first),
                partition: options.partitionPerPartition ? index : 0, events: events,
                origin: RawChunk.Origin(
                    name: "\(reading.reader.partition)", base: first, countsRecords: true)))
    }

    // MARK: Positions

    /// Whose turn it is, and for each partition its number, the next offset, where it ends, and
    /// whether its end was told.
    package var position: SourcePosition? {
        var writer = ByteWriter()
        writer.append(UInt8(1))
        writer.append(count: turn)
        writer.append(count: readings.count)
        for (index, reading) in readings.enumerated() {
            writer.append(count: reading.reader.partition)
            writer.append(reading.next)
            writer.append(reading.end)
            writer.append(reading.isFinished && !events.contains(.finished(index)))
        }
        return SourcePosition(writer.bytes)
    }

    /// A partition as a position has it.
    struct Place {
        let partition: Int
        let next: Int64
        let end: Int64
        let isFinished: Bool
    }

    static func places(
        _ position: SourcePosition
    ) throws(ByteReader.Damage) -> (turn: Int, places: [Place]) {
        var bytes = ByteReader(position.bytes)
        guard try bytes.integer(UInt8.self) == 1 else {
            throw ByteReader.Damage(cause: "the version of a log's position is not known here")
        }
        let turn = try bytes.count()
        let places = try bytes.list { bytes throws(ByteReader.Damage) in
            Place(
                partition: try bytes.count(), next: try bytes.integer(),
                end: try bytes.integer(), isFinished: try bytes.flag())
        }
        try bytes.finish()
        guard turn < max(places.count, 1) else {
            throw ByteReader.Damage(cause: "it names a partition that it does not have")
        }
        return (turn, places)
    }

    package func resume(at position: SourcePosition) throws {
        let view = try LogView(options.directory, fileSystem: fileSystem)
        let (turn, places) = try Self.places(position)
        self.turn = turn
        for place in places {
            readings.append(try reading(in: view, from: place))
        }
        if options.partitionPerPartition {
            // It may not have been told yet that they are there.
            events = readings.indices.filter { !readings[$0].isFinished }.map { .opened($0) }
        }
        try start(in: view)
        wait = LogWait(view)
        opened.withLock { $0 = view }
    }

    /// A partition from a place on; from where reading begins where that is gone, and given up.
    private func reading(
        in view: LogView, from place: Place
    ) throws(StorageError) -> Reading {
        let start = place.isFinished ? LogStart.latest : .offset(place.next)
        do throws(StorageError) {
            let reader = try LogReader(view, partition: place.partition, from: start)
            let reading = Reading(reader, end: place.end)
            reading.next = place.next
            reading.isFinished = place.isFinished
            return reading
        } catch {
            guard error.kind == .notFound else { throw error }
            guard options.givesUpPlace else {
                throw StorageError(
                    .notFound, operation: "go on reading", path: error.path, cause: error.cause,
                    advice: "put its records back, or give its place up with --allow-reset and the "
                        + "source's name: then it begins where 'from' says")
            }
            notice("the place in \(error.path) is given up: \(error.cause)")
            let reader = try LogReader(view, partition: place.partition, from: options.start)
            return Reading(reader, end: reader.end)
        }
    }

    /// No checkpoint is to stand behind what a power cut leaves of the log.
    package func sync() throws { try opened.withLock { $0 }?.sync() }

    package func interrupt() { waker.wake() }

    package func close() {
        readings = []
        wait = nil
        opened.withLock { $0 = nil }
    }
}

extension Slab {
    /// Copies a record and a line end to `offset`; gives the offset behind them. Line ends within
    /// the record become carriage returns.
    fileprivate func addLine(_ record: SlabSlice, at offset: Int) -> Int {
        let bytes = record.slab.bytes(record.range)
        let end = offset + record.byteCount
        if ByteScan.first(UInt8(ascii: "\n"), in: bytes, 0..<bytes.byteCount) != nil {
            copyLine(bytes, to: offset)
        } else {
            copy(record, to: offset)
            copy("\n", to: end)
        }
        return end + 1
    }
}

extension RejectedRecord {
    /// What is lost by damage to a log.
    init(_ damage: LogDamage) {
        self.init(
            error: "\(damage)",
            place: SourcePlace(name: damage.path, offset: damage.bytes.lowerBound), raw: [])
    }
}
