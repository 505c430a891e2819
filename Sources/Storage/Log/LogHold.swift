/// What somebody still needs of a log: nothing at or above these offsets is trimmed.
///
/// A checkpoint of a pipeline that reads a log sets one, in a file of the log's directory, so that
/// it counts for whichever process trims.
///
///     <name>.hold = "weirhold": 8 | version: 2 | partitions: 4 | for each: least offset needed: 8
///                   | CRC-32C of all this: 4
package struct LogHold: Sendable, Equatable {
    package let name: String
    /// By partition; the greatest number for one that is not needed.
    package let offsets: [Int64]

    private static let magic: UInt64 = 0x646c_6f68_7269_6577
    private static let version: UInt16 = 1

    package init(name: String, offsets: [Int64]) {
        self.name = name
        self.offsets = offsets
    }

    /// Letters, digits, `_`, `-` and `.`, as pipelines and their parts are named.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 200 && name.first != "."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Sets the hold of a log, in the place of one with the same name.
    package func set(on directory: String, fileSystem: any FileSystem) throws(StorageError) {
        let path = FilePath.join(directory, LogNames.hold(name))
        guard Self.isName(name) else {
            throw StorageError(
                .other, operation: "hold", path: path, cause: "that is no name for a hold",
                advice: "use letters, digits, _ and -")
        }
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(offsets.count))
        for offset in offsets { writer.append(offset) }
        writer.appendChecksum()
        try AtomicFile.write(writer.bytes, to: path, in: fileSystem)
    }

    /// Takes a hold away; one that is not there is fine.
    package static func release(
        _ name: String, on directory: String, fileSystem: any FileSystem
    ) throws(StorageError) {
        do throws(StorageError) {
            try fileSystem.unlink(FilePath.join(directory, LogNames.hold(name)))
        } catch {
            guard error.kind == .notFound else { throw error }
        }
    }

    /// All holds of a log. One that is damaged is an error: what it needs is not known.
    package static func all(
        on directory: String, fileSystem: any FileSystem
    ) throws(StorageError) -> [LogHold] {
        var holds: [LogHold] = []
        for name in try fileSystem.names(in: directory).sorted()
        where name.hasSuffix(LogNames.holdSuffix) {
            let path = FilePath.join(directory, name)
            guard let status = try fileSystem.status(of: path) else { continue }
            let count = min(status.byteCount, 64 << 10)
            let slab = Slab(byteCount: count)
            let got = try fileSystem.open(path, .read).readAll(into: slab, 0..<count, at: 0)
            do throws(ByteReader.Damage) {
                let owner = String(name.dropLast(LogNames.holdSuffix.count))
                holds.append(try LogHold(name: owner, decoding: SlabSlice(slab, 0..<got)))
            } catch {
                throw StorageError(
                    .corrupt, operation: "read", path: path, offset: 0, cause: error.cause,
                    advice: "remove it if no checkpoint needs the log any more")
            }
        }
        return holds
    }

    private init(name: String, decoding slice: SlabSlice) throws(ByteReader.Damage) {
        var reader = try ByteReader(checked: slice)
        guard try reader.integer(UInt64.self) == Self.magic,
            try reader.integer(UInt16.self) == Self.version
        else { throw ByteReader.Damage(cause: "it is no hold of a known version") }
        let count = Int(try reader.integer(UInt32.self))
        guard count * 8 == reader.rest else { throw ByteReader.Damage(cause: "it is cut short") }
        var offsets: [Int64] = []
        for _ in 0..<count { offsets.append(try reader.integer()) }
        self.init(name: name, offsets: offsets)
    }
}
