package import Storage
import Synchronization

/// Renames and removals.
extension MemoryFileSystem {
    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        let verb = "rename to \(newPath)"
        let isChange = try locked { state throws(StorageError) in
            try Self.edits(path, newPath, verb, state.tree) != nil
        }
        guard isChange else { return }
        try perform(.rename, verb, path) { state, _ throws(StorageError) in
            guard let edits = try Self.edits(path, newPath, verb, state.tree) else { return }
            let replaced = edits[1].directory.names[edits[1].name]
            state.tree.change(edits)
            if case .file(let inode) = replaced { Self.unlink(inode, &state) }
        }
    }

    /// What a rename does; nil for one of a file to itself.
    private static func edits(
        _ path: String, _ newPath: String, _ verb: String, _ tree: MemoryTree
    ) throws(StorageError) -> [NameChange.Edit]? {
        let from = try tree.place(of: path, verb)
        let to = try tree.place(of: newPath, verb)
        guard let node = from.directory.names[from.name] else {
            throw .machine(.notFound, verb, path)
        }
        let target = to.directory.names[to.name]
        // Nothing can be moved into itself, nor onto what it is in.
        if case .directory(let moved) = node, isWithin(to.directory, moved) {
            throw .machine(.other, verb, path)
        }
        if case .directory(let target) = target, isWithin(from.directory, target) {
            throw .machine(.other, verb, path)
        }
        switch (node, target) {
        case (.file, .directory): throw .machine(.isDirectory, verb, path)
        case (.directory, .file): throw .machine(.notDirectory, verb, path)
        case (_, let target?) where target.number == node.number: return nil
        case (.directory, .directory(let target)) where !target.names.isEmpty:
            throw .machine(.other, verb, path)
        default: break
        }
        return [
            .init(directory: from.directory, name: from.name, node: nil),
            .init(directory: to.directory, name: to.name, node: node),
        ]
    }

    private static func isWithin(_ directory: MemoryDirectory, _ top: MemoryDirectory) -> Bool {
        directory === top
            || top.names.values.contains { node in
                if case .directory(let next) = node { isWithin(directory, next) } else { false }
            }
    }

    package func unlink(_ path: String) throws(StorageError) {
        let find = { (tree: MemoryTree) throws(StorageError) in
            let (directory, name) = try tree.place(of: path, "remove")
            switch directory.names[name] {
            case .file(let inode): return (directory, name, inode)
            case .directory: throw StorageError.machine(.isDirectory, "remove", path)
            case nil: throw StorageError.machine(.notFound, "remove", path)
            }
        }
        _ = try locked { state throws(StorageError) in try find(state.tree) }
        try perform(.unlink, "remove", path) { state, _ throws(StorageError) in
            let (directory, name, inode) = try find(state.tree)
            state.tree.change([.init(directory: directory, name: name, node: nil)])
            Self.unlink(inode, &state)
        }
    }

    /// Takes a name from a file; its room is free when nobody has it open.
    private static func unlink(_ inode: MemoryInode, _ state: inout State) {
        inode.linkCount -= 1
        if inode.isGone { state.usedBytes -= inode.bytes.count }
    }
}
