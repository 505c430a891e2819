/// The sparse index of a segment: for some of its batches, where they begin.
///
///     index = entry | entry | …
///     entry = base offset: 8 | position: 8 | greatest timestamp before it: 8
///             | CRC-32C of these, from the segment's first offset: 4 | 0: 4
///
/// It is a hint: whoever goes by an entry checks the batch it leads to, and an index that is
/// missing, cut or wrong costs time and nothing else. The last entry of a finished segment leads to
/// its end.
struct LogIndex: Sendable {
    /// An entry.
    struct Entry: Sendable, Equatable {
        var offset: Int64
        var position: Int
        /// The greatest timestamp of the segment before this place.
        var greatestTimestamp: Int64
    }

    static let entryBytes = 32
    /// Bytes of batches from one entry to the next, at least.
    static let grain = 256 << 10

    /// In order; the first one leads to the first batch.
    private(set) var entries: [Entry]
    let base: Int64

    init(base: Int64) {
        self.base = base
        entries = [
            Entry(
                offset: base, position: LogSegmentHead.byteCount, greatestTimestamp: .min)
        ]
    }

    /// Adds an entry, if it lies behind the last one; gives whether it did.
    @discardableResult
    mutating func add(_ entry: Entry, everywhere: Bool = false) -> Bool {
        guard let last = entries.last, entry.offset > last.offset,
            entry.position > last.position,
            everywhere || entry.position - last.position >= Self.grain
        else { return false }
        entries.append(entry)
        return true
    }

    /// Forgets entries at or behind a place.
    mutating func cut(to place: LogPlaces.Place) {
        while entries.count > 1, let last = entries.last,
            last.offset > place.offset || last.position > place.position
        {
            entries.removeLast()
        }
    }

    /// The last entry at or before an offset.
    func entry(before offset: Int64) -> Entry {
        var least = 0
        var end = entries.count
        while end - least > 1 {
            let middle = (least + end) / 2
            if entries[middle].offset <= offset { least = middle } else { end = middle }
        }
        return entries[least]
    }

    /// The last entry before which every timestamp is below one.
    func entry(beforeTimestamp timestamp: Int64) -> Entry {
        var least = 0
        var end = entries.count
        while end - least > 1 {
            let middle = (least + end) / 2
            if entries[middle].greatestTimestamp < timestamp {
                least = middle
            } else {
                end = middle
            }
        }
        return entries[least]
    }

    /// An entry as it is stored.
    static func encode(_ entry: Entry, base: Int64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(entry.offset)
        writer.append(Int64(entry.position))
        writer.append(entry.greatestTimestamp)
        let checked = SlabSlice(Slab(writer.bytes), 0..<writer.bytes.count)
        writer.append(CRC32C.checksum(checked, extending: UInt32(truncatingIfNeeded: base)))
        writer.append(UInt32(0))
        return writer.bytes
    }

    /// All of it as it is stored; the first entry goes without saying.
    var encoded: [UInt8] { entries.dropFirst().flatMap { Self.encode($0, base: base) } }

    /// Reads an index: what of it is whole.
    static func read(
        _ path: String, base: Int64, fileSystem: any FileSystem
    ) throws(StorageError) -> LogIndex {
        var index = LogIndex(base: base)
        guard let status = try fileSystem.status(of: path) else { return index }
        let count = min(status.byteCount, 16 << 20)
        let slab = Slab(byteCount: count)
        let file: any File
        do throws(StorageError) {
            file = try fileSystem.open(path, .read)
        } catch {
            // It went with its segment.
            if error.kind == .notFound { return index }
            throw error
        }
        let got = try file.readAll(into: slab, 0..<count, at: 0)
        var reader = ByteReader(SlabSlice(slab, 0..<got))
        do throws(ByteReader.Damage) {
            while reader.rest >= entryBytes {
                var body = ByteReader(try reader.bytes(entryBytes))
                let checked = try body.bytes(24)
                let checksum = CRC32C.checksum(
                    checked, extending: UInt32(truncatingIfNeeded: base))
                guard try body.integer(UInt32.self) == checksum else { break }
                var fields = ByteReader(checked)
                let entry = Entry(
                    offset: try fields.integer(), position: Int(try fields.integer(Int64.self)),
                    greatestTimestamp: try fields.integer())
                if !index.add(entry, everywhere: true) { break }
            }
        } catch {}
        return index
    }
}
