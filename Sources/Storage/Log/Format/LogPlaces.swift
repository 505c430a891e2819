/// Where partitions end: for each the next offset, and where in its files that is.
///
/// A commit mark holds them; a checkpoint keeps those that a restore goes back to.
package struct LogPlaces: Sendable, Equatable {
    /// A place in a partition.
    package struct Place: Sendable, Equatable {
        /// The next offset.
        package var offset: Int64
        /// The first offset of its segment.
        package var segment: Int64
        /// Where in the segment's file the next batch begins.
        package var position: Int

        package init(offset: Int64, segment: Int64, position: Int) {
            self.offset = offset
            self.segment = segment
            self.position = position
        }
    }

    package var partitions: [Place]

    package init(_ partitions: [Place]) { self.partitions = partitions }

    /// The places as bytes, for whoever keeps them.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt8(1))
        writer.append(count: partitions.count)
        for place in partitions {
            writer.append(place.offset)
            writer.append(place.segment)
            writer.append(Int64(place.position))
        }
        return writer.bytes
    }

    /// Reads what `encoded` gave.
    package init(decoding bytes: [UInt8]) throws(ByteReader.Damage) {
        var reader = ByteReader(bytes)
        guard try reader.integer(UInt8.self) == 1 else {
            throw ByteReader.Damage(cause: "the version of a log's places is not known here")
        }
        partitions = try reader.list { reader throws(ByteReader.Damage) in
            let offset = try reader.integer(Int64.self)
            let segment = try reader.integer(Int64.self)
            let position = try reader.integer(Int64.self)
            guard segment >= 0, offset >= segment, position >= LogSegmentHead.byteCount else {
                throw ByteReader.Damage(cause: "a place of a log cannot be")
            }
            return Place(offset: offset, segment: segment, position: Int(position))
        }
        try reader.finish()
    }
}

/// The first bytes of a segment.
///
///     segment = "weirseg1" | base offset: 8 | partition: 4 | version: 4 | CRC-32C of these: 4
///               | 0: 4 | batch | batch | …
enum LogSegmentHead {
    static let byteCount = 32
    private static let magic: UInt64 = 0x3167_6573_7269_6577
    private static let version: UInt32 = 1

    /// The head of a segment that begins with an offset.
    static func bytes(base: Int64, partition: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(magic)
        writer.append(base)
        writer.append(UInt32(partition))
        writer.append(version)
        writer.appendChecksum()
        writer.append(UInt32(0))
        return writer.bytes
    }
}

/// Names of a log's files.
enum LogNames {
    static let meta = "log.meta"
    static let marks = "log.marks"
    static let lock = "LOCK"
    static let owner = "log.owner"
    static let segmentSuffix = ".segment"
    static let indexSuffix = ".index"
    static let holdSuffix = ".hold"
    static let damageSuffix = ".damaged"

    /// `<partition>-<first offset, 20 digits>`.
    private static func stem(_ partition: Int, _ base: Int64) -> String {
        let digits = String(base)
        return "\(partition)-" + String(repeating: "0", count: max(20 - digits.utf8.count, 0))
            + digits
    }

    static func segment(_ partition: Int, _ base: Int64) -> String {
        stem(partition, base) + segmentSuffix
    }

    static func index(_ partition: Int, _ base: Int64) -> String {
        stem(partition, base) + indexSuffix
    }

    /// Where the bytes of a damaged place are kept.
    static func damage(_ partition: Int, _ base: Int64, position: Int) -> String {
        "\(stem(partition, base))-\(position)\(damageSuffix)"
    }

    static func hold(_ name: String) -> String { name + holdSuffix }

    /// The partition and first offset that a segment's or index's name gives.
    static func parse(_ name: String, suffix: String) -> (partition: Int, base: Int64)? {
        guard name.hasSuffix(suffix) else { return nil }
        let parts = name.dropLast(suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count >= 20, let partition = Int(parts[0]),
            let base = Int64(parts[1]), partition >= 0, base >= 0
        else { return nil }
        return (partition, base)
    }
}
