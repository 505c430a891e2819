/// A file of a keyed family, open for reading, and the range of keys that counts in it.
///
///     attachment = version of the format: 2 | greatest time: 8 | tombstones
///     tombstone  = version: 8 | lower | has an end: 1 | upper
final class KeyedFile: Sendable {
    let name: String
    let table: OrderedTable
    /// The keys that count, of entries and range tombstones.
    let range: KeyRange
    /// Whether the table may have keys outside of `range`.
    let isClipped: Bool
    let tombstones: [RangeTombstone]
    /// No value was written at a later watermark.
    let time: Int64
    private static let attachmentVersion: UInt16 = 1

    /// Opens a file; only keys within `clip` count, nil where it holds none of these.
    init?(_ file: any File, name: String, number: UInt64, clip: KeyRange) throws(StorageError) {
        self.name = name
        table = try OrderedTable(file, number: number)
        let properties = table.properties
        var whole: KeyRange?
        if properties.entryCount > 0 {
            whole = KeyRange(from: properties.leastKey, through: properties.greatestKey)
        }
        let (time, found) = try Self.attachment(of: table)
        self.time = time
        for tombstone in found { whole = whole?.union(tombstone.range) ?? tombstone.range }
        guard let whole, whole.overlaps(clip) else { return nil }
        range = whole.intersection(clip)
        isClipped = range != whole
        tombstones = found.compactMap { $0.clipped(to: clip) }
    }

    private static func attachment(
        of table: OrderedTable
    ) throws(StorageError) -> (Int64, [RangeTombstone]) {
        guard let slice = try table.attachment() else { return (.max, []) }
        var reader = ByteReader(slice)
        do throws(ByteReader.Damage) {
            let version = try reader.integer(UInt16.self)
            guard version == attachmentVersion else {
                throw ByteReader.Damage(cause: "no attachment of version \(attachmentVersion)")
            }
            let time = try reader.integer(Int64.self)
            let list = try reader.list { reader throws(ByteReader.Damage) in
                let version = try reader.integer(UInt64.self)
                let lower = try reader.countedArray()
                let upper = try reader.flag() ? try reader.countedArray() : nil
                return RangeTombstone(lower: lower, upper: upper, version: version)
            }
            try reader.finish()
            return (time, list)
        } catch {
            throw StorageError(
                .corrupt, operation: "read", path: table.path, cause: error.cause,
                advice: "restore the state from a checkpoint")
        }
    }

    /// What is kept beside the entries.
    static func attachment(time: Int64, _ tombstones: [RangeTombstone]) -> SlabSlice {
        var writer = ByteWriter()
        writer.append(attachmentVersion)
        writer.append(time)
        writer.append(count: tombstones.count)
        for tombstone in tombstones {
            writer.append(tombstone.version)
            writer.append(counted: tombstone.lower)
            writer.append(tombstone.upper != nil)
            if let upper = tombstone.upper { writer.append(counted: upper) }
        }
        return SlabSlice(Slab(writer.bytes), 0..<writer.bytes.count)
    }

    var byteCount: Int { table.properties.byteCount }
}
