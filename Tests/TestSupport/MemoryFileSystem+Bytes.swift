import Synchronization

extension MemoryFileSystem {
    /// What a file holds; nil where there is none.
    package func bytes(_ path: String) -> [UInt8]? {
        state.withLock { state in state.files[path].flatMap { state.contents[$0]?.bytes } }
    }

    /// Puts a file of these bytes there, or replaces what a file holds, in place.
    package func put(_ path: String, bytes: [UInt8]) {
        if self.bytes(path) == nil { put(path, "") }
        state.withLock { state in
            guard let inode = state.files[path] else { return }
            state.contents[inode]?.bytes = bytes
        }
    }

    /// Damages a file: inverts the bits of a byte that `mask` has.
    package func flip(_ path: String, at offset: Int, _ mask: UInt8 = 0xff) {
        guard var bytes = bytes(path), bytes.indices.contains(offset) else { return }
        bytes[offset] ^= mask
        put(path, bytes: bytes)
    }
}
