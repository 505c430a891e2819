/// Reads an immutable file of frames by their places; every byte is checked before it is used.
package final class FrameReader: Sendable {
    private let file: any File
    package let footer: SlabSlice
    /// Where the footer lies.
    let footerPlace: FramePlace
    /// Bytes of the file.
    package let byteCount: Int

    /// Checks the ends of a file and reads its footer.
    package init(_ file: any File) throws(StorageError) {
        self.file = file
        byteCount = try file.status().byteCount
        footerPlace = try Self.footerPlace(of: file, byteCount: byteCount)
        footer = try Self.read(footerPlace, of: file)
    }

    private static func footerPlace(
        of file: any File, byteCount: Int
    ) throws(StorageError) -> FramePlace {
        let least = FrameFormat.magicBytes + FrameFormat.tailBytes + FrameFormat.trailerBytes
        guard byteCount >= least else {
            throw corrupt(file, 0, "a file of \(byteCount) bytes is cut short")
        }
        let start = byteCount - FrameFormat.trailerBytes
        let slab = Slab(byteCount: FrameFormat.trailerBytes + FrameFormat.magicBytes)
        let end = FrameFormat.trailerBytes
        let got = try file.readAll(into: slab, 0..<end, at: start)
        let head = try file.readAll(into: slab, end..<end + FrameFormat.magicBytes, at: 0)
        guard got == end, head == FrameFormat.magicBytes else {
            throw corrupt(file, start, "the file became shorter")
        }
        let base = unsafe slab.base
        let offset = unsafe base.load(as: UInt64.self)
        let count = unsafe base.load(fromByteOffset: 8, as: UInt32.self)
        let version = unsafe base.load(fromByteOffset: 12, as: UInt32.self)
        let checksum = unsafe base.load(fromByteOffset: 16, as: UInt32.self)
        let magic = unsafe base.loadUnaligned(fromByteOffset: 20, as: UInt64.self)
        let first = unsafe base.loadUnaligned(fromByteOffset: 28, as: UInt64.self)
        guard magic == FrameFormat.magic, first == FrameFormat.magic else {
            throw corrupt(file, start, "not a file of state, or one that was cut short")
        }
        guard CRC32C.checksum(SlabSlice(slab, 0..<16)) == checksum else {
            throw corrupt(file, start, "the checksum of the trailer is wrong")
        }
        guard version == FrameFormat.version else {
            throw corrupt(file, start, "version \(version) of the format is not known here")
        }
        guard Int(count) >= FrameFormat.tailBytes, offset <= UInt64(start),
            Int(offset) + Int(count) == start
        else { throw corrupt(file, start, "the footer lies outside of the file") }
        return FramePlace(offset: Int(offset), storedByteCount: Int(count))
    }

    private static func corrupt(
        _ file: any File, _ offset: Int, _ cause: String
    ) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: file.path, offset: offset, cause: cause,
            advice: "restore the state from a checkpoint")
    }

    /// Reads a frame, checks it and undoes its compression.
    package func read(_ place: FramePlace) throws(StorageError) -> SlabSlice {
        guard place.offset >= FrameFormat.magicBytes,
            place.storedByteCount >= FrameFormat.tailBytes,
            place.storedByteCount <= byteCount - FrameFormat.trailerBytes - place.offset
        else { throw Self.corrupt(file, place.offset, "a frame lies outside of the file") }
        return try Self.read(place, of: file)
    }

    private static func read(
        _ place: FramePlace, of file: any File
    ) throws(StorageError) -> SlabSlice {
        let slab = Slab(byteCount: place.storedByteCount)
        let got = try file.readAll(into: slab, 0..<place.storedByteCount, at: place.offset)
        guard got == place.storedByteCount else {
            throw corrupt(file, place.offset, "the file became shorter")
        }
        let checked = place.storedByteCount - 4
        let checksum = unsafe slab.base.loadUnaligned(fromByteOffset: checked, as: UInt32.self)
        guard CRC32C.checksum(SlabSlice(slab, 0..<checked)) == checksum else {
            throw corrupt(file, place.offset, "the checksum of a frame is wrong")
        }
        let mark = unsafe slab.base.load(fromByteOffset: checked - 1, as: UInt8.self)
        let body = SlabSlice(slab, 0..<checked - 1)
        guard let content = BlockCodec.decompress(body, mark: mark) else {
            throw corrupt(file, place.offset, "a frame cannot be decompressed")
        }
        return content
    }
}
