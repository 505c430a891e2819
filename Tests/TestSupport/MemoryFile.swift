import Storage
import Synchronization

/// An open file of a `MemoryFileSystem`.
final class MemoryFile: File {
    let path: String
    private let fileSystem: MemoryFileSystem
    private let inode: UInt64
    private let mode: OpenMode
    private let position = Atomic(0)

    init(_ fileSystem: MemoryFileSystem, inode: UInt64, path: String, mode: OpenMode) {
        self.fileSystem = fileSystem
        self.inode = inode
        self.path = path
        self.mode = mode
    }

    deinit { fileSystem.state.withLock { $0.openCount -= 1 } }

    /// How many bytes an operation may do, or the error it gives.
    private func allowed(
        _ operation: MemoryFileSystem.Operation, _ name: String, _ wanted: Int,
        _ state: inout MemoryFileSystem.State
    ) -> Result<Int, StorageError> {
        switch MemoryFileSystem.fault(for: operation, &state) {
        case nil: .success(wanted)
        case .short(let most): .success(min(wanted, most))
        case .error(let kind): .failure(MemoryFileSystem.error(kind, name, path))
        }
    }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        let result = fileSystem.state.withLock { state in
            let bytes = state.contents[inode]?.bytes ?? []
            let there = min(range.count, max(bytes.count - offset, 0))
            return allowed(.read, "read", there, &state).map { count in
                guard count > 0 else { return 0 }
                slab.copy(
                    unsafe bytes.span.bytes.extracting(offset..<offset + count),
                    to: range.lowerBound)
                return count
            }
        }
        return try result.get()
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        var bytes: [UInt8] = []
        for slice in slices { bytes += slice.slab.array(slice.range) }
        bytes.removeFirst(skip)
        let result = fileSystem.state.withLock { state in
            let start =
                mode == .append
                ? state.contents[inode]?.bytes.count ?? 0 : position.load(ordering: .relaxed)
            return store(bytes, at: start, &state)
        }
        let count = try result.get()
        position.add(count, ordering: .relaxed)
        return count
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        let bytes = slice.slab.array(slice.range)
        return try fileSystem.state.withLock { store(bytes, at: offset, &$0) }.get()
    }

    private func store(
        _ bytes: [UInt8], at offset: Int, _ state: inout MemoryFileSystem.State
    ) -> Result<Int, StorageError> {
        let allowed = allowed(.write, "write", bytes.count, &state)
        guard case .success(let count) = allowed, var content = state.contents[inode] else {
            return allowed
        }
        let missing = max(offset + count - content.bytes.count, 0)
        content.bytes += [UInt8](repeating: 0, count: missing)
        content.bytes.replaceSubrange(offset..<offset + count, with: bytes.prefix(count))
        state.contents[inode] = content
        return allowed
    }

    func status() throws(StorageError) -> FileStatus {
        fileSystem.state.withLock { MemoryFileSystem.status(inode, $0) }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        fileSystem.state.withLock { state in
            let bytes = state.contents[inode]?.bytes ?? []
            let padding = [UInt8](repeating: 0, count: max(byteCount - bytes.count, 0))
            state.contents[inode]?.bytes = Array(bytes.prefix(byteCount)) + padding
        }
    }

    func sync() throws(StorageError) {
        let result = fileSystem.state.withLock { allowed(.sync, "sync", 0, &$0) }
        _ = try result.get()
    }

    func lock() throws(StorageError) -> Bool { true }

    func adviseSequential() {}
}
