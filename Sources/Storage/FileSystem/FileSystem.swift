/// The door to files: the only way by which anything opens, syncs, renames or removes one.
///
/// `DiskFileSystem` is the world's; tests put a twin in memory in its place.
package protocol FileSystem: Sendable {
    /// Opens a file; it closes when the last reference to it goes.
    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File

    /// What stands at a path, symbolic links followed; nil where nothing does.
    func status(of path: String) throws(StorageError) -> FileStatus?

    /// Names in a directory, without `.` and `..`, in no order.
    func names(in directory: String) throws(StorageError) -> [String]

    /// Makes a directory and those above it; one that is there already is fine.
    func makeDirectories(_ path: String) throws(StorageError)

    /// Gives a file another name, replacing what had it.
    func rename(_ path: String, to newPath: String) throws(StorageError)

    /// Removes a name.
    func unlink(_ path: String) throws(StorageError)

    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(StorageError)

    /// Watches a file for writes of any process; nil where that cannot be done.
    func watch(_ path: String) -> FileWatch?

    /// The same files, where writes do not wait for room on a full disk.
    var impatient: any FileSystem { get }

    /// Does something with impatient files below `path`, again and again while it fails for want of
    /// room and these files wait for that: for what writes under a lock that must not be held so
    /// long.
    func waitingForRoom<Result>(
        _ path: String, _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result
}

extension FileSystem {
    /// Most twins have nobody else who writes: whoever waits looks again now and then.
    package func watch(_ path: String) -> FileWatch? { nil }

    /// Most never wait.
    package var impatient: any FileSystem { self }

    package func waitingForRoom<Result>(
        _ path: String, _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try body()
    }
}

/// How a file is opened.
package enum OpenMode: Sendable, Equatable {
    /// To read what is there.
    case read
    /// To read and write from the start; made if absent, emptied if `truncating`.
    case write(truncating: Bool)
    /// To write behind the end; made if absent.
    case append
}

/// An open file.
///
/// Reads and writes may do less than they were asked, as the system's do: `read(into:_:at:)` gives
/// at least one byte unless the file ends, and `write` at least one unless there is nothing to
/// write. The extensions below go on until all is done.
package protocol File: AnyObject, Sendable {
    var path: String { get }

    /// Reads at `offset` into `range` of `slab`; gives the bytes read, 0 at the end. A pipe or
    /// terminal is read from where it stands.
    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int

    /// Writes the slices one behind the other where the last write ended, without the first
    /// `skip` bytes; gives the bytes written.
    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int

    /// Writes a slice at `offset`; gives the bytes written.
    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int

    func status() throws(StorageError) -> FileStatus

    /// Cuts or extends the file to `byteCount`.
    func truncate(to byteCount: Int) throws(StorageError)

    /// Makes sure that there is room for the first `byteCount` bytes.
    func allocate(_ byteCount: Int) throws(StorageError)

    /// Makes what was written durable.
    func sync() throws(StorageError)

    /// Claims the file for this process as long as it is open; false where another one has it.
    func lock() throws(StorageError) -> Bool

    /// Tells the system that the file is read from front to back.
    func adviseSequential()

    /// Has the system begin to put on the device what was written; waits for nothing, and promises
    /// nothing.
    func beginSync()
}

extension File {
    package func beginSync() {}
}

/// Bytes of a slab.
package struct SlabSlice: Sendable {
    package let slab: Slab
    package let range: Range<Int>

    package init(_ slab: Slab, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= slab.byteCount)
        self.slab = slab
        self.range = range
    }

    package var byteCount: Int { range.count }
}

/// Slices that are written one behind the other, in as many writes as it takes.
struct UnwrittenSlices {
    /// Those that have bytes left to write.
    private(set) var slices: ArraySlice<SlabSlice>
    /// Bytes of the first that are written.
    private(set) var skip = 0

    init(_ slices: [SlabSlice]) {
        self.slices = slices[...]
        drop(0)
    }

    /// Notes that so many bytes more are written.
    mutating func drop(_ written: Int) {
        skip += written
        while let first = slices.first, skip >= first.byteCount {
            skip -= first.byteCount
            slices.removeFirst()
        }
    }
}

/// What the system knows of a file.
package struct FileStatus: Sendable, Equatable {
    /// What names come and go on: the file itself, as long as it exists.
    package struct Identity: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64

        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package enum Kind: Sendable { case regular, directory, pipe, socket, device }

    package let identity: Identity
    package let kind: Kind
    package let byteCount: Int
    /// Last change of the content, in microseconds since the epoch.
    package let modified: Int64
    /// Names that the file has; 0 for one that was removed while open.
    package let linkCount: Int

    package init(
        identity: Identity, kind: Kind, byteCount: Int, modified: Int64, linkCount: Int
    ) {
        self.identity = identity
        self.kind = kind
        self.byteCount = byteCount
        self.modified = modified
        self.linkCount = linkCount
    }
}

extension File {
    package func allocate(_ byteCount: Int) throws(StorageError) {
        try truncate(to: max(try status().byteCount, byteCount))
    }

    /// Writes all of the slices where the last write ended.
    package func writeAll(_ slices: [SlabSlice]) throws(StorageError) {
        var left = UnwrittenSlices(slices)
        while !left.slices.isEmpty {
            let written = try write(left.slices, skipping: left.skip)
            precondition(written > 0, "a write that gives no error writes something")
            left.drop(written)
        }
    }

    /// Writes all of a slice at `offset`.
    package func writeAll(_ slice: SlabSlice, at offset: Int) throws(StorageError) {
        var written = 0
        while written < slice.byteCount {
            let start = slice.range.lowerBound + written
            let rest = SlabSlice(slice.slab, start..<slice.range.upperBound)
            written += try write(rest, at: offset + written)
        }
    }

    /// Reads until `range` is full or the file ends; gives the bytes read.
    package func readAll(
        into slab: Slab, _ range: Range<Int>, at offset: Int
    ) throws(StorageError) -> Int {
        var count = 0
        while count < range.count {
            let rest = range.lowerBound + count..<range.upperBound
            let got = try read(into: slab, rest, at: offset + count)
            if got == 0 { break }
            count += got
        }
        return count
    }
}

/// Files that are replaced as a whole or not at all.
enum AtomicFile {
    /// What the name of a file ends with that is being written.
    static let newSuffix = ".new"

    /// Writes a file beside its place, makes it durable, and puts it in the place of what stood
    /// there; its name is not durable yet.
    static func place(
        _ content: SlabSlice, at path: String, in fileSystem: any FileSystem
    ) throws(StorageError) {
        let new = path + newSuffix
        do throws(StorageError) {
            let file = try fileSystem.open(new, .write(truncating: true))
            try file.writeAll(content, at: 0)
            try file.sync()
            try fileSystem.rename(new, to: path)
        } catch {
            // What is there of it only takes room.
            do throws(StorageError) { try fileSystem.unlink(new) } catch {}
            throw error
        }
    }

    /// The same, and makes its name durable.
    static func write(
        _ bytes: [UInt8], to path: String, in fileSystem: any FileSystem
    ) throws(StorageError) {
        try place(SlabSlice(Slab(bytes), 0..<bytes.count), at: path, in: fileSystem)
        try fileSystem.syncDirectory(FilePath.directory(of: path))
    }
}
