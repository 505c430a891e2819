#if SQLite
import Storage
import Synchronization

/// The disk, on which the marks of logs cannot be written now and then.
final class FaultyMarks: ForwardingFileSystem {
    let base: any FileSystem = DiskFileSystem()
    private let isFaulty = Mutex(false)

    /// Does something while marks cannot be written.
    func failing(_ body: () throws -> Void) rethrows {
        isFaulty.withLock { $0 = true }
        defer { isFaulty.withLock { $0 = false } }
        try body()
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let file = try base.open(path, mode)
        return path.hasSuffix("log.marks") ? MarksFile(file, self) : file
    }

    func makeDirectories(_ path: String) throws(StorageError) { try base.makeDirectories(path) }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try base.rename(path, to: newPath)
    }

    func unlink(_ path: String) throws(StorageError) { try base.unlink(path) }

    func syncDirectory(_ path: String) throws(StorageError) { try base.syncDirectory(path) }

    private final class MarksFile: ForwardingFile {
        let base: any File
        private let disk: FaultyMarks

        init(_ file: any File, _ disk: FaultyMarks) {
            base = file
            self.disk = disk
        }

        func write(
            _ slices: ArraySlice<SlabSlice>, skipping skip: Int
        ) throws(StorageError) -> Int {
            try base.write(slices, skipping: skip)
        }

        func truncate(to byteCount: Int) throws(StorageError) { try base.truncate(to: byteCount) }

        func sync() throws(StorageError) { try base.sync() }

        func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
            if disk.isFaulty.withLock({ $0 }) {
                throw StorageError(.noSpace, operation: "write", path: path, cause: "full")
            }
            return try base.write(slice, at: offset)
        }
    }
}
#endif
