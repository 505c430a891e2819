/// What a log was made with; kept in its `log.meta`.
///
///     log.meta = "weirlog1": 8 | version: 2 | partitions: 4 | segment bytes: 8
///                | codec: 1 | its level: 4 | sync: 1 | its interval: 8 | flags: 1
///                | bytes kept: 8 | age kept: 8 | quota: 8 | CRC-32C of all this: 4
///
/// Flags: 1, compacted by key. Counts and durations of -1 stand for what has no limit.
package struct LogOptions: Sendable, Equatable {
    /// When what was committed is made durable.
    package enum Sync: Sendable, Equatable {
        /// Before a commit returns; one sync serves all that wait.
        case every
        /// At the first commit or tick after so many microseconds.
        case interval(Int64)
        /// When the system gets to it.
        case os
    }

    package var partitionCount = 1
    /// A segment that has as many bytes is followed by a new one.
    package var segmentBytes = 64 << 20
    package var codec: BlockCodec = .none
    package var sync: Sync = .interval(1_000_000)
    /// Segments go, the oldest first, while the log has more bytes.
    package var bytesKept: Int?
    /// Segments go whose newest record is older, in microseconds.
    package var ageKept: Int64?
    /// Only the newest record of each key is kept.
    package var isCompacted = false
    /// Bytes beyond which the log refuses to grow.
    package var quota: Int?

    package init() {}

    private static let magic: UInt64 = 0x3167_6f6c_7269_6577
    private static let version: UInt16 = 1

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(partitionCount))
        writer.append(Int64(segmentBytes))
        writer.append(codec.mark)
        if case .zstd(let level) = codec {
            writer.append(Int32(level))
        } else {
            writer.append(Int32(0))
        }
        switch sync {
        case .every: writer.append(UInt8(0))
        case .interval: writer.append(UInt8(1))
        case .os: writer.append(UInt8(2))
        }
        if case .interval(let interval) = sync {
            writer.append(interval)
        } else {
            writer.append(Int64(0))
        }
        writer.append(isCompacted)
        writer.append(Int64(bytesKept ?? -1))
        writer.append(ageKept ?? -1)
        writer.append(Int64(quota ?? -1))
        writer.appendChecksum()
        return writer.bytes
    }

    init(decoding slice: SlabSlice) throws(ByteReader.Damage) {
        var reader = try ByteReader(checked: slice)
        guard try reader.integer(UInt64.self) == Self.magic else {
            throw ByteReader.Damage(cause: "it does not describe a log")
        }
        let version = try reader.integer(UInt16.self)
        guard version == Self.version else {
            throw ByteReader.Damage(cause: "version \(version) of logs is not known here")
        }
        partitionCount = Int(try reader.integer(UInt32.self))
        segmentBytes = Int(try reader.integer(Int64.self))
        let codecMark = try reader.integer(UInt8.self)
        let level = try reader.integer(Int32.self)
        switch codecMark {
        case 0: codec = .none
        case 1: codec = .lz4
        case 2: codec = .zstd(level: Int(level))
        default: throw ByteReader.Damage(cause: "its codec is not known here")
        }
        let kind = try reader.integer(UInt8.self)
        let interval = try reader.integer(Int64.self)
        switch kind {
        case 0: sync = .every
        case 1: sync = .interval(interval)
        case 2: sync = .os
        default: throw ByteReader.Damage(cause: "its kind of sync is not known here")
        }
        isCompacted = try reader.flag()
        let bytes = try reader.integer(Int64.self)
        bytesKept = bytes < 0 ? nil : Int(bytes)
        let age = try reader.integer(Int64.self)
        ageKept = age < 0 ? nil : age
        let limit = try reader.integer(Int64.self)
        quota = limit < 0 ? nil : Int(limit)
        try reader.finish()
        if let cause = fault { throw ByteReader.Damage(cause: cause) }
    }

    /// What is wrong with the options; nil where nothing is.
    package var fault: String? {
        if !(1...LogMark.partitionsMax).contains(partitionCount) {
            return "a log has 1 to \(LogMark.partitionsMax) partitions"
        }
        if segmentBytes < 4096 { return "a segment has 4096 bytes or more" }
        if case .interval(let interval) = sync, interval <= 0 {
            return "an interval of syncs is above zero"
        }
        return nil
    }

    /// Reads the options of the log in a directory.
    static func read(
        _ directory: String, fileSystem: any FileSystem
    ) throws(StorageError) -> LogOptions {
        let path = FilePath.join(directory, LogNames.meta)
        guard let status = try fileSystem.status(of: path) else {
            if try LogRemains.hasRecords(directory, fileSystem) {
                throw LogRemains.error(directory, "open")
            }
            throw StorageError(
                .notFound, operation: "open", path: directory, cause: "there is no log",
                advice: "make one with: weir log create \(directory)")
        }
        let count = min(status.byteCount, 4096)
        let slab = Slab(byteCount: count)
        let got = try fileSystem.open(path, .read).readAll(into: slab, 0..<count, at: 0)
        do {
            return try LogOptions(decoding: SlabSlice(slab, 0..<got))
        } catch {
            throw StorageError(
                .corrupt, operation: "read", path: path, offset: 0, cause: error.cause,
                advice: "put it back from a copy, or make it anew, with the options that the log "
                    + "had: weir log create \(directory); the records stay")
        }
    }

    /// Writes the options of the log in a directory, in the place of those that are there.
    func write(_ directory: String, fileSystem: any FileSystem) throws(StorageError) {
        let path = FilePath.join(directory, LogNames.meta)
        try AtomicFile.write(encoded, to: path, in: fileSystem)
    }
}
