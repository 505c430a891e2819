import Storage

/// The files of the machine, one operation on which is the last of the process.
struct KillingFileSystem: ForwardingFileSystem {
    let base: any FileSystem = DiskFileSystem()
    let point: KillPoint

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        KillingFile(try base.open(path, mode), point)
    }

    func makeDirectories(_ path: String) throws(StorageError) { try base.makeDirectories(path) }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try point.pass(.rename, newPath) { () throws(StorageError) in
            try base.rename(path, to: newPath)
        }
    }

    func unlink(_ path: String) throws(StorageError) {
        try point.pass(.unlink, path) { () throws(StorageError) in try base.unlink(path) }
    }

    func syncDirectory(_ path: String) throws(StorageError) {
        try point.pass(.syncdir, path) { () throws(StorageError) in
            try base.syncDirectory(path)
        }
    }
}

/// A file of the machine, one operation on which may be the last.
private final class KillingFile: ForwardingFile {
    let base: any File
    private let point: KillPoint

    init(_ file: any File, _ point: KillPoint) {
        base = file
        self.point = point
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        try point.pass(
            .write, path,
            half: { () throws(StorageError) in
                guard let first = slices.first else { return }
                let start = first.range.lowerBound + skip
                let end = start + (first.range.upperBound - start) / 2
                _ = try base.write([SlabSlice(first.slab, start..<end)], skipping: 0)
            }
        ) { () throws(StorageError) in try base.write(slices, skipping: skip) }
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        try point.pass(
            .write, path,
            half: { () throws(StorageError) in
                let start = slice.range.lowerBound
                let half = SlabSlice(slice.slab, start..<start + slice.byteCount / 2)
                _ = try base.write(half, at: offset)
            }
        ) { () throws(StorageError) in try base.write(slice, at: offset) }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try point.pass(.truncate, path) { () throws(StorageError) in
            try base.truncate(to: byteCount)
        }
    }

    func sync() throws(StorageError) {
        try point.pass(.sync, path) { () throws(StorageError) in try base.sync() }
    }
}
