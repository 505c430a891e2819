/// A batch as it was read and checked: its head, and its records one behind the other.
package struct LogBatch: Sendable {
    package let header: LogBatchHeader
    /// The body, not compressed.
    package let body: SlabSlice
    /// Records below this offset were not asked for.
    package var firstOffset: Int64

    init(_ header: LogBatchHeader, body: SlabSlice) {
        self.header = header
        self.body = body
        firstOffset = header.baseOffset
    }

    /// Its records, front to back.
    package var records: LogRecords { LogRecords(self) }

    /// Some bytes of a record.
    package func slice(_ range: Range<Int>) -> SlabSlice { SlabSlice(body.slab, range) }
}

/// A record of a batch; its bytes lie in the slab of the batch's body.
package struct LogRecord: Sendable, Equatable {
    package let offset: Int64
    package let timestamp: Int64
    /// The bytes of its key; nil in a batch without keys.
    package let key: Range<Int>?
    /// The bytes of its value; nil for a key that is gone.
    package let value: Range<Int>?
}

/// Walks over the records of a batch; never beyond its bytes, whatever they say.
@safe
package struct LogRecords {
    private let slab: Slab
    private let flags: LogBatchHeader.Flags
    /// Records carry neither keys nor offsets.
    private let isPlain: Bool
    private let base: Int64
    private let firstOffset: Int64
    private let end: Int
    private var position: Int
    private var index: Int64 = 0
    private var left: Int
    private var timestamp: Int64 = 0

    init(_ batch: LogBatch) {
        slab = batch.body.slab
        flags = batch.header.flags
        isPlain = flags.isDisjoint(with: [.keyed, .sparse])
        base = batch.header.baseOffset
        firstOffset = batch.firstOffset
        position = batch.body.range.lowerBound
        end = batch.body.range.upperBound
        left = Int(batch.header.recordCount)
    }

    /// The next record; nil behind the last one.
    package mutating func next() throws(ByteReader.Damage) -> LogRecord? {
        while left > 0 {
            left -= 1
            let record = try read()
            if record.offset >= firstOffset { return record }
        }
        return nil
    }

    @inline(__always)
    private mutating func read() throws(ByteReader.Damage) -> LogRecord {
        let length = try varint()
        let zigzag = try varint()
        timestamp &+= Int64(bitPattern: zigzag &>> 1) ^ -Int64(bitPattern: zigzag & 1)
        if isPlain {
            let offset = base &+ index
            index &+= 1
            let value = try take(length)
            return LogRecord(offset: offset, timestamp: timestamp, key: nil, value: value)
        }
        if flags.contains(.sparse) {
            let delta = try varint()
            guard delta < 1 << 32 else { throw ByteReader.Damage(cause: "an offset is too great") }
            index = Int64(delta)
        }
        let offset = base &+ index
        index &+= 1
        let key = flags.contains(.keyed) ? try take(try varint()) : nil
        let value = length == 0 ? nil : try take(length - 1)
        return LogRecord(offset: offset, timestamp: timestamp, key: key, value: value)
    }

    @inline(__always)
    private mutating func take(_ count: UInt64) throws(ByteReader.Damage) -> Range<Int> {
        guard count <= UInt64(end &- position) else {
            throw ByteReader.Damage(cause: "a record is longer than its batch")
        }
        let start = position
        position &+= Int(truncatingIfNeeded: count)
        return start..<position
    }

    @inline(__always)
    private mutating func varint() throws(ByteReader.Damage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else {
                throw ByteReader.Damage(cause: "a batch ends within a record")
            }
            let byte = unsafe slab.base.load(fromByteOffset: position, as: UInt8.self)
            position &+= 1
            if shift == 63 && byte > 1 {
                throw ByteReader.Damage(cause: "a number has too many bits")
            }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }
}
