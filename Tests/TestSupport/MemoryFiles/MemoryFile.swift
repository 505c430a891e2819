import Storage
import Synchronization

/// An open file of a `MemoryFileSystem`.
final class MemoryFile: File {
    let path: String
    private let fileSystem: MemoryFileSystem
    private let inode: MemoryInode
    private let mode: OpenMode
    private let position = Atomic(0)

    /// Opens a file, under the lock of its file system.
    init(
        _ fileSystem: MemoryFileSystem, _ inode: MemoryInode, _ path: String, _ mode: OpenMode,
        _ state: inout MemoryFileSystem.State
    ) {
        self.fileSystem = fileSystem
        self.inode = inode
        self.path = path
        self.mode = mode
        inode.openCount += 1
        state.openCount += 1
        state.openCountMax = max(state.openCountMax, state.openCount)
    }

    deinit {
        fileSystem.state.withLock { state in
            state.openCount -= 1
            inode.openCount -= 1
            if inode.holder == ObjectIdentifier(self) { inode.holder = nil }
            if inode.isGone { state.usedBytes -= inode.bytes.count }
        }
    }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        try fileSystem.locked { state throws(StorageError) in
            if mode == .append { throw .machine(.other, "read", path) }
            var count = min(range.count, max(inode.bytes.count - offset, 0))
            let next = state.operationCount + 1
            switch state.faults.takeWaiting(.read) ?? state.faults.stands(.read, next) {
            case nil: break
            case .short(let most): count = min(count, max(most, 1))
            case .error(let kind): throw .injected(kind, "read", path)
            }
            if count > 0 {
                let bytes = inode.bytes
                slab.copy(
                    unsafe bytes.span.bytes.extracting(offset..<offset + count),
                    to: range.lowerBound)
            }
            return count
        }
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        let start = mode == .append ? nil : position.load(ordering: .relaxed)
        let count = try store(slices, skipping: skip, at: start)
        position.add(count, ordering: .relaxed)
        return count
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        // A file that is opened to append takes all writes at its end.
        try store([slice], skipping: 0, at: mode == .append ? nil : offset)
    }

    /// Writes at `offset`, or behind the end.
    private func store(
        _ slices: ArraySlice<SlabSlice>, skipping skip: Int, at offset: Int?
    ) throws(StorageError) -> Int {
        if mode == .read { throw .machine(.other, "write", path) }
        let wanted = slices.reduce(0) { $0 + $1.byteCount } - skip
        guard wanted > 0 else { return 0 }
        return try fileSystem.perform(.write, "write", path) { state, limit throws(StorageError) in
            let size = inode.bytes.count
            let offset = offset ?? size
            var count = min(wanted, limit)
            if let capacity = state.capacity, offset + count > size {
                count = min(count, capacity - state.usedBytes + size - offset)
                guard count > 0 else { throw .machine(.noSpace, "write", path) }
            }
            inode.write([UInt8](slices, skipping: skip, countMax: count), at: offset)
            state.usedBytes += inode.bytes.count - size
            return count
        }
    }

    func status() throws(StorageError) -> FileStatus {
        fileSystem.state.withLock { _ in inode.status }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        if mode == .read || byteCount < 0 { throw .machine(.other, "truncate", path) }
        try fileSystem.perform(.truncate, "truncate", path) { state, _ throws(StorageError) in
            let growth = byteCount - inode.bytes.count
            if let capacity = state.capacity, growth > 0, state.usedBytes + growth > capacity {
                throw .machine(.noSpace, "truncate", path)
            }
            inode.truncate(to: byteCount)
            state.usedBytes += growth
        }
    }

    func sync() throws(StorageError) {
        let number = fileSystem.operationCount
        let failing = { [inode] (_: inout MemoryFileSystem.State) in
            var random = SplitMix64(seed: UInt64(number))
            inode.failSync(&random)
        }
        try fileSystem.perform(.sync, "sync", path, whenFailing: failing) {
            _, _ throws(StorageError) in
            inode.sync()
        }
    }

    func lock() throws(StorageError) -> Bool {
        fileSystem.state.withLock { _ in
            let own = ObjectIdentifier(self)
            if inode.holder == nil { inode.holder = own }
            return inode.holder == own
        }
    }

    func adviseSequential() {}
}
