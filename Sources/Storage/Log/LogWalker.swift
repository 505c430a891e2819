/// A place in a log whose bytes cannot be right: what was found, where, and which offsets it held.
package struct LogDamage: Sendable, Equatable, CustomStringConvertible {
    package let path: String
    package let partition: Int
    /// The first offset of the segment.
    package let segment: Int64
    /// The bytes of the file that were stepped over.
    package let bytes: Range<Int>
    /// The offsets that are lost.
    package let offsets: Range<Int64>
    package let cause: String

    package var description: String {
        "\(path) at offset \(bytes.lowerBound): \(cause); "
            + "records \(offsets.lowerBound)..<\(offsets.upperBound) are lost"
    }
}

/// Walks over the batches of one segment, front to back, checks each, and steps over damage.
struct LogWalker {
    /// What stands at the walker's place.
    enum Step {
        case batch(LogBatch)
        /// Bytes that are wrong, with a whole batch behind them.
        case damage(LogDamage)
        /// Nothing more up to the limit.
        case end
        /// Bytes up to the limit of which none makes a whole batch.
        case torn(LogDamage)
    }

    let file: any File
    let partition: Int
    let segment: Int64
    /// Where the next batch begins, and its offset.
    private(set) var place: LogPlaces.Place
    /// Bytes of the file that count.
    var limit: Int
    /// Whether bodies are decompressed and their records checked, or just summed up.
    let opensBodies: Bool
    private var window = SlabSlice(Slab(byteCount: 0), 0..<0)
    private var windowStart = 0

    /// Bytes that are read at once.
    private static let windowBytes = 1 << 20

    init(
        _ file: any File, partition: Int, from place: LogPlaces.Place, limit: Int,
        opensBodies: Bool = true
    ) {
        self.file = file
        self.partition = partition
        segment = place.segment
        self.place = place
        self.limit = limit
        self.opensBodies = opensBodies
    }

    /// Starts at an entry of the segment's index; nil where that is wrong, and no batch is there.
    init?(
        _ file: any File, partition: Int, segment base: Int64, at entry: LogIndex.Entry, limit: Int
    ) throws(StorageError) {
        let place = LogPlaces.Place(offset: entry.offset, segment: base, position: entry.position)
        self.init(file, partition: partition, from: place, limit: limit)
        if entry.offset == base { return }
        guard try isAtBatch() else { return nil }
    }

    /// So many bytes at a position, if they lie below the limit; reads on where they are not there.
    private mutating func bytes(at position: Int, _ count: Int) throws(StorageError) -> SlabSlice? {
        guard position + count <= limit else { return nil }
        if position < windowStart || position + count > windowStart + window.byteCount {
            let wanted = min(max(count, Self.windowBytes), limit - position)
            let slab = Slab(byteCount: wanted)
            let got = try file.readAll(into: slab, 0..<wanted, at: position)
            window = SlabSlice(slab, 0..<got)
            windowStart = position
            if got < count { return nil }
        }
        let start = window.range.lowerBound + position - windowStart
        return SlabSlice(window.slab, start..<start + count)
    }

    /// The head at a position, if one stands there that can follow.
    private mutating func header(at position: Int) throws(StorageError) -> LogBatchHeader? {
        guard let slice = try bytes(at: position, LogBatchHeader.byteCount) else { return nil }
        let start = unsafe slice.slab.base + slice.range.lowerBound
        guard let header = unsafe LogBatchHeader(start), Int(header.partition) == partition,
            header.baseOffset >= place.offset,
            position + header.storedByteCount <= limit
        else { return nil }
        return header
    }

    /// What stands at the walker's place; it goes on behind that.
    mutating func next() throws(StorageError) -> Step {
        if place.position >= limit { return .end }
        guard let header = try header(at: place.position), header.baseOffset == place.offset else {
            return try search(from: place.position + 1, "there is no batch")
        }
        let end = place.position + header.storedByteCount
        switch try body(header, at: place.position + LogBatchHeader.byteCount) {
        case .success(let body):
            place.position = end
            place.offset = header.endOffset
            return .batch(LogBatch(header, body: body))
        case .failure(let error):
            // A head that is right says where the next batch begins.
            return try search(from: end, error.cause)
        }
    }

    /// Whether a batch begins at the walker's place, with the offset that it should have.
    mutating func isAtBatch() throws(StorageError) -> Bool {
        try header(at: place.position)?.baseOffset == place.offset
    }

    private func damage(_ bytes: Range<Int>, upTo end: Int64, _ cause: String) -> LogDamage {
        LogDamage(
            path: file.path, partition: partition, segment: segment, bytes: bytes,
            offsets: place.offset..<end, cause: cause)
    }

    /// The body of a batch, checked and not compressed.
    private mutating func body(
        _ header: LogBatchHeader, at position: Int
    ) throws(StorageError) -> Result<SlabSlice, ByteReader.Damage> {
        func wrong(_ cause: String) -> Result<SlabSlice, ByteReader.Damage> {
            .failure(ByteReader.Damage(cause: cause))
        }
        guard let stored = try bytes(at: position, Int(header.bodyBytes)) else {
            return wrong("a batch is cut short")
        }
        guard CRC32C.checksum(stored) == header.bodyChecksum else {
            return wrong("the checksum of a batch is wrong")
        }
        guard opensBodies else { return .success(stored) }
        guard let body = BlockCodec.decompress(stored, mark: header.codecMark) else {
            return wrong("a batch cannot be decompressed")
        }
        return .success(body)
    }

    /// Goes on at the next whole batch behind bytes that are none.
    private mutating func search(
        from first: Int, _ cause: String
    ) throws(StorageError) -> Step {
        let start = place.position
        var position = first
        while let found = try candidate(from: position) {
            if let header = try header(at: found),
                case .success = try body(header, at: found + LogBatchHeader.byteCount)
            {
                let damage = damage(start..<found, upTo: header.baseOffset, cause)
                place.position = found
                place.offset = header.baseOffset
                return .damage(damage)
            }
            position = found + 1
        }
        return .torn(damage(start..<limit, upTo: place.offset, cause))
    }

    /// The next position at which the first byte of a head stands.
    private mutating func candidate(from first: Int) throws(StorageError) -> Int? {
        var position = first
        while position + LogBatchHeader.byteCount <= limit {
            let count = min(64 << 10, limit - position)
            guard let slice = try bytes(at: position, count) else { return nil }
            let span = slice.slab.bytes(slice.range)
            var from = 0
            while let found = ByteScan.first(0x77, in: span, from..<count) {
                if found + 4 > count { break }
                if unsafe span.unsafeLoadUnaligned(
                    fromByteOffset: found, as: UInt32.self) == LogBatchHeader.magic.littleEndian
                {
                    return position + found
                }
                from = found + 1
            }
            if position + count >= limit { return nil }
            position += count - 3
        }
        return nil
    }
}
