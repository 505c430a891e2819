/// What is left of a log whose description is gone: records that nobody may take for nothing.
///
/// A log that is being removed, to be made anew, loses its description first, too; a file says so,
/// and then what is left of it is nothing.
package enum LogRemains {
    /// Says that what is in the directory is to go.
    private static let removal = "log.removal"

    /// Whether segments hold records, or the mark tells of some, though nothing describes them.
    package static func hasRecords(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> Bool {
        func path(_ name: String) -> String { FilePath.join(directory, name) }
        let place = directory.isEmpty ? "." : directory
        guard try fileSystem.status(of: place)?.kind == .directory,
            try fileSystem.status(of: path(LogNames.meta)) == nil,
            try fileSystem.status(of: path(removal)) == nil
        else { return false }
        for name in try fileSystem.names(in: place)
        where LogNames.parse(name, suffix: LogNames.segmentSuffix) != nil {
            let byteCount = try fileSystem.status(of: path(name))?.byteCount ?? 0
            if byteCount > LogSegmentHead.byteCount { return true }
        }
        return try mark(directory, fileSystem)?.partitions.contains { $0.end.offset > 0 } ?? false
    }

    /// Whether there are records, and nothing that describes them, or what does is damaged.
    static func isUndescribed(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> Bool {
        if try hasRecords(directory, fileSystem) { return true }
        let path = FilePath.join(directory, LogNames.meta)
        guard let status = try fileSystem.status(of: path) else { return false }
        let count = min(status.byteCount, 4096)
        let slab = Slab(byteCount: count)
        let got = try fileSystem.open(path, .read).readAll(into: slab, 0..<count, at: 0)
        return (try? ByteReader(checked: SlabSlice(slab, 0..<got))) == nil
    }

    /// What whoever wants a log is told.
    static func error(_ directory: String, _ operation: String) -> StorageError {
        StorageError(
            .corrupt, operation: operation, path: directory,
            cause: "there are records, but \(LogNames.meta), which describes the log, is gone",
            advice: "put it back from a copy, or make it anew, with the options that the log had: "
                + "weir log create \(directory); the records stay")
    }

    /// How many partitions a log had: what its mark says, else its segments.
    static func partitionCount(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> Int {
        if let mark = try mark(directory, fileSystem) { return mark.partitions.count }
        var count = 1
        for name in try fileSystem.names(in: directory.isEmpty ? "." : directory) {
            guard let parsed = LogNames.parse(name, suffix: LogNames.segmentSuffix),
                parsed.partition < LogMark.partitionsMax
            else { continue }
            count = max(count, parsed.partition + 1)
        }
        return count
    }

    /// The mark of a log, of however many partitions; nil where there is none that is whole.
    private static func mark(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> LogMark? {
        let path = FilePath.join(directory, LogNames.marks)
        guard try fileSystem.status(of: path) != nil else { return nil }
        return try LogMark.find(in: try fileSystem.open(path, .read))
    }

    // MARK: Removal

    /// Says, durably, that what is in a directory is to go.
    static func announceRemoval(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) {
        let path = FilePath.join(directory, removal)
        try fileSystem.open(path, .write(truncating: true)).sync()
        try fileSystem.syncDirectory(directory)
    }

    /// What is there now is not to go.
    static func forgetRemoval(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) {
        let path = FilePath.join(directory, removal)
        if try fileSystem.status(of: path) != nil { try fileSystem.unlink(path) }
    }
}
