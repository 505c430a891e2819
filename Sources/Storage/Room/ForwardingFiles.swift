/// A file system in front of another one, which does what it does not do itself.
package protocol ForwardingFileSystem: FileSystem {
    var base: any FileSystem { get }
}

extension ForwardingFileSystem {
    package func status(of path: String) throws(StorageError) -> FileStatus? {
        try base.status(of: path)
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        try base.names(in: directory)
    }

    package func watch(_ path: String) -> FileWatch? { base.watch(path) }
}

/// A file in front of another one, which does what it does not do itself.
package protocol ForwardingFile: File {
    var base: any File { get }
}

extension ForwardingFile {
    package var path: String { base.path }

    package func read(
        into slab: Slab, _ range: Range<Int>, at offset: Int
    ) throws(StorageError) -> Int {
        try base.read(into: slab, range, at: offset)
    }

    package func status() throws(StorageError) -> FileStatus { try base.status() }

    package func lock() throws(StorageError) -> Bool { try base.lock() }

    package func adviseSequential() { base.adviseSequential() }

    package func beginSync() { base.beginSync() }
}
