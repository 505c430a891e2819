import Storage
import TestSupport

/// The files of a machine as one process has them: once it is killed, it does nothing more to them,
/// and what it had open is closed.
final class SimulatedProcess: FileSystem, @unchecked Sendable {
    // Sendable: a simulation has one thread.
    private let machine: SimulatedMachine
    private let files: MemoryFileSystem
    private var open: [Weak] = []
    private(set) var isDead = false
    /// Is told of its operations.
    var observer: (MemoryFileSystem.Note) -> Void = { _ in }

    private struct Weak { weak var file: ProcessFile? }

    /// A new process of a machine.
    init(on machine: SimulatedMachine) {
        self.machine = machine
        files = machine.files
    }

    func die() {
        isDead = true
        for weak in open { weak.file?.release() }
        open = []
    }

    /// Does something to the files, as this process.
    fileprivate func act<Result>(
        _ operation: String, _ path: String,
        _ body: (MemoryFileSystem) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        if isDead {
            throw StorageError(.inputOutput, operation: operation, path: path, cause: "killed")
        }
        machine.begin(self)
        defer { machine.end() }
        return try body(files)
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let opened = try act("open", path) { files throws(StorageError) in
            try files.open(path, mode)
        }
        let file = ProcessFile(opened, of: self)
        open.append(Weak(file: file))
        if isDead { file.release() }
        return file
    }

    func status(of path: String) throws(StorageError) -> FileStatus? {
        try act("look at", path) { files throws(StorageError) in try files.status(of: path) }
    }

    func names(in directory: String) throws(StorageError) -> [String] {
        try act("list", directory) { files throws(StorageError) in
            try files.names(in: directory)
        }
    }

    func makeDirectories(_ path: String) throws(StorageError) {
        try act("make directory", path) { files throws(StorageError) in
            try files.makeDirectories(path)
        }
    }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try act("rename", path) { files throws(StorageError) in
            try files.rename(path, to: newPath)
        }
    }

    func unlink(_ path: String) throws(StorageError) {
        try act("remove", path) { files throws(StorageError) in try files.unlink(path) }
    }

    func syncDirectory(_ path: String) throws(StorageError) {
        try act("sync", path) { files throws(StorageError) in try files.syncDirectory(path) }
    }
}

/// An open file of a process.
private final class ProcessFile: File, @unchecked Sendable {
    // Sendable: a simulation has one thread.
    let path: String
    private let process: SimulatedProcess
    private var file: (any File)?

    init(_ file: any File, of process: SimulatedProcess) {
        self.file = file
        path = file.path
        self.process = process
    }

    func release() { file = nil }

    private func act<Result>(
        _ operation: String, _ body: (any File) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let file = file
        return try process.act(operation, path) { _ throws(StorageError) in
            guard let file else {
                throw StorageError(.other, operation: operation, path: path, cause: "killed")
            }
            return try body(file)
        }
    }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        try act("read") { file throws(StorageError) in
            try file.read(into: slab, range, at: offset)
        }
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        try act("write") { file throws(StorageError) in try file.write(slices, skipping: skip) }
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        try act("write") { file throws(StorageError) in try file.write(slice, at: offset) }
    }

    func status() throws(StorageError) -> FileStatus {
        try act("look at") { file throws(StorageError) in try file.status() }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try act("truncate") { file throws(StorageError) in try file.truncate(to: byteCount) }
    }

    func allocate(_ byteCount: Int) throws(StorageError) {
        try act("allocate") { file throws(StorageError) in try file.allocate(byteCount) }
    }

    func sync() throws(StorageError) {
        try act("sync") { file throws(StorageError) in try file.sync() }
    }

    func lock() throws(StorageError) -> Bool {
        try act("lock") { file throws(StorageError) in try file.lock() }
    }

    func adviseSequential() { file?.adviseSequential() }

    func beginSync() { file?.beginSync() }
}
