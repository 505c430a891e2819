import Dataflow
import Storage

/// A record of a source's buffer: what one read of the source gave.
///
///     record of the log = key | value
///     key   = version: 1 | kind: 1 | connection | place's name | its offset: 8
///             | events: count, each kind: 1, connection
///     kind  = 0 begin | 1 records | 2 rejected
///     value = of records their bytes, of a rejected one the error's text behind its count, then
///             the record's first bytes; of a beginning nothing
///
/// Connections are counted from 0 in each run of the source, which a beginning stands for. Counts
/// and connections are varints; a text stands behind its count.
struct BufferEntry {
    enum Kind: UInt8 {
        /// From here on another run of the source speaks: nothing more comes of the connections
        /// before.
        case begin = 0
        case records = 1
        case rejected = 2
    }

    private static let version: UInt8 = 1

    var kind = Kind.begin
    var partition = 0
    var place = SourcePlace(name: "", offset: 0)
    var events: [PartitionEvent] = []

    /// The key of the log's record.
    var key: SlabSlice {
        var writer = ByteWriter()
        writer.append(Self.version)
        writer.append(kind.rawValue)
        writer.append(count: partition)
        writer.append(place.name)
        writer.append(Int64(place.offset))
        writer.append(count: events.count)
        for event in events {
            writer.append(event.mark)
            writer.append(count: event.partition)
        }
        return SlabSlice(Slab(writer.bytes), 0..<writer.bytes.count)
    }

    init() {}

    init(_ kind: Kind, _ chunk: RawChunk) {
        self.kind = kind
        partition = chunk.partition
        place = chunk.place
        events = chunk.events
    }

    init(key: SlabSlice) throws(ByteReader.Damage) {
        var reader = ByteReader(key)
        guard try reader.integer(UInt8.self) == Self.version else {
            throw ByteReader.Damage(cause: "the version of the buffer's records is not known here")
        }
        guard let kind = Kind(rawValue: try reader.integer(UInt8.self)) else {
            throw ByteReader.Damage(cause: "the buffer has a record of an unknown kind")
        }
        self.kind = kind
        partition = try reader.count()
        let name = try reader.text()
        place = SourcePlace(name: name, offset: Int(try reader.integer(Int64.self)))
        events = try reader.list { reader throws(ByteReader.Damage) in
            let mark = try reader.integer(UInt8.self)
            guard let event = PartitionEvent(mark: mark, partition: try reader.count()) else {
                throw ByteReader.Damage(cause: "the buffer has an unknown event")
            }
            return event
        }
        try reader.finish()
    }

    /// The value of the log's record for a rejected record.
    static func value(of record: RejectedRecord) -> SlabSlice {
        var writer = ByteWriter()
        writer.append(record.error)
        let bytes = writer.bytes + record.raw
        return SlabSlice(Slab(bytes), 0..<bytes.count)
    }

    /// The rejected record of a value.
    func rejected(_ value: SlabSlice) throws(ByteReader.Damage) -> RejectedRecord {
        var reader = ByteReader(value)
        let error = try reader.text()
        let raw = try reader.bytes(reader.rest)
        return RejectedRecord(error: error, place: place, raw: raw.slab.array(raw.range))
    }
}

extension PartitionEvent {
    var partition: Int {
        switch self {
        case .opened(let partition), .idle(let partition), .active(let partition),
            .finished(let partition):
            partition
        }
    }

    /// The same event of another partition.
    func moved(to partition: Int) -> PartitionEvent {
        switch self {
        case .opened: .opened(partition)
        case .idle: .idle(partition)
        case .active: .active(partition)
        case .finished: .finished(partition)
        }
    }

    fileprivate var mark: UInt8 {
        switch self {
        case .opened: 0
        case .idle: 1
        case .active: 2
        case .finished: 3
        }
    }

    fileprivate init?(mark: UInt8, partition: Int) {
        switch mark {
        case 0: self = .opened(partition)
        case 1: self = .idle(partition)
        case 2: self = .active(partition)
        case 3: self = .finished(partition)
        default: return nil
        }
    }
}
