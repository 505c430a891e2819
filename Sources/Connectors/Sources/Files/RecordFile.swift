import Storage

/// One file as it is read: its bytes, decompressed, cut into whole records.
final class RecordFile {
    let file: any File
    private let options: FileSource.Options
    private let path: String
    /// What it had when it was opened; 0 where that is not known.
    private let firstByteCount: Int
    private var reader: FileReader
    private var buffer: RecordBuffer

    init(_ file: any File, path: String, options: FileSource.Options) {
        self.file = file
        firstByteCount = (try? file.status().byteCount) ?? 0
        self.path = path
        self.options = options
        reader = FileReader(file, codec: Codec(path: path))
        buffer = RecordFile.buffer(path, options)
    }

    /// A file of which the content before `place` was read already; nil where it has less.
    init?(
        resuming file: any File, path: String, at place: RecordBuffer.Place,
        options: FileSource.Options
    ) throws {
        self.file = file
        firstByteCount = try file.status().byteCount
        self.path = path
        self.options = options
        reader = FileReader(file, codec: Codec(path: path))
        buffer = RecordFile.buffer(path, options, from: place)
        guard try reader.skip(place.offset) else { return nil }
    }

    private static func buffer(
        _ path: String, _ options: FileSource.Options, from place: RecordBuffer.Place? = nil
    ) -> RecordBuffer {
        RecordBuffer(
            name: path, framing: options.framing, recordBytesMax: options.recordBytesMax,
            offset: place?.offset ?? 0, beginsRejected: place?.isRejected ?? false)
    }

    /// The place in the content from which on nothing was given out.
    var place: RecordBuffer.Place { buffer.place }

    var isCompressed: Bool { reader.isCompressed }

    /// Bytes of the file that were read, before decompression.
    var readOffset: Int { reader.readOffset }

    /// Reads without a whole record after which `next` returns, so that a stop is heard.
    private static let readsMax = 64

    /// Whether the last `next` gave nothing because it had read much without a whole record; the
    /// file goes on.
    private(set) var isInsideRecord = false

    /// Gives the next records, about `byteCount` bytes of them; nil where the file ends now, or
    /// `isInsideRecord`.
    func next(byteCount: Int) throws -> RecordBuffer.Piece? {
        isInsideRecord = false
        for _ in 0..<RecordFile.readsMax {
            if let piece = buffer.take(byteCount: byteCount) { return piece }
            var room = buffer.room(byteCount: byteCount)
            var isAtEnd = true
            // A decoder gives little at a time; a plain file all there is.
            repeat {
                let count = try reader.read(into: room.slab, room.range)
                if count == 0 { break }
                isAtEnd = false
                buffer.fill(count)
                room = SlabSlice(room.slab, room.range.dropFirst(count))
            } while reader.isCompressed && room.byteCount > 0
            if isAtEnd { return nil }
        }
        isInsideRecord = true
        return nil
    }

    /// Throws where the file has become shorter since it was opened: its end is not the end of its
    /// content.
    func checkLength() throws {
        let status = try file.status()
        let expected = max(readOffset, firstByteCount)
        // Some files of the system have content and no length.
        if status.byteCount == 0 && firstByteCount == 0 { return }
        guard status.kind == .regular, status.byteCount < expected else { return }
        throw StorageError(
            .other, operation: "read", path: path, offset: status.byteCount,
            cause: "it was cut short while it was read, and had \(expected) bytes before",
            advice: "bring its content back, and start again")
    }

    /// Gives what stands behind the last whole record, when nothing will be added.
    func finish() throws -> RecordBuffer.Piece? {
        try reader.finish()
        return buffer.finish()
    }

    /// Starts again at the front; gives what was left of a record, which will never be whole.
    func restart() -> RecordBuffer.Piece? {
        let rest = buffer.cutShort()
        reader = FileReader(file, codec: Codec(path: path))
        buffer = RecordFile.buffer(path, options)
        return rest
    }
}
