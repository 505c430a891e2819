import Storage

/// The directory of a store that is measured: empty at first.
struct StoreFiles {
    let path: String
    let fileSystem = DiskFileSystem()

    init(emptying path: String) throws {
        self.path = path
        try BenchFiles.makeEmpty(path)
    }

    /// Bytes of all files.
    var byteCount: Int {
        get throws {
            var total = 0
            for name in try fileSystem.names(in: path) {
                total += try fileSystem.status(of: path + "/" + name)?.byteCount ?? 0
            }
            return total
        }
    }
}
