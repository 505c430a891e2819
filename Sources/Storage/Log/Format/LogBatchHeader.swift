/// The head of a batch, version 1: what it says of its body, under a checksum of its own.
///
///     batch = head | body
///     head  = "wbat": 4 | CRC-32C of the bytes behind it: 4
///             | base offset: 8 | span: 4 | records: 4 | body bytes: 4 | CRC-32C of the body: 4
///             | least timestamp: 8 | greatest timestamp: 8 | producer: 8 | sequence: 8
///             | schema fingerprint: 8 | last synced offset: 8
///             | version: 2 | codec: 1 | flags: 1 | partition: 4
///
/// A batch stands for the offsets `base ..< base + span`. They are as many as its records unless
/// compaction took some away.
package struct LogBatchHeader: Sendable, Equatable {
    package var baseOffset: Int64 = 0
    /// How many offsets the batch stands for.
    package var span: UInt32 = 0
    package var recordCount: UInt32 = 0
    /// Bytes of the body as stored.
    package var bodyBytes: UInt32 = 0
    package var bodyChecksum: UInt32 = 0
    package var leastTimestamp: Int64 = .max
    package var greatestTimestamp: Int64 = .min
    /// Who appended it, and which of its batches it is; 0 where nobody asks.
    package var producer: UInt64 = 0
    package var sequence: UInt64 = 0
    /// What the records are, by the fingerprint of their schema; 0 where nobody says.
    package var schema: UInt64 = 0
    /// Offsets of the partition below this one were durable when the batch was written.
    package var syncedOffset: Int64 = 0
    /// How the body is compressed, as `BlockCodec` marks it.
    package var codecMark: UInt8 = 0
    package var flags: Flags = []
    package var partition: UInt32 = 0

    /// What the records of a batch carry.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Keys, and values that may be missing.
        package static let keyed = Flags(rawValue: 1)
        /// Distances of their offsets from the batch's first.
        package static let sparse = Flags(rawValue: 2)
        /// Appended by one who commits later: nothing but a commit mark makes it count.
        package static let staged = Flags(rawValue: 4)
    }

    static let byteCount = 88
    static let magic: UInt32 = 0x7461_6277
    static let version: UInt16 = 1
    /// Bytes of a body as stored, at most.
    static let bodyBytesMax = BlockCodec.rawBytesMax

    /// The offset behind the batch.
    package var endOffset: Int64 { baseOffset &+ Int64(span) }

    /// Bytes of the whole batch.
    package var storedByteCount: Int { Self.byteCount + Int(bodyBytes) }

    package init() {}

    /// Reads a head; nil for bytes that are none. There are `byteCount` of them at least.
    init?(_ bytes: UnsafeRawPointer) {
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Value {
            Value(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
        guard load(0) == Self.magic, load(80) == Self.version else { return nil }
        let checksum = unsafe CRC32C.checksum(bytes + 8, count: Self.byteCount - 8)
        guard load(4) == checksum else { return nil }
        baseOffset = load(8)
        span = load(16)
        recordCount = load(20)
        bodyBytes = load(24)
        bodyChecksum = load(28)
        leastTimestamp = load(32)
        greatestTimestamp = load(40)
        producer = load(48)
        sequence = load(56)
        schema = load(64)
        syncedOffset = load(72)
        codecMark = load(82)
        flags = Flags(rawValue: load(83))
        partition = load(84)
        // Offsets that no log reaches, and counts that cannot be, were never written.
        guard baseOffset >= 0, baseOffset < 1 << 62, span > 0, recordCount <= span,
            Int(bodyBytes) <= Self.bodyBytesMax
        else { return nil }
    }

    /// Writes the head.
    func store(to bytes: UnsafeMutableRawPointer) {
        func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, _ offset: Int) {
            unsafe bytes.storeBytes(
                of: value.littleEndian, toByteOffset: offset, as: Value.self)
        }
        store(Self.magic, 0)
        store(baseOffset, 8)
        store(span, 16)
        store(recordCount, 20)
        store(bodyBytes, 24)
        store(bodyChecksum, 28)
        store(leastTimestamp, 32)
        store(greatestTimestamp, 40)
        store(producer, 48)
        store(sequence, 56)
        store(schema, 64)
        store(syncedOffset, 72)
        store(Self.version, 80)
        store(codecMark, 82)
        store(flags.rawValue, 83)
        store(partition, 84)
        store(unsafe CRC32C.checksum(bytes + 8, count: Self.byteCount - 8), 4)
    }
}
