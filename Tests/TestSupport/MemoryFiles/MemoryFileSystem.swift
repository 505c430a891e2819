package import Storage
import Synchronization

/// Files in memory, which fail and crash when told to.
///
/// Behaves as `DiskFileSystem` does: open files outlive their names, a rename replaces, short reads
/// and writes happen where a fault says so. What was written and what is durable are kept apart:
/// content becomes durable by the sync of its file, names by that of their directory (and with
/// them the directories above, where they were made since). See `crash(seed:)` for what a power cut
/// leaves, `fail` for faults, `observe` for what comes between two operations.
package final class MemoryFileSystem: FileSystem {
    struct State {
        var tree: MemoryTree
        var faults = FaultPlan()
        var operationCount = 0
        var readCount = 0
        var openCount = 0
        var openCountMax = 0
        /// Paths of all files that were ever made by opening them.
        var created: [String] = []
        /// Bytes of all files together, at most; and what there are.
        var capacity: Int?
        var usedBytes = 0
    }

    let state: Mutex<State>
    private let observer = Mutex(Observer())

    /// A closure in a struct: one that a mutex holds by itself is wrapped once more by each look at
    /// it, until the stack does not suffice to call it.
    private struct Observer { var body: (@Sendable (Note) -> Void)? }

    /// An empty disk.
    package convenience init() { self.init(MemoryTree(), capacity: nil) }

    init(_ tree: MemoryTree, capacity: Int?) {
        var state = State(tree: tree)
        state.capacity = capacity
        state.usedBytes = tree.files().reduce(0) { $0 + $1.inode.bytes.count }
        self.state = Mutex(state)
    }

    /// Calls `body` before and after each operation that changes something, on the thread that
    /// does it; there, crashes can be taken, and files be looked at. Nil ends it.
    package func observe(_ body: (@Sendable (Note) -> Void)?) {
        observer.withLock { $0.body = body }
    }

    /// Does an operation that changes something: counts it, shows it to the observer, and fails if
    /// it is to. `body` gets the most bytes it may do.
    func perform<R: Sendable>(
        _ operation: Operation, _ verb: String, _ path: String,
        whenFailing: (inout State) -> Void = { _ in },
        _ body: (inout State, _ limit: Int) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        let number = state.withLock { state in
            state.operationCount += 1
            return state.operationCount
        }
        let observe = observer.withLock { $0.body }
        observe?(Note(number: number, operation: operation, path: path, isBefore: true))
        defer {
            observe?(Note(number: number, operation: operation, path: path, isBefore: false))
        }
        return try locked { state throws(StorageError) in
            switch state.faults.take(operation, number) {
            case nil: return try body(&state, .max)
            case .short(let most): return try body(&state, max(most, 1))
            case .error(let kind):
                whenFailing(&state)
                throw .injected(kind, verb, path)
            }
        }
    }

    /// Does something under the lock.
    func locked<R: Sendable>(
        _ body: (inout State) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        let result = state.withLock { state in
            Result { () throws(StorageError) in try body(&state) }
        }
        return try result.get()
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let present = try locked { state throws(StorageError) in
            try Self.fail(state.faults.takeWaiting(.open), "open", path)
            let present = try Self.file(path, state.tree)
            let isChange = present == nil ? mode != .read : mode.empties
            if !isChange {
                try Self.fail(state.faults.stands(.read, state.operationCount), "open", path)
                if present == nil { throw .machine(.notFound, "open", path) }
            }
            return present
        }
        if let present, !mode.empties {
            return state.withLock { MemoryFile(self, present, path, mode, &$0) }
        }
        return try perform(present == nil ? .open : .truncate, "open", path) {
            state, _ throws(StorageError) in
            let inode = try Self.fileOrNew(path, &state)
            if mode.empties {
                state.usedBytes -= inode.bytes.count
                inode.truncate(to: 0)
            }
            return MemoryFile(self, inode, path, mode, &state)
        }
    }

    private static func fail(
        _ fault: Fault?, _ verb: String, _ path: String
    ) throws(StorageError) {
        if case .error(let kind) = fault { throw .injected(kind, verb, path) }
    }

    /// The file at a path; nil where there could be one.
    private static func file(
        _ path: String, _ tree: MemoryTree
    ) throws(StorageError) -> MemoryInode? {
        let (directory, name) = try tree.place(of: path, "open")
        switch directory.names[name] {
        case .file(let inode): return inode
        case .directory: throw .machine(.isDirectory, "open", path)
        case nil: return nil
        }
    }

    private static func fileOrNew(
        _ path: String, _ state: inout State
    ) throws(StorageError) -> MemoryInode {
        if let inode = try file(path, state.tree) { return inode }
        let (directory, name) = try state.tree.place(of: path, "open")
        let inode = MemoryInode(number: state.tree.makeNumber(), [])
        state.tree.change([.init(directory: directory, name: name, node: .file(inode))])
        state.created.append(path)
        return inode
    }

    package func status(of path: String) throws(StorageError) -> FileStatus? {
        state.withLock { state in
            switch state.tree.find(path) {
            case .node(.file(let inode)): inode.status
            case .node(.directory(let directory)): directory.status
            case .missing, .belowFile: nil
            }
        }
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        try locked { state throws(StorageError) in
            try state.tree.directory(directory, "list").names.keys.sorted()
        }
    }

    package func makeDirectories(_ path: String) throws(StorageError) {
        let isMissing = try locked { state throws(StorageError) in
            try !state.tree.missingDirectories(path).isEmpty
        }
        guard isMissing else { return }
        try perform(.makeDirectories, "make directory", path) { state, _ throws(StorageError) in
            try state.tree.makeDirectories(path)
        }
    }

    package func syncDirectory(_ path: String) throws(StorageError) {
        let directory = try locked { state throws(StorageError) in
            try state.tree.directory(path, "sync")
        }
        try perform(.syncDirectory, "sync", path) { state, _ throws(StorageError) in
            state.tree.journal.sync(directory)
        }
    }
}

extension OpenMode {
    /// Whether opening a file this way empties it.
    fileprivate var empties: Bool { self == .write(truncating: true) }
}

extension StorageError {
    /// An error that a test asked for.
    static func injected(_ kind: Kind, _ operation: String, _ path: String) -> StorageError {
        StorageError(kind, operation: operation, path: path, cause: "injected")
    }
}

extension MemoryInode {
    var status: FileStatus {
        FileStatus(
            identity: .init(device: 1, inode: number), kind: .regular, byteCount: bytes.count,
            modified: 0, linkCount: linkCount)
    }
}

extension MemoryDirectory {
    fileprivate var status: FileStatus {
        FileStatus(
            identity: .init(device: 1, inode: number), kind: .directory, byteCount: 0,
            modified: 0, linkCount: 1)
    }
}
