/// How far a log goes: the one place that says which of its bytes count. Readers stop there.
///
///     log.marks = slot | zeros | slot | zeros                slots begin at multiples of 4096
///     slot = "weirmark": 8 | version: 2 | flags: 2 | partitions: 4 | sequence: 8 | epoch: 8
///            | for each partition: first offset: 8 | end: 8 | its segment: 8 | its position: 8
///              | synced offset: 8
///            | CRC-32C of all this: 4
///
/// Both slots hold the same mark, except while it is being replaced: the older one is written
/// first (and synced, if the commit is to be durable), then the other. So one of them is whole at
/// any instant, and a slot that is damaged later costs nothing.
package struct LogMark: Sendable, Equatable {
    /// What a mark says of a partition.
    package struct Partition: Sendable, Equatable {
        /// The least offset that is kept.
        package var start: Int64 = 0
        package var end = LogPlaces.Place(
            offset: 0, segment: 0, position: LogSegmentHead.byteCount)
        /// All below it is durable.
        package var synced: Int64 = 0
    }

    /// One more with each mark.
    package var sequence: UInt64 = 0
    /// The checkpoint epoch that was committed last; 0 where there is none.
    package var epoch: UInt64 = 0
    package var partitions: [Partition]

    package init(partitionCount: Int) {
        partitions = Array(repeating: Partition(), count: partitionCount)
    }

    /// The ends of all partitions.
    package var ends: LogPlaces { LogPlaces(partitions.map(\.end)) }

    private static let magic: UInt64 = 0x6b72_616d_7269_6577
    private static let version: UInt16 = 1
    private static let headBytes = 32
    private static let partitionBytes = 40
    private static let page = 4096
    static let partitionsMax = 4096

    /// Bytes of a slot.
    private static func byteCount(_ partitionCount: Int) -> Int {
        headBytes + partitionCount * partitionBytes + 4
    }

    /// Where a slot begins.
    private static func offset(of slot: Int, _ partitionCount: Int) -> Int {
        slot * ((byteCount(partitionCount) + page - 1) / page * page)
    }

    private var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt16(0))
        writer.append(UInt32(partitions.count))
        writer.append(sequence)
        writer.append(epoch)
        for partition in partitions {
            writer.append(partition.start)
            writer.append(partition.end.offset)
            writer.append(partition.end.segment)
            writer.append(Int64(partition.end.position))
            writer.append(partition.synced)
        }
        writer.appendChecksum()
        return writer.bytes
    }

    private init(decoding slice: SlabSlice, partitionCount: Int) throws(ByteReader.Damage) {
        let checked = Self.byteCount(partitionCount) - 4
        var reader = ByteReader(slice)
        let content = try reader.bytes(checked)
        guard try reader.integer(UInt32.self) == CRC32C.checksum(content) else {
            throw ByteReader.Damage(cause: "the checksum of a commit mark is wrong")
        }
        reader = ByteReader(content)
        guard try reader.integer(UInt64.self) == Self.magic,
            try reader.integer(UInt16.self) == Self.version
        else { throw ByteReader.Damage(cause: "the version of a commit mark is not known here") }
        _ = try reader.integer(UInt16.self)
        guard try reader.integer(UInt32.self) == UInt32(partitionCount) else {
            throw ByteReader.Damage(cause: "a commit mark has another number of partitions")
        }
        sequence = try reader.integer()
        epoch = try reader.integer()
        partitions = []
        for _ in 0..<partitionCount {
            let start = try reader.integer(Int64.self)
            let offset = try reader.integer(Int64.self)
            let segment = try reader.integer(Int64.self)
            let position = try reader.integer(Int64.self)
            let synced = try reader.integer(Int64.self)
            guard start >= 0, segment >= 0, offset >= segment, offset >= start,
                position >= LogSegmentHead.byteCount
            else { throw ByteReader.Damage(cause: "a commit mark cannot be") }
            let end = LogPlaces.Place(offset: offset, segment: segment, position: Int(position))
            partitions.append(Partition(start: start, end: end, synced: synced))
        }
    }

    /// The newest mark of a file, and how many of its slots are damaged.
    static func read(
        _ file: any File, partitionCount: Int
    ) throws(StorageError) -> (mark: LogMark, slot: Int, damagedSlots: Int) {
        let count = byteCount(partitionCount)
        let slab = Slab(byteCount: count)
        var newest: (mark: LogMark, slot: Int)?
        var damaged = 0
        for slot in 0..<2 {
            let place = offset(of: slot, partitionCount)
            let got = try file.readAll(into: slab, 0..<count, at: place)
            do throws(ByteReader.Damage) {
                let slice = SlabSlice(slab, 0..<got)
                let mark = try LogMark(decoding: slice, partitionCount: partitionCount)
                if newest.map({ mark.sequence > $0.mark.sequence }) ?? true {
                    newest = (mark, slot)
                }
            } catch {
                damaged += 1
            }
        }
        guard let newest else {
            throw StorageError(
                .corrupt, operation: "read", path: file.path, offset: 0,
                cause: "both copies of the commit mark are damaged",
                advice: "whoever writes to the log next finds its end from its segments")
        }
        return (newest.mark, newest.slot, damaged)
    }

    /// The newest mark of a file, of however many partitions; nil where none is whole.
    static func find(in file: any File) throws(StorageError) -> LogMark? {
        let slab = Slab(byteCount: headBytes)
        for place in stride(from: 0, to: try file.status().byteCount, by: page) {
            let got = try file.readAll(into: slab, 0..<headBytes, at: place)
            var reader = ByteReader(SlabSlice(slab, 0..<got))
            guard (try? reader.integer(UInt64.self)) == magic,
                (try? reader.integer(UInt32.self)) != nil,
                let count = try? reader.integer(UInt32.self), count > 0, count <= partitionsMax
            else { continue }
            do throws(StorageError) {
                return try read(file, partitionCount: Int(count)).mark
            } catch {
                guard error.kind == .corrupt else { throw error }
            }
        }
        return nil
    }

    /// Replaces the mark in a slot.
    func write(to file: any File, slot: Int) throws(StorageError) {
        let bytes = encoded
        try file.writeAll(
            SlabSlice(Slab(bytes), 0..<bytes.count),
            at: Self.offset(of: slot, partitions.count))
    }
}
