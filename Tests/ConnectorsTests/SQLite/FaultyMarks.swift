#if SQLite
import Storage
import Synchronization
import TestSupport

/// The disk for databases, and memory for logs of staged rows, whose marks cannot be written now
/// and then. (Locks of files on disk would be held for a moment by processes that other tests
/// start.)
final class FaultyMarks: FileSystem {
    private let disk = DiskFileSystem()
    private let memory = MemoryFileSystem()
    private let isFaulty = Mutex(false)

    /// Does something while marks cannot be written.
    func failing(_ body: () throws -> Void) rethrows {
        isFaulty.withLock { $0 = true }
        defer { isFaulty.withLock { $0 = false } }
        try body()
    }

    private func base(_ path: String) -> any FileSystem {
        let isOfLogs = ["/state", "/other", "/elsewhere"].contains { path.contains($0) }
        return isOfLogs ? memory : disk
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let file = try base(path).open(path, mode)
        return path.hasSuffix("log.marks") ? MarksFile(file, self) : file
    }

    func status(of path: String) throws(StorageError) -> FileStatus? {
        try base(path).status(of: path)
    }

    func names(in directory: String) throws(StorageError) -> [String] {
        try base(directory).names(in: directory)
    }

    func makeDirectories(_ path: String) throws(StorageError) {
        try base(path).makeDirectories(path)
    }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try base(path).rename(path, to: newPath)
    }

    func unlink(_ path: String) throws(StorageError) { try base(path).unlink(path) }

    func syncDirectory(_ path: String) throws(StorageError) {
        try base(path).syncDirectory(path)
    }

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
