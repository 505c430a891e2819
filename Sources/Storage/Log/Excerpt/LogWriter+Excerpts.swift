extension LogWriter {
    /// Makes the log of a directory anew, with one partition that consists of these files, one
    /// behind the other, and ends at an offset; with no files it is empty there.
    ///
    /// What was there is gone. A crash on the way leaves no log, or the whole of it.
    package static func rebuild(
        _ directory: String, from files: [ExcerptFile], end: Int64, fileSystem: any FileSystem
    ) throws(StorageError) {
        try fileSystem.makeDirectories(directory)
        let lock = try takeLock(directory, fileSystem)
        defer { withExtendedLifetime(lock) {} }
        try removeAll(directory, fileSystem)
        var mark = LogMark(partitionCount: 1)
        mark.sequence = 1
        var partition = LogMark.Partition()
        partition.start = files.first?.offsets.lowerBound ?? end
        partition.end = LogPlaces.Place(
            offset: partition.start, segment: partition.start,
            position: LogSegmentHead.byteCount)
        for file in files {
            guard file.offsets.lowerBound == partition.end.offset, file.partition == 0 else {
                throw StorageError(
                    .corrupt, operation: "read", path: file.path,
                    cause: "it begins at \(file.offsets.lowerBound), and what is before it ends "
                        + "at \(partition.end.offset)")
            }
            partition.end = try write(file, to: directory, fileSystem)
        }
        guard partition.end.offset == end else {
            throw StorageError(
                .corrupt, operation: "restore", path: directory,
                cause: "rows that wait end at \(end), and what is kept of them at "
                    + "\(partition.end.offset)")
        }
        partition.synced = end
        mark.partitions = [partition]
        let marks = try fileSystem.open(
            FilePath.join(directory, LogNames.marks), .write(truncating: true))
        for slot in 0..<2 { try mark.write(to: marks, slot: slot) }
        try marks.sync()
        try fileSystem.syncDirectory(directory)
        // The description comes last: without it there is no log.
        try LogOptions().write(directory, fileSystem: fileSystem)
        try LogRemains.forgetRemoval(directory, fileSystem)
        try fileSystem.syncDirectory(FilePath.directory(of: directory))
    }

    /// Removes a log, its description first, durably: without it there is none.
    private static func removeAll(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) {
        let meta = FilePath.join(directory, LogNames.meta)
        try LogRemains.announceRemoval(directory, fileSystem)
        if try fileSystem.status(of: meta) != nil {
            try fileSystem.unlink(meta)
            try fileSystem.syncDirectory(directory)
        }
        for name in try fileSystem.names(in: directory)
        where [LogNames.segmentSuffix, LogNames.indexSuffix].contains(where: name.hasSuffix) {
            try fileSystem.unlink(FilePath.join(directory, name))
        }
    }

    /// Makes a segment of a file; gives where it ends.
    private static func write(
        _ file: ExcerptFile, to directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> LogPlaces.Place {
        let base = file.offsets.lowerBound
        let segment = try fileSystem.open(
            FilePath.join(directory, LogNames.segment(0, base)), .write(truncating: true))
        let head = LogSegmentHead.bytes(base: base, partition: 0)
        try segment.writeAll(SlabSlice(Slab(head), 0..<head.count), at: 0)
        var position = head.count
        try file.read { slice throws(StorageError) in
            try segment.writeAll(slice, at: position)
            position += slice.byteCount
        }
        try segment.sync()
        return LogPlaces.Place(
            offset: file.offsets.upperBound, segment: base, position: position)
    }
}
