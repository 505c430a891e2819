import Storage
import Synchronization

/// Contents that a test puts there and looks at. What it puts there is durable at once, and neither
/// counts as an operation nor fails.
extension MemoryFileSystem {
    /// Puts a file there, with the directories above it.
    package func put(_ path: String, _ text: String) { put(path, bytes: Array(text.utf8)) }

    /// Puts a file there, with the directories above it; what stands in its way stays.
    package func put(_ path: String, bytes: [UInt8]) {
        state.withLock { state in
            do throws(StorageError) {
                try state.tree.makeDirectories(FilePath.directory(of: path))
                let (directory, name) = try state.tree.place(of: path, "put")
                if case .file(let inode) = directory.names[name] {
                    inode.linkCount -= 1
                    if inode.isGone { state.usedBytes -= inode.bytes.count }
                }
                let inode = MemoryInode(number: state.tree.makeNumber(), bytes)
                state.tree.change([.init(directory: directory, name: name, node: .file(inode))])
                state.tree.journal.sync(directory)
                state.usedBytes += bytes.count
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Gives a file another name in its directory, durably; what has that name stays.
    package func move(_ path: String, to newPath: String) {
        state.withLock { state in
            do throws(StorageError) {
                let (directory, name) = try state.tree.place(of: path, "move")
                let newName = FilePath.name(of: newPath)
                guard let node = directory.names[name], directory.names[newName] == nil else {
                    return
                }
                state.tree.change([
                    .init(directory: directory, name: name, node: nil),
                    .init(directory: directory, name: newName, node: node),
                ])
                state.tree.journal.sync(directory)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Takes a file away, durably; one that is not there is none.
    package func remove(_ path: String) {
        state.withLock { state in
            guard let (directory, name) = try? state.tree.place(of: path, "remove"),
                case .file(let inode) = directory.names[name]
            else { return }
            inode.linkCount -= 1
            if inode.isGone { state.usedBytes -= inode.bytes.count }
            state.tree.change([.init(directory: directory, name: name, node: nil)])
            state.tree.journal.sync(directory)
        }
    }

    /// Adds to a file that is there.
    package func append(_ path: String, _ text: String) {
        replace(path) { $0 + Array(text.utf8) }
    }

    /// Replaces what a file holds, in place.
    package func overwrite(_ path: String, _ text: String) { setBytes(path, Array(text.utf8)) }

    /// Replaces the bytes of a file that is there.
    package func setBytes(_ path: String, _ bytes: [UInt8]) { replace(path) { _ in bytes } }

    private func replace(_ path: String, _ body: ([UInt8]) -> [UInt8]) {
        state.withLock { state in
            guard case .node(.file(let inode)) = state.tree.find(path) else { return }
            let bytes = body(inode.bytes)
            state.usedBytes += bytes.count - inode.bytes.count
            inode.replace(bytes)
        }
    }

    /// The bytes of a file; none where there is none.
    package func bytes(_ path: String) -> [UInt8] { content(path) ?? [] }

    /// What a file holds, or nil where there is none.
    package func text(_ path: String) -> String? {
        content(path).map { String(decoding: $0, as: UTF8.self) }
    }

    private func content(_ path: String) -> [UInt8]? {
        state.withLock { state in
            guard case .node(.file(let inode)) = state.tree.find(path) else { return nil }
            return inode.bytes
        }
    }

    /// All files, in order.
    package var paths: [String] { state.withLock { $0.tree.files().map(\.path) } }

    /// All files and what they hold.
    package var contents: [String: [UInt8]] {
        state.withLock { state in
            var contents: [String: [UInt8]] = [:]
            for (path, inode) in state.tree.files() { contents[path] = inode.bytes }
            return contents
        }
    }
}
