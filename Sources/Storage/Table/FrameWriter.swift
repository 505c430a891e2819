/// Where a frame lies in its file.
package struct FramePlace: Sendable, Equatable {
    /// Its first byte.
    package let offset: Int
    /// Its bytes, codec mark and checksum included.
    package let storedByteCount: Int

    package init(offset: Int, storedByteCount: Int) {
        self.offset = offset
        self.storedByteCount = storedByteCount
    }
}

/// The format of immutable files of state, version 1: frames that are read by their places.
///
///     file    = "weirtab1" | frame | frame | … | trailer
///     frame   = body | codec: 1 | CRC-32C of body and codec: 4
///     trailer = footer's offset: 8 | its stored length: 4 | version: 4 | CRC-32C of these: 4
///               | "weirtab1"
///
/// Numbers are little-endian. The last frame is the footer; what it holds is the business of the
/// kind of file. See `BlockCodec` for compressed bodies.
enum FrameFormat {
    static let magic: UInt64 = 0x3162_6174_7269_6577
    static let magicBytes = 8
    static let trailerBytes = 28
    static let version: UInt32 = 1
    /// Codec mark and checksum.
    static let tailBytes = 5
}

/// Writes an immutable file of frames, front to back.
package final class FrameWriter {
    private let file: any File
    private var waiting = GrowingBytes(capacity: FrameWriter.bufferBytes)
    /// Bytes of the file so far, written or waiting.
    package private(set) var byteCount = 0
    private var written = 0

    private static let bufferBytes = 256 << 10

    /// Starts an empty file.
    package init(_ file: any File) throws(StorageError) {
        self.file = file
        waiting.append(FrameFormat.magic)
        byteCount = FrameFormat.magicBytes
    }

    /// Adds a frame, compressed where that saves something.
    package func append(
        _ content: SlabSlice, codec: BlockCodec
    ) throws(StorageError) -> FramePlace {
        let compressed = codec.compress(content)
        let body = compressed ?? content
        let mark = compressed == nil ? BlockCodec.none.mark : codec.mark
        let place = FramePlace(
            offset: byteCount, storedByteCount: body.byteCount + FrameFormat.tailBytes)
        if waiting.count + place.storedByteCount > Self.bufferBytes { try flush() }
        if place.storedByteCount > Self.bufferBytes {
            // What is larger than the buffer is not copied to it.
            try file.writeAll(body, at: written)
            written += body.byteCount
        } else {
            unsafe waiting.append(body.slab.base + body.range.lowerBound, count: body.byteCount)
        }
        let tail = waiting.count
        waiting.append(mark)
        waiting.append(
            CRC32C.checksum(
                SlabSlice(waiting.slab, tail..<tail + 1), extending: CRC32C.checksum(body)))
        byteCount += place.storedByteCount
        return place
    }

    private func flush() throws(StorageError) {
        guard waiting.count > 0 else { return }
        try file.writeAll(SlabSlice(waiting.slab, 0..<waiting.count), at: written)
        written += waiting.count
        waiting.removeAll()
    }

    /// Writes the footer and the trailer, and syncs the file; gives its bytes.
    package func finish(footer: SlabSlice) throws(StorageError) -> Int {
        let place = try append(footer, codec: .none)
        let start = waiting.count
        waiting.append(UInt64(place.offset))
        waiting.append(UInt32(place.storedByteCount))
        waiting.append(FrameFormat.version)
        waiting.append(CRC32C.checksum(SlabSlice(waiting.slab, start..<waiting.count)))
        waiting.append(FrameFormat.magic)
        byteCount += FrameFormat.trailerBytes
        try flush()
        try file.sync()
        return byteCount
    }
}
