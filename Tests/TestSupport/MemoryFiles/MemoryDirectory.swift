import Storage

/// What a name stands for.
enum MemoryNode: Sendable {
    case file(MemoryInode)
    case directory(MemoryDirectory)

    var number: UInt64 {
        switch self {
        case .file(let inode): inode.number
        case .directory(let directory): directory.number
        }
    }
}

/// The names in a directory: those there are, and those a power cut leaves for sure.
final class MemoryDirectory: @unchecked Sendable {
    // Sendable: it is only touched under the lock of its file system.

    let number: UInt64
    var names: [String: MemoryNode] = [:]
    var durable: [String: MemoryNode] = [:]

    init(number: UInt64) { self.number = number }
}

/// A creation, a rename or a removal, which happens wholly or not at all.
struct NameChange {
    /// One name, and what it stands for from now on.
    struct Edit {
        let directory: MemoryDirectory
        let name: String
        let node: MemoryNode?

        var slot: Slot { Slot(directory: directory.number, name: name) }
    }

    /// A name, whatever it stands for.
    struct Slot: Hashable {
        let directory: UInt64
        let name: String
    }

    let edits: [Edit]

    /// The directories that come to stand somewhere.
    var placedDirectories: [UInt64] {
        edits.compactMap { edit in
            if case .directory(let directory) = edit.node { directory.number } else { nil }
        }
    }
}
