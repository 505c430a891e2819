import Storage

/// The files of the machine, one operation on which is the last of the process.
struct KillingFileSystem: FileSystem {
    private let files = DiskFileSystem()
    let point: KillPoint

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        KillingFile(try files.open(path, mode), point)
    }

    func status(of path: String) throws(StorageError) -> FileStatus? { try files.status(of: path) }

    func names(in directory: String) throws(StorageError) -> [String] {
        try files.names(in: directory)
    }

    func makeDirectories(_ path: String) throws(StorageError) { try files.makeDirectories(path) }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try point.pass(.rename, newPath) { () throws(StorageError) in
            try files.rename(path, to: newPath)
        }
    }

    func unlink(_ path: String) throws(StorageError) {
        try point.pass(.unlink, path) { () throws(StorageError) in try files.unlink(path) }
    }

    func syncDirectory(_ path: String) throws(StorageError) {
        try point.pass(.syncdir, path) { () throws(StorageError) in
            try files.syncDirectory(path)
        }
    }

    func watch(_ path: String) -> FileWatch? { files.watch(path) }
}

/// A file of the machine, one operation on which may be the last.
private final class KillingFile: File {
    private let file: any File
    private let point: KillPoint

    init(_ file: any File, _ point: KillPoint) {
        self.file = file
        self.point = point
    }

    var path: String { file.path }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        try file.read(into: slab, range, at: offset)
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        try point.pass(
            .write, path,
            half: { () throws(StorageError) in
                guard let first = slices.first else { return }
                let start = first.range.lowerBound + skip
                let end = start + (first.range.upperBound - start) / 2
                _ = try file.write([SlabSlice(first.slab, start..<end)], skipping: 0)
            }
        ) { () throws(StorageError) in try file.write(slices, skipping: skip) }
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        try point.pass(
            .write, path,
            half: { () throws(StorageError) in
                let start = slice.range.lowerBound
                let half = SlabSlice(slice.slab, start..<start + slice.byteCount / 2)
                _ = try file.write(half, at: offset)
            }
        ) { () throws(StorageError) in try file.write(slice, at: offset) }
    }

    func status() throws(StorageError) -> FileStatus { try file.status() }

    func truncate(to byteCount: Int) throws(StorageError) {
        try point.pass(.truncate, path) { () throws(StorageError) in
            try file.truncate(to: byteCount)
        }
    }

    func sync() throws(StorageError) {
        try point.pass(.sync, path) { () throws(StorageError) in try file.sync() }
    }

    func lock() throws(StorageError) -> Bool { try file.lock() }

    func adviseSequential() { file.adviseSequential() }

    func beginSync() { file.beginSync() }
}
