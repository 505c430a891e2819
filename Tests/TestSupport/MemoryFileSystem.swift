package import Storage
import Synchronization

/// Files in memory, which fail when told to.
///
/// Behaves as `DiskFileSystem` does: open files outlive their names, a rename replaces, short reads
/// and writes happen where a fault says so.
package final class MemoryFileSystem: FileSystem {
    /// What can fail.
    package enum Operation: Sendable { case open, read, write, sync, rename, unlink }

    /// How it fails, once.
    package enum Fault: Sendable {
        /// A read or write does at most so many bytes.
        case short(Int)
        case error(StorageError.Kind)
    }

    struct Content {
        var bytes: [UInt8] = []
        var linkCount = 1
    }

    struct State {
        var files: [String: UInt64] = [:]
        var directories: Set<String> = ["", ".", "/"]
        var contents: [UInt64: Content] = [:]
        var nextInode: UInt64 = 1
        var faults: [(operation: Operation, fault: Fault)] = []
        var openCount = 0
        var openCountMax = 0
        /// Paths of all files that were ever made by opening them.
        var created: [String] = []
    }

    let state = Mutex(State())

    package init() {}

    /// Makes the next operation of a kind fail; several wait in line.
    package func inject(_ fault: Fault, on operation: Operation) {
        state.withLock { $0.faults.append((operation, fault)) }
    }

    /// The most files that were open at once.
    package var openCountMax: Int { state.withLock { $0.openCountMax } }

    /// How many files with such a path were ever made.
    package func createdCount(_ prefix: String) -> Int {
        state.withLock { state in state.created.count { $0.hasPrefix(prefix) } }
    }

    /// Puts a file there, with the directories above it.
    package func put(_ path: String, _ text: String) {
        state.withLock { state in
            let inode = state.nextInode
            state.nextInode += 1
            state.files[path] = inode
            state.contents[inode] = Content(bytes: Array(text.utf8))
            addDirectories(FilePath.directory(of: path), &state)
        }
    }

    /// Adds to a file that is there.
    package func append(_ path: String, _ text: String) {
        state.withLock { state in
            guard let inode = state.files[path] else { return }
            state.contents[inode]?.bytes += Array(text.utf8)
        }
    }

    /// Replaces what a file holds, in place.
    package func overwrite(_ path: String, _ text: String) {
        state.withLock { state in
            guard let inode = state.files[path] else { return }
            state.contents[inode]?.bytes = Array(text.utf8)
        }
    }

    /// The bytes of a file; none where there is none.
    package func bytes(_ path: String) -> [UInt8] {
        state.withLock { state in state.files[path].flatMap { state.contents[$0]?.bytes } ?? [] }
    }

    /// Replaces the bytes of a file that is there.
    package func setBytes(_ path: String, _ bytes: [UInt8]) {
        state.withLock { state in
            if let inode = state.files[path] { state.contents[inode]?.bytes = bytes }
        }
    }

    /// What a file holds, or nil where there is none.
    package func text(_ path: String) -> String? {
        state.withLock { state in
            state.files[path].flatMap { state.contents[$0] }.map {
                String(decoding: $0.bytes, as: UTF8.self)
            }
        }
    }

    /// All files, in order.
    package var paths: [String] { state.withLock { $0.files.keys.sorted() } }

    private func addDirectories(_ path: String, _ state: inout State) {
        var path = path
        while !path.isEmpty && path != "/" {
            state.directories.insert(path)
            path = FilePath.directory(of: path)
        }
    }

    /// Takes the fault that stands first in line for an operation.
    static func fault(for operation: Operation, _ state: inout State) -> Fault? {
        guard let index = state.faults.firstIndex(where: { $0.operation == operation }) else {
            return nil
        }
        return state.faults.remove(at: index).fault
    }

    static func error(
        _ kind: StorageError.Kind, _ operation: String, _ path: String
    ) -> StorageError {
        StorageError(kind, operation: operation, path: path, cause: "injected")
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let result = state.withLock { state -> Result<any File, StorageError> in
            if case .error(let kind) = Self.fault(for: .open, &state) {
                return .failure(Self.error(kind, "open", path))
            }
            let directory = FilePath.directory(of: path)
            guard state.directories.contains(directory) else {
                return .failure(Self.error(.notFound, "open", path))
            }
            if state.files[path] == nil {
                if mode == .read { return .failure(Self.error(.notFound, "open", path)) }
                state.files[path] = state.nextInode
                state.created.append(path)
                state.contents[state.nextInode] = Content()
                state.nextInode += 1
            }
            let inode = state.files[path] ?? 0
            if mode == .write(truncating: true) { state.contents[inode]?.bytes = [] }
            state.openCount += 1
            state.openCountMax = max(state.openCountMax, state.openCount)
            return .success(MemoryFile(self, inode: inode, path: path, mode: mode))
        }
        return try result.get()
    }

    package func status(of path: String) throws(StorageError) -> FileStatus? {
        state.withLock { state in
            if let inode = state.files[path] { return Self.status(inode, state) }
            guard state.directories.contains(path) else { return nil }
            return FileStatus(
                identity: .init(device: 2, inode: path.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }),
                kind: .directory, byteCount: 0, modified: 0, linkCount: 1)
        }
    }

    static func status(_ inode: UInt64, _ state: State) -> FileStatus {
        let content = state.contents[inode] ?? Content()
        return FileStatus(
            identity: .init(device: 1, inode: inode), kind: .regular,
            byteCount: content.bytes.count, modified: 0, linkCount: content.linkCount)
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        let directory = directory == "." ? "" : directory
        return state.withLock { state in
            let directories = state.directories.filter { !$0.isEmpty && $0 != "." }
            let all = Array(state.files.keys) + directories
            return all.filter { FilePath.directory(of: $0) == directory && $0 != "/" }
                .map { FilePath.name(of: $0) }
        }
    }

    package func makeDirectories(_ path: String) throws(StorageError) {
        state.withLock { addDirectories(path, &$0) }
    }

    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        let isDone = state.withLock { state in
            guard let inode = state.files.removeValue(forKey: path) else { return false }
            if let old = state.files[newPath] { state.contents[old]?.linkCount -= 1 }
            state.files[newPath] = inode
            return true
        }
        if !isDone { throw Self.error(.notFound, "rename", path) }
    }

    package func unlink(_ path: String) throws(StorageError) {
        let isDone = state.withLock { state in
            guard let inode = state.files.removeValue(forKey: path) else { return false }
            state.contents[inode]?.linkCount -= 1
            return true
        }
        if !isDone { throw Self.error(.notFound, "remove", path) }
    }

    package func syncDirectory(_ path: String) throws(StorageError) {}
}
