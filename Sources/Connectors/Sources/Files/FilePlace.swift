import Dataflow
import Storage

/// A place in a file, and how the file is known again: by its first bytes and by those before the
/// place, whatever its name is by then.
///
///     place = path | offset: 8 | rejected: 1 | head: count: 4, hash: 8 | tail: count: 4, hash: 8
///
/// The offset counts bytes of the content, and the record there may be one that was rejected; head
/// and tail are bytes of the file as it is stored, the tail of an uncompressed one only.
struct FilePlace: Equatable {
    /// A few bytes and their hash.
    struct Mark: Equatable {
        let byteCount: Int
        let hash: UInt64

        static let none = Mark(byteCount: 0, hash: 0)
    }

    private static let headBytesMax = 1024
    private static let tailBytesMax = 64

    let path: String
    let offset: Int
    /// Whether the record that starts there was rejected already.
    let isRejected: Bool
    let head: Mark
    let tail: Mark

    /// The place up to which a file was read.
    init(_ records: RecordFile, path: String) throws {
        self.path = path
        offset = records.place.offset
        isRejected = records.place.isRejected
        // What follows a rejected record's start is longer than what a file is known by.
        let stored =
            records.isCompressed ? records.readOffset : isRejected ? Self.headBytesMax : offset
        head = try Self.mark(of: records.file, 0..<min(stored, Self.headBytesMax))
        tail =
            records.isCompressed
            ? .none : try Self.mark(of: records.file, max(0, offset - Self.tailBytesMax)..<offset)
    }

    private static func mark(of file: any File, _ range: Range<Int>) throws -> Mark {
        guard !range.isEmpty else { return .none }
        let slab = Slab(byteCount: range.count)
        let count = try file.readAll(into: slab, 0..<range.count, at: range.lowerBound)
        return Mark(byteCount: count, hash: slab.hash(0..<count))
    }

    /// Whether a file has the same bytes before this place.
    func matches(_ file: any File) throws -> Bool {
        guard try Self.mark(of: file, 0..<head.byteCount) == head else { return false }
        return try Self.mark(of: file, offset - tail.byteCount..<offset) == tail
    }

    func encode(to writer: inout ByteWriter) {
        writer.append(path)
        writer.append(Int64(offset))
        writer.append(isRejected)
        for mark in [head, tail] {
            writer.append(UInt32(mark.byteCount))
            writer.append(mark.hash)
        }
    }

    /// Reads a place; those of before do not say whether a record was rejected.
    init(from reader: inout ByteReader, tellsRejected: Bool) throws(ByteReader.Damage) {
        path = try reader.text()
        offset = Int(try reader.integer(Int64.self))
        isRejected = tellsRejected ? try reader.flag() : false
        head = Mark(
            byteCount: Int(try reader.integer(UInt32.self)), hash: try reader.integer())
        tail = Mark(
            byteCount: Int(try reader.integer(UInt32.self)), hash: try reader.integer())
        guard offset >= 0, head.byteCount <= Self.headBytesMax, tail.byteCount <= Self.tailBytesMax,
            tail.byteCount <= offset
        else { throw ByteReader.Damage(cause: "a place in a file lies outside of it") }
    }

    /// Where the reading of its content goes on.
    var content: RecordBuffer.Place {
        RecordBuffer.Place(offset: offset, isRejected: isRejected)
    }

    /// Whether there are bytes by which the file is known again.
    var hasHead: Bool { head.byteCount > 0 }

    /// The file of this place: the one at its path if it is that, or one in the same directory
    /// that was renamed; nil where there is none.
    func find(in fileSystem: any FileSystem) throws -> (file: any File, path: String)? {
        try find(in: fileSystem, hasOtherNames: hasHead) { _ in true }
    }

    /// The file of this place among those that are wanted; `hasOtherNames` says whether one that
    /// is not at its path can be it.
    func find(
        in fileSystem: any FileSystem, hasOtherNames: Bool,
        where isWanted: (FileStatus.Identity) -> Bool
    ) throws -> (file: any File, path: String)? {
        if let file = try open(path, in: fileSystem, where: isWanted) { return (file, path) }
        let directory = FilePath.directory(of: path)
        guard hasOtherNames,
            try fileSystem.status(of: directory.isEmpty ? "." : directory) != nil
        else { return nil }
        // Inodes are used again: without bytes to compare, the name must look like one of a
        // rotation.
        let stem = hasHead ? "" : FilePath.name(of: path).prefix { $0 != "." }
        for name in try fileSystem.names(in: directory.isEmpty ? "." : directory).sorted() {
            let other = FilePath.join(directory, name)
            // A file that was compressed meanwhile is another one.
            guard other != path, name.hasPrefix(stem), Codec(path: other) == Codec(path: path)
            else { continue }
            if let file = try open(other, in: fileSystem, where: isWanted) { return (file, other) }
        }
        return nil
    }

    private func open(
        _ path: String, in fileSystem: any FileSystem,
        where isWanted: (FileStatus.Identity) -> Bool
    ) throws -> (any File)? {
        guard let status = try fileSystem.status(of: path), status.kind == .regular,
            isWanted(status.identity)
        else { return nil }
        let file = try fileSystem.open(path, .read)
        return try matches(file) ? file : nil
    }

    /// What stands at the path of a place whose file is not to be found.
    enum Successor {
        case none
        /// The first bytes of what was read, and nothing more.
        case beginning(any File, FileStatus)
        case another
    }

    func successor(in fileSystem: any FileSystem) throws -> Successor {
        guard let status = try fileSystem.status(of: path), status.kind == .regular else {
            return .none
        }
        let file = try fileSystem.open(path, .read)
        let opened = try file.status()
        guard hasHead, Codec(path: path) == nil, opened.byteCount < offset,
            try Self.mark(of: file, 0..<head.byteCount) == head
        else { return .another }
        return .beginning(file, opened)
    }

    /// The error for a file that is not there any more.
    var missing: StorageError {
        StorageError(
            .notFound, operation: "go on reading", path: path, offset: offset,
            cause: "no file in its directory has the bytes that were read before",
            advice: "put it back, or give its place up with --allow-reset and the source's name")
    }
}
