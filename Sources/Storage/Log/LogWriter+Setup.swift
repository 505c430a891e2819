extension LogWriter {
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
}
