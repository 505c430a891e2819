/// Collects records and makes a batch of them.
///
///     body   = record | record | …                          compressed as a whole, or not
///     record = value bytes | timestamp | value               of a batch without flags
///     record = value bytes + 1, 0 for none | timestamp | offset − base (if sparse)
///              | key bytes (if keyed) | key | value          of any other
///
/// Counts and distances are varints; a timestamp is the distance from the record before it, the
/// first from 0, with its sign in the lowest bit. A builder has one owner; what it compresses and
/// sums up, it does before the log's lock is taken.
package final class LogBatchBuilder {
    /// Room for the head, then the body.
    private var bytes = GrowingBytes(capacity: 64 << 10)
    /// The same with a compressed body.
    private var packed = GrowingBytes(capacity: 0)
    private var header = LogBatchHeader()
    private var lastTimestamp: Int64 = 0
    private var isSealed = false
    private var isPacked = false

    /// Bytes of a body, at most, before compression.
    package static let bodyBytesMax = 32 << 20

    package init() { reset() }

    /// Records so far.
    package var recordCount: Int { Int(header.recordCount) }

    /// Bytes of the records so far, before compression.
    package var byteCount: Int { bytes.count - LogBatchHeader.byteCount }

    /// Who appends the batch, and which of its batches it is.
    package func setProducer(_ producer: UInt64, sequence: UInt64) {
        header.producer = producer
        header.sequence = sequence
    }

    /// What the records are.
    package func setSchema(_ fingerprint: UInt64) { header.schema = fingerprint }

    /// Forgets all records.
    package func reset() {
        bytes.removeAll()
        _ = unsafe bytes.extend(by: LogBatchHeader.byteCount)
        header = LogBatchHeader()
        lastTimestamp = 0
        isSealed = false
        isPacked = false
    }

    /// Adds a record without a key. A batch has keys in all of its records or in none.
    package func add(_ value: SlabSlice, timestamp: Int64) {
        precondition(header.flags.isEmpty, "a batch has keys in all of its records or in none")
        let start = value.range.lowerBound
        note(timestamp)
        bytes.append(varint: UInt64(value.byteCount))
        addTimestamp(timestamp)
        unsafe bytes.append(value.slab.base + start, count: value.byteCount)
        header.span += 1
    }

    /// Adds a record with a key; one without a value says that the key is gone.
    package func add(key: SlabSlice, value: SlabSlice?, timestamp: Int64) {
        precondition(
            header.flags == .keyed || recordCount == 0,
            "a batch has keys in all of its records or in none")
        header.flags = .keyed
        add(key: key, value: value, timestamp: timestamp, offsetDelta: nil)
        header.span += 1
    }

    private func add(key: SlabSlice?, value: SlabSlice?, timestamp: Int64, offsetDelta: UInt64?) {
        note(timestamp)
        bytes.append(varint: value.map { UInt64($0.byteCount) + 1 } ?? 0)
        addTimestamp(timestamp)
        if let offsetDelta { bytes.append(varint: offsetDelta) }
        if let key { bytes.append(counted: key) }
        if let value {
            unsafe bytes.append(
                value.slab.base + value.range.lowerBound, count: value.byteCount)
        }
    }

    /// Starts a batch that stands for the offsets of another one, some of whose records it keeps.
    func beginRemains(of other: LogBatchHeader) {
        reset()
        header.flags = other.flags.union(.sparse)
        header.baseOffset = other.baseOffset
        header.span = other.span
        header.producer = other.producer
        header.sequence = other.sequence
        header.schema = other.schema
        header.syncedOffset = other.syncedOffset
        header.partition = other.partition
    }

    /// Keeps a record.
    func keep(_ record: LogRecord, of batch: LogBatch) {
        let delta = UInt64(record.offset - batch.header.baseOffset)
        let isKeyed = header.flags.contains(.keyed)
        add(
            key: isKeyed ? batch.slice(record.key ?? 0..<0) : nil,
            value: record.value.map { batch.slice($0) }, timestamp: record.timestamp,
            offsetDelta: delta)
    }

    /// Makes further offsets part of a batch that keeps nothing.
    func extendSpan(to end: Int64) { header.span = UInt32(end - header.baseOffset) }

    /// How many offsets the batch stands for.
    var span: Int64 { Int64(header.span) }

    /// What the head says was durable.
    var syncedOffset: Int64 { header.syncedOffset }

    /// Bytes of the finished batch.
    var storedByteCount: Int { LogBatchHeader.byteCount + Int(header.bodyBytes) }

    /// The greatest timestamp of its records.
    var greatestTimestamp: Int64 { header.greatestTimestamp }

    @inline(__always)
    private func note(_ timestamp: Int64) {
        precondition(!isSealed, "a finished batch takes no records")
        header.recordCount += 1
        header.leastTimestamp = min(header.leastTimestamp, timestamp)
        header.greatestTimestamp = max(header.greatestTimestamp, timestamp)
    }

    @inline(__always)
    private func addTimestamp(_ timestamp: Int64) {
        let delta = timestamp &- lastTimestamp
        lastTimestamp = timestamp
        bytes.append(varint: UInt64(bitPattern: (delta &<< 1) ^ (delta &>> 63)))
    }

    /// Compresses the body, where that saves something, and sums it up; no records come any more.
    package func seal(_ codec: BlockCodec) {
        if isSealed { return }
        isSealed = true
        let head = LogBatchHeader.byteCount
        let body = SlabSlice(bytes.slab, head..<bytes.count)
        if let compressed = codec.compress(body) {
            isPacked = true
            packed.removeAll()
            _ = unsafe packed.extend(by: head)
            let start = compressed.range.lowerBound
            unsafe packed.append(compressed.slab.base + start, count: compressed.byteCount)
        }
        let stored = isPacked ? packed.slice : bytes.slice
        header.codecMark = isPacked ? codec.mark : BlockCodec.none.mark
        header.bodyBytes = UInt32(stored.byteCount - head)
        header.bodyChecksum = CRC32C.checksum(SlabSlice(stored.slab, head..<stored.byteCount))
    }

    /// The batch as it is stored, now that its place is known.
    func stored(
        base: Int64?, syncedOffset: Int64, partition: Int, isStaged: Bool
    ) -> SlabSlice {
        precondition(isSealed, "a batch is finished before it is stored")
        if isStaged { header.flags.insert(.staged) }
        if let base { header.baseOffset = base }
        header.syncedOffset = syncedOffset
        header.partition = UInt32(partition)
        let stored = isPacked ? packed.slice : bytes.slice
        unsafe header.store(to: stored.slab.base)
        return stored
    }
}
