import Storage
import Synchronization
import TestSupport

/// Files that keep apart what was written and what is durable, and stop at a chosen operation.
///
/// When the power goes, each file keeps what was synced; of what was written since, each write is
/// kept, lost, or torn at a sector, as the seed says. Names that were made or removed since their
/// directory was synced may be there or not.
final class CrashDisk: FileSystem {
    /// A write that is not durable yet.
    struct Write: Sendable {
        let offset: Int
        let bytes: [UInt8]
        /// The length that a truncation leaves.
        let length: Int?
    }

    struct Content: Sendable {
        var durable: [UInt8] = []
        var written: [UInt8] = []
        var writes: [Write] = []
    }

    struct State: Sendable {
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var directories: Set<String> = ["", "."]
        var contents: [Content] = []
        /// Operations that change something, so far.
        var operations = 0
        /// The operation that the machine does not survive.
        var stopAt = Int.max
        /// What every operation from `stopAt` on fails with; a crash where there is none.
        var fault: StorageError.Kind?
        var locked: Set<String> = []
    }

    let state: Mutex<State>

    init(_ state: State = State()) { self.state = Mutex(state) }

    static let crash = "the machine has stopped"

    /// Operations so far.
    var operations: Int { state.withLock { $0.operations } }

    /// Makes the machine stop at an operation, or that one fail.
    func stop(at operation: Int, fault: StorageError.Kind? = nil) {
        state.withLock { state in
            state.stopAt = operation
            state.fault = fault
        }
    }

    static func step(_ state: inout State, _ path: String) throws(StorageError) {
        state.operations += 1
        if let fault = state.fault {
            if state.operations == state.stopAt {
                throw StorageError(fault, operation: "write", path: path, cause: "injected")
            }
        } else if state.operations >= state.stopAt {
            throw StorageError(.other, operation: "write", path: path, cause: crash)
        }
    }

    /// The disk as the next start finds it: with everything if only the process ended, else with
    /// what was durable and some of the rest.
    func afterCrash(_ random: inout SplitMix64, losesPower: Bool) -> CrashDisk {
        var next = state.withLock { $0 }
        next.stopAt = .max
        next.fault = nil
        next.operations = 0
        next.locked = []
        if losesPower {
            var names = next.durableNames
            for (path, inode) in next.names.sorted(by: { $0.key < $1.key })
            where names[path] != inode && random.chance(0.5) {
                names[path] = inode
            }
            for path in next.durableNames.keys.sorted()
            where next.names[path] == nil && random.chance(0.5) {
                names[path] = nil
            }
            next.names = names
            for index in next.contents.indices {
                next.contents[index] = Self.lose(next.contents[index], &random)
            }
        }
        next.durableNames = next.names
        for index in next.contents.indices {
            next.contents[index].durable = next.contents[index].written
            next.contents[index].writes = []
        }
        return CrashDisk(next)
    }

    private static func lose(_ content: Content, _ random: inout SplitMix64) -> Content {
        var bytes = content.durable
        for write in content.writes {
            let kept = random.pick([0, 1, 2])
            if kept == 0 { continue }
            var data = write.bytes
            if kept == 1 {
                // Torn at a sector of the device.
                let sectors = (write.offset + data.count) / 512 * 512 - write.offset
                data = Array(data.prefix(max(min(sectors, data.count), 0)))
            }
            apply(Write(offset: write.offset, bytes: data, length: write.length), &bytes)
        }
        return Content(durable: bytes, written: bytes, writes: [])
    }

    static func apply(_ write: Write, _ bytes: inout [UInt8]) {
        if let length = write.length {
            bytes = Array(bytes.prefix(length))
            bytes += Array(repeating: 0, count: length - bytes.count)
            return
        }
        if write.bytes.isEmpty { return }
        let end = write.offset + write.bytes.count
        if bytes.count < end { bytes += Array(repeating: 0, count: end - bytes.count) }
        bytes.replaceSubrange(write.offset..<end, with: write.bytes)
    }

