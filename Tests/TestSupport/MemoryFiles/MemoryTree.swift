import Storage

/// Directories and files by path; paths that do not begin with a slash have a root of their own.
///
/// Gives the errors that the machine gives.
struct MemoryTree {
    /// What stands at a path.
    enum Found {
        case node(MemoryNode)
        case missing
        /// Something above it is a file.
        case belowFile
    }

    let relative: MemoryDirectory
    let absolute: MemoryDirectory
    var journal = NameJournal()
    /// The number of the next file or directory; none is used twice.
    private(set) var nextNumber: UInt64

    init() {
        relative = MemoryDirectory(number: 1)
        absolute = MemoryDirectory(number: 2)
        nextNumber = 3
    }

    init(relative: MemoryDirectory, absolute: MemoryDirectory, nextNumber: UInt64) {
        self.relative = relative
        self.absolute = absolute
        self.nextNumber = nextNumber
    }

    mutating func makeNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber - 1
    }

    private func root(of path: String) -> MemoryDirectory {
        path.utf8.first == UInt8(ascii: "/") ? absolute : relative
    }

    private static func parts(_ path: String) -> [Substring] {
        path.split(separator: "/").filter { $0 != "." }
    }

    func find(_ path: String) -> Found { find(Self.parts(path)[...], in: root(of: path)) }

    private func find(_ parts: ArraySlice<Substring>, in root: MemoryDirectory) -> Found {
        var node = MemoryNode.directory(root)
        for part in parts {
            guard case .directory(let directory) = node else { return .belowFile }
            guard let next = directory.names[String(part)] else { return .missing }
            node = next
        }
        return .node(node)
    }

    /// The directory and the name that a path stands for, be there something or not.
    func place(
        of path: String, _ operation: String
    ) throws(StorageError) -> (directory: MemoryDirectory, name: String) {
        let parts = Self.parts(path)
        guard let name = parts.last else { throw .machine(.isDirectory, operation, path) }
        switch find(parts.dropLast(), in: root(of: path)) {
        case .node(.directory(let directory)): return (directory, String(name))
        case .missing: throw .machine(.notFound, operation, path)
        case .belowFile, .node(.file): throw .machine(.notDirectory, operation, path)
        }
    }

    /// The directory at a path.
    func directory(_ path: String, _ operation: String) throws(StorageError) -> MemoryDirectory {
        switch find(path) {
        case .node(.directory(let directory)): return directory
        case .missing: throw .machine(.notFound, operation, path)
        case .belowFile, .node(.file): throw .machine(.notDirectory, operation, path)
        }
    }

    /// The directories that are missing on the way to a path, from above; throws where a file is in
    /// the way.
    func missingDirectories(_ path: String) throws(StorageError) -> [String] {
        var directory = root(of: path)
        let parts = Self.parts(path)
        for (index, part) in parts.enumerated() {
            switch directory.names[String(part)] {
            case .directory(let next): directory = next
            case .file: throw .machine(.notDirectory, "make directory", path)
            case nil: return parts[index...].map { String($0) }
            }
        }
        return []
    }

    /// Makes the directories that are missing, each by a change of its own.
    mutating func makeDirectories(_ path: String) throws(StorageError) {
        let missing = try missingDirectories(path)
        let present = Self.parts(path).dropLast(missing.count)
        guard case .node(.directory(var directory)) = find(present, in: root(of: path)) else {
            return
        }
        for name in missing {
            let made = MemoryDirectory(number: makeNumber())
            change([.init(directory: directory, name: name, node: .directory(made))])
            directory = made
        }
    }

    /// Does a change, which is not durable yet.
    mutating func change(_ edits: [NameChange.Edit]) {
        for edit in edits { edit.directory.names[edit.name] = edit.node }
        journal.add(NameChange(edits: edits))
    }

    /// All files by path, in order.
    func files() -> [(path: String, inode: MemoryInode)] {
        var files: [(path: String, inode: MemoryInode)] = []
        Self.collect(relative, "", into: &files)
        Self.collect(absolute, "/", into: &files)
        return files.sorted { $0.path < $1.path }
    }

    private static func collect(
        _ directory: MemoryDirectory, _ path: String,
        into files: inout [(path: String, inode: MemoryInode)]
    ) {
        for (name, node) in directory.names {
            let path = FilePath.join(path, name)
            switch node {
            case .file(let inode): files.append((path, inode))
            case .directory(let directory): collect(directory, path, into: &files)
            }
        }
    }
}

extension StorageError {
    /// An error as the machine gives it.
    static func machine(_ kind: Kind, _ operation: String, _ path: String) -> StorageError {
        StorageError(kind, operation: operation, path: path, cause: "\(kind)")
    }
}
