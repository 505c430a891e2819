/// Batches of a log in a file of their own, which is written once: a copy for whoever may lose the
/// log.
///
///     file = head | batch | batch | …
///     head = "weirrow1": 8 | version: 4 | partition: 4 | first offset: 8 | end: 8
///            | bytes of the batches: 8 | CRC-32C of the batches: 4 | CRC-32C of all before: 4
///
/// Batches stand as in the log's segments.
package struct ExcerptFile: Sendable {
    package let offsets: Range<Int64>
    let partition: Int
    /// Bytes of the batches.
    let byteCount: Int
    private let checksum: UInt32
    private let file: any File

    private static let magic: UInt64 = 0x3177_6f72_7269_6577
    private static let version: UInt32 = 1
    static let headBytes = 48
    private static let copyBytes = 1 << 20

    package var path: String { file.path }

    /// Opens one, and checks its head and its length.
    package init(_ file: any File) throws(StorageError) {
        self.file = file
        let slab = Slab(byteCount: Self.headBytes)
        let count = try file.readAll(into: slab, 0..<Self.headBytes, at: 0)
        do throws(ByteReader.Damage) {
            var reader = try ByteReader(checked: SlabSlice(slab, 0..<count))
            guard try reader.integer(UInt64.self) == Self.magic,
                try reader.integer(UInt32.self) == Self.version
            else { throw ByteReader.Damage(cause: "it has no rows in a known version") }
            partition = Int(try reader.integer(UInt32.self))
            let (first, end) = (
                try reader.integer(Int64.self), try reader.integer(Int64.self)
            )
            byteCount = Int(try reader.integer(Int64.self))
            checksum = try reader.integer()
            try reader.finish()
            guard first >= 0, first < end, byteCount > 0 else {
                throw ByteReader.Damage(cause: "its head cannot be")
            }
            offsets = first..<end
        } catch {
            throw Self.wrong(file, error.cause)
        }
        guard try file.status().byteCount == Self.headBytes + byteCount else {
            throw Self.wrong(file, "its length is not what its head says")
        }
    }

    private static func wrong(_ file: any File, _ cause: String) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: file.path, cause: cause,
            advice: "restore it from another place, or start from an older checkpoint")
    }

    /// Writes batches of a log to an empty file; gives the bytes written.
    static func write(_ excerpt: LogExcerpt, to file: any File) throws(StorageError) -> Int {
        var (position, checksum) = (headBytes, UInt32(0))
        for part in excerpt.parts {
            try copy(part.file, part.bytes) { slice throws(StorageError) in
                checksum = CRC32C.checksum(slice, extending: checksum)
                try file.writeAll(slice, at: position)
                position += slice.byteCount
            }
        }
        var head = ByteWriter()
        head.append(magic)
        head.append(version)
        head.append(UInt32(excerpt.partition))
        head.append(excerpt.offsets.lowerBound)
        head.append(excerpt.offsets.upperBound)
        head.append(Int64(position - headBytes))
        head.append(checksum)
        head.appendChecksum()
        try file.writeAll(SlabSlice(Slab(head.bytes), 0..<headBytes), at: 0)
        return position
    }

    /// Hands bytes of a file on, piece by piece.
    private static func copy(
        _ file: any File, _ bytes: Range<Int>,
        _ body: (SlabSlice) throws(StorageError) -> Void
    ) throws(StorageError) {
        let slab = Slab(byteCount: min(max(bytes.count, 1), copyBytes))
        var position = bytes.lowerBound
        while position < bytes.upperBound {
            let range = 0..<min(slab.byteCount, bytes.upperBound - position)
            guard try file.readAll(into: slab, range, at: position) == range.count else {
                throw wrong(file, "it became shorter while it was read")
            }
            try body(SlabSlice(slab, range))
            position += range.count
        }
    }

    /// Hands the batches on, and checks them: what was handed on counts only if it does not throw.
    func read(_ body: (SlabSlice) throws(StorageError) -> Void) throws(StorageError) {
        var found = UInt32(0)
        try Self.copy(file, Self.headBytes..<Self.headBytes + byteCount) {
            slice throws(StorageError) in
            found = CRC32C.checksum(slice, extending: found)
            try body(slice)
        }
        guard found == checksum else { throw Self.wrong(file, "its checksum is wrong") }
    }

    /// Reads all of it.
    package func verify() throws(StorageError) { try read { _ in } }
}
