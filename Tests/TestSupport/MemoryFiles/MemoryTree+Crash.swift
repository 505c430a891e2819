/// Trees as crashes leave them.
extension MemoryTree {
    /// A copy with all that was written, and all that is not durable yet.
    func afterKill() -> MemoryTree {
        var copier = TreeCopier { MemoryInode(copying: $0) }
        var copy = MemoryTree(
            relative: copier.copy(relative) { ($0.names, $0.durable) },
            absolute: copier.copy(absolute) { ($0.names, $0.durable) }, nextNumber: nextNumber)
        copy.journal = NameJournal(
            journal.changes.map { change in
                NameChange(
                    edits: change.edits.map { edit in
                        .init(
                            directory: copier.copy(edit.directory) { ($0.names, $0.durable) },
                            name: edit.name,
                            node: edit.node.map { node in
                                copier.copy(node) { ($0.names, $0.durable) }
                            })
                    })
            })
        return copy
    }

    /// What a power cut leaves: the durable names, some of the changes since, and of the files
    /// what `MemoryInode.afterPowerCut` says.
    func afterPowerCut(_ random: inout SplitMix64) -> MemoryTree {
        var edited: [UInt64: [String: MemoryNode]] = [:]
        for change in journal.survivors(&random) {
            for edit in change.edits {
                edited[edit.directory.number, default: edit.directory.durable][edit.name] =
                    edit.node
            }
        }
        // Every file has fates of its own, whatever the order of the walk.
        let seed = random.next()
        var copier = TreeCopier { inode in
            var own = SplitMix64(seed: seed ^ (inode.number &* 0x9e37_79b9_7f4a_7c15))
            return inode.afterPowerCut(&own)
        }
        let left = { (directory: MemoryDirectory) in
            let names = edited[directory.number] ?? directory.durable
            return (names, names)
        }
        return MemoryTree(
            relative: copier.copy(relative, left), absolute: copier.copy(absolute, left),
            nextNumber: nextNumber)
    }
}

/// Copies directories and files, each once.
private struct TreeCopier {
    /// The names of a directory's copy, and those that are durable in it.
    typealias Names = (MemoryDirectory) -> ([String: MemoryNode], [String: MemoryNode])

    let copyFile: (MemoryInode) -> MemoryInode
    private var directories: [UInt64: MemoryDirectory] = [:]
    private var files: [UInt64: MemoryInode] = [:]

    init(_ copyFile: @escaping (MemoryInode) -> MemoryInode) { self.copyFile = copyFile }

    mutating func copy(_ directory: MemoryDirectory, _ names: Names) -> MemoryDirectory {
        if let copy = directories[directory.number] { return copy }
        let copy = MemoryDirectory(number: directory.number)
        directories[directory.number] = copy
        let (visible, durable) = names(directory)
        for (name, node) in visible { copy.names[name] = self.copy(node, names) }
        for (name, node) in durable { copy.durable[name] = self.copy(node, names) }
        for case .file(let inode) in copy.names.values { inode.linkCount = 1 }
        return copy
    }

    mutating func copy(_ node: MemoryNode, _ names: Names) -> MemoryNode {
        switch node {
        case .directory(let directory): return .directory(copy(directory, names))
        case .file(let inode):
            if let copy = files[inode.number] { return .file(copy) }
            let copy = copyFile(inode)
            copy.linkCount = 0
            files[inode.number] = copy
            return .file(copy)
        }
    }
}
