/// A small file that is there whole or not at all: written beside its place, synced, and renamed.
///
///     file = "weirman1" | version: 4 | length of the body: 8 | body | CRC-32C of all before: 4
///
/// Numbers are little-endian.
package enum ManifestFile {
    private static let magic: UInt64 = 0x316e_616d_7269_6577
    private static let version: UInt32 = 1
    private static let headBytes = 20
    private static let bodyBytesMax = 1 << 32

    /// Writes a file and makes it durable, with its name; it replaces what stood there.
    package static func write(
        _ body: [UInt8], to path: String, in fileSystem: any FileSystem
    ) throws(StorageError) {
        try place(body, at: path, in: fileSystem)
        try fileSystem.syncDirectory(FilePath.directory(of: path))
    }

    /// Writes a file and puts it in its place, but does not make its name durable.
    package static func place(
        _ body: [UInt8], at path: String, in fileSystem: any FileSystem
    ) throws(StorageError) {
        try AtomicFile.place(framed(body), at: path, in: fileSystem)
    }

    private static func framed(_ body: [UInt8]) -> SlabSlice {
        var bytes = GrowingBytes(capacity: headBytes + body.count + 4)
        bytes.append(magic)
        bytes.append(version)
        bytes.append(UInt64(body.count))
        bytes.append(SlabSlice(Slab(body), 0..<body.count))
        bytes.append(CRC32C.checksum(SlabSlice(bytes.slab, 0..<bytes.count)))
        return bytes.take()
    }

    /// Whether a name is that of a manifest that was not whole yet.
    static func isUnfinished(_ name: String) -> Bool {
        name.hasSuffix(".manifest" + AtomicFile.newSuffix)
    }

    /// Reads the body of a file, and checks all of it.
    package static func read(
        _ path: String, in fileSystem: any FileSystem
    ) throws(StorageError) -> [UInt8] {
        let file = try fileSystem.open(path, .read)
        let byteCount = try file.status().byteCount
        guard byteCount >= headBytes + 4, byteCount <= bodyBytesMax else {
            throw corrupt(path, "it has \(byteCount) bytes")
        }
        let slab = Slab(byteCount: byteCount)
        guard try file.readAll(into: slab, 0..<byteCount, at: 0) == byteCount else {
            throw corrupt(path, "it became shorter while it was read")
        }
        do throws(ByteReader.Damage) {
            var reader = ByteReader(SlabSlice(slab, 0..<byteCount))
            guard try reader.integer(UInt64.self) == magic else {
                throw ByteReader.Damage(cause: "it is no manifest")
            }
            let found = try reader.integer(UInt32.self)
            let count = try reader.integer(UInt64.self)
            guard count == UInt64(byteCount - headBytes - 4) else {
                throw ByteReader.Damage(cause: "its body does not fill it")
            }
            let body = try reader.bytes(Int(count))
            let checksum = try reader.integer(UInt32.self)
            guard CRC32C.checksum(SlabSlice(slab, 0..<byteCount - 4)) == checksum else {
                throw ByteReader.Damage(cause: "its checksum is wrong")
            }
            guard found == version else {
                throw ByteReader.Damage(cause: "its version is \(found), not \(version)")
            }
            return body.slab.array(body.range)
        } catch {
            throw corrupt(path, error.cause)
        }
    }

    /// An error for a manifest that cannot be right.
    package static func corrupt(_ path: String, _ cause: String) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: path, cause: cause,
            advice: "restore it from another place, or start from an older checkpoint")
    }
}
