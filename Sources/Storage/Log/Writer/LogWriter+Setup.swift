extension LogWriter {
    /// Makes a log in a directory, which may be there but has no log.
    package static func create(
        _ directory: String, options: LogOptions, fileSystem: any FileSystem
    ) throws(StorageError) {
        if let fault = options.fault {
            throw StorageError(.other, operation: "create", path: directory, cause: fault)
        }
        try fileSystem.makeDirectories(directory)
        try checkAbsence(directory, fileSystem)
        // Of two that make it at once, one would empty the mark that the other has written to.
        let lock = try takeLock(directory, fileSystem)
        defer { withExtendedLifetime(lock) {} }
        try checkAbsence(directory, fileSystem)
        // The description comes last: without it there is no log.
        let path = FilePath.join(directory, LogNames.marks)
        let marks = try fileSystem.open(path, .write(truncating: true))
        let mark = LogMark(partitionCount: options.partitionCount)
        for slot in 0..<2 { try mark.write(to: marks, slot: slot) }
        try marks.sync()
        // Where a power cut leaves the description, it is to leave the marks too.
        try fileSystem.syncDirectory(directory)
        try options.write(directory, fileSystem: fileSystem)
        try LogRemains.forgetRemoval(directory, fileSystem)
        try fileSystem.syncDirectory(FilePath.directory(of: directory))
    }

    private static func checkAbsence(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) {
        guard try fileSystem.status(of: FilePath.join(directory, LogNames.meta)) == nil else {
            throw StorageError(
                .alreadyExists, operation: "create", path: directory, cause: "there is a log")
        }
        if try LogRemains.hasRecords(directory, fileSystem) {
            throw LogRemains.error(directory, "create")
        }
    }

    /// Describes a log anew that has lost its description, or whose is damaged; its records stay,
    /// and the number of partitions is theirs. Gives what it says now; nil where there is no such
    /// log.
    package static func describe(
        _ directory: String, options: LogOptions, fileSystem: any FileSystem
    ) throws(StorageError) -> LogOptions? {
        guard try LogRemains.isUndescribed(directory, fileSystem) else { return nil }
        let lock = try takeLock(directory, fileSystem)
        defer { withExtendedLifetime(lock) {} }
        guard try LogRemains.isUndescribed(directory, fileSystem) else { return nil }
        var options = options
        options.partitionCount = try LogRemains.partitionCount(directory, fileSystem)
        // Without marks, the next writer finds the end from the segments.
        _ = try fileSystem.open(
            FilePath.join(directory, LogNames.marks), .write(truncating: false))
        try fileSystem.syncDirectory(directory)
        try options.write(directory, fileSystem: fileSystem)
        return options
    }

    /// Makes a log where there is none, and gives one that is there these options; the number of
    /// its partitions stays. To be called before a writer opens it.
    package static func prepare(
        _ directory: String, options: LogOptions, fileSystem: any FileSystem
    ) throws(StorageError) {
        let meta = FilePath.join(directory, LogNames.meta)
        guard try fileSystem.status(of: meta) != nil else {
            return try create(directory, options: options, fileSystem: fileSystem)
        }
        let present = try LogOptions.read(directory, fileSystem: fileSystem)
        var wanted = options
        wanted.partitionCount = present.partitionCount
        if wanted != present { try wanted.write(directory, fileSystem: fileSystem) }
    }

    /// Whether nothing of a log is in a directory: neither its description nor a segment.
    package static func isGone(
        _ directory: String, fileSystem: any FileSystem
    ) throws(StorageError) -> Bool {
        guard try fileSystem.status(of: directory) != nil else { return true }
        return try !fileSystem.names(in: directory).contains {
            $0 == LogNames.meta || $0.hasSuffix(LogNames.segmentSuffix)
        }
    }

    /// Claims a log for as long as the file is open.
    static func takeLock(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> any File {
        let path = FilePath.join(directory, LogNames.lock)
        let lock = try fileSystem.open(path, .write(truncating: false))
        guard try lock.lock() else {
            throw StorageError(
                .alreadyExists, operation: "write to", path: directory,
                cause: "another process writes to this log",
                advice: "stop it, or append to a log of your own")
        }
        return lock
    }
}