    // MARK: FileSystem

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        try state.withLock { state throws(StorageError) -> any File in
            var inode = state.names[path]
            if inode == nil {
                if mode == .read {
                    throw StorageError(.notFound, operation: "open", path: path, cause: "absent")
                }
                try Self.step(&state, path)
                state.contents.append(Content())
                inode = state.contents.count - 1
                state.names[path] = inode
            }
            let number = inode ?? 0
            if mode == .write(truncating: true), !state.contents[number].written.isEmpty {
                try Self.step(&state, path)
                let write = Write(offset: 0, bytes: [], length: 0)
                state.contents[number].writes.append(write)
                Self.apply(write, &state.contents[number].written)
            }
            return CrashFile(self, inode: number, path: path)
        }
    }

    func status(of path: String) throws(StorageError) -> FileStatus? {
        state.withLock { state in
            state.names[path].map { Self.status($0, state) }
        }
    }

    static func status(_ inode: Int, _ state: State) -> FileStatus {
        FileStatus(
            identity: FileStatus.Identity(device: 1, inode: UInt64(inode)), kind: .regular,
            byteCount: state.contents[inode].written.count, modified: 0, linkCount: 1)
    }

    func names(in directory: String) throws(StorageError) -> [String] {
        state.withLock { state in
            state.names.keys.filter { FilePath.directory(of: $0) == directory }
                .map { FilePath.name(of: $0) }
        }
    }

    func makeDirectories(_ path: String) throws(StorageError) {
        state.withLock { _ = $0.directories.insert(path) }
    }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            try Self.step(&state, path)
            state.names[newPath] = state.names[path]
            state.names[path] = nil
        }
    }

    func unlink(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            guard state.names[path] != nil else {
                throw StorageError(.notFound, operation: "remove", path: path, cause: "absent")
            }
            try Self.step(&state, path)
            state.names[path] = nil
        }
    }

    func syncDirectory(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            try Self.step(&state, path)
            let inside = { FilePath.directory(of: $0) == path }
            for name in state.durableNames.keys.filter(inside) { state.durableNames[name] = nil }
            for (name, inode) in state.names where inside(name) {
                state.durableNames[name] = inode
            }
        }
    }
}

/// A file of a `CrashDisk`.
final class CrashFile: File {
    let path: String
    private let disk: CrashDisk
    private let inode: Int
    private let hasLock = Mutex(false)

    init(_ disk: CrashDisk, inode: Int, path: String) {
        self.disk = disk
        self.inode = inode
        self.path = path
    }

    deinit {
        if hasLock.withLock({ $0 }) { disk.state.withLock { _ = $0.locked.remove(path) } }
    }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        let bytes = disk.state.withLock { $0.contents[inode].written }
        let count = min(range.count, max(bytes.count - offset, 0))
        if count > 0 {
            slab.copy(
                unsafe bytes.span.bytes.extracting(offset..<offset + count), to: range.lowerBound)
        }
        return count
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        throw StorageError(.other, operation: "write", path: path, cause: "not by position")
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        let bytes = slice.slab.array(slice.range)
        return try disk.state.withLock { state throws(StorageError) -> Int in
            // The machine may stop, or the device be full, within a write.
            let isLast = state.operations + 1 == state.stopAt
            let done = isLast ? Array(bytes.prefix(bytes.count / 2)) : bytes
            let write = CrashDisk.Write(offset: offset, bytes: done, length: nil)
            if state.operations < state.stopAt || state.fault != nil {
                state.contents[inode].writes.append(write)
                CrashDisk.apply(write, &state.contents[inode].written)
            }
            try CrashDisk.step(&state, path)
            return bytes.count
        }
    }

    func status() throws(StorageError) -> FileStatus {
        disk.state.withLock { CrashDisk.status(inode, $0) }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try disk.state.withLock { state throws(StorageError) in
            try CrashDisk.step(&state, path)
            let write = CrashDisk.Write(offset: 0, bytes: [], length: byteCount)
            state.contents[inode].writes.append(write)
            CrashDisk.apply(write, &state.contents[inode].written)
        }
    }

    func sync() throws(StorageError) {
        try disk.state.withLock { state throws(StorageError) in
            try CrashDisk.step(&state, path)
            state.contents[inode].durable = state.contents[inode].written
            state.contents[inode].writes = []
        }
    }

    func lock() throws(StorageError) -> Bool {
        let isFree = disk.state.withLock { $0.locked.insert(path).inserted }
        if isFree { hasLock.withLock { $0 = true } }
        return isFree
    }

    func adviseSequential() {}
}
