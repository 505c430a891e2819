/// The opening of a log for its writer: what the mark says, against what the files hold.
struct LogOpening {
    let directory: String
    let options: LogOptions
    let isStaged: Bool
    let fileSystem: any FileSystem
    private(set) var partitions: [LogPartitionWriter] = []
    private(set) var mark = LogMark(partitionCount: 1)
    private(set) var findings = LogFindings()
    /// Whether the mark is to be written anew.
    private(set) var needsMark = false

    init(
        directory: String, options: LogOptions, isStaged: Bool, fileSystem: any FileSystem
    ) {
        self.directory = directory
        self.options = options
        self.isStaged = isStaged
        self.fileSystem = fileSystem
    }

    /// Reads the mark and finds the partitions' ends; gives the slot that the next mark goes to.
    mutating func open(_ marks: any File) throws(StorageError) -> Int {
        let names = try fileSystem.names(in: directory)
        // The newest mark may not be durable yet; from now on the other one may be overwritten.
        try marks.sync()
        var slot = 0
        var isRebuilt = false
        do throws(StorageError) {
            let read = try LogMark.read(marks, partitionCount: options.partitionCount)
            mark = read.mark
            slot = 1 - read.slot
            findings.damagedMarks = read.damagedSlots
        } catch {
            guard error.kind == .corrupt else { throw error }
            mark = LogMark(partitionCount: options.partitionCount)
            findings.damagedMarks = 2
            isRebuilt = true
        }
        for number in 0..<options.partitionCount {
            var partition = LogPartitionWriter(
                number: number, directory: directory, fileSystem: fileSystem,
                options: options, isStaged: isStaged, mark: mark.partitions[number])
            try partition.findSegments(names)
            if isRebuilt { guess(&partition) }
            try recover(&partition, isRebuilt: isRebuilt)
            mark.partitions[number] = LogMark.Partition(
                start: partition.start, end: partition.end, synced: partition.synced)
            partitions.append(partition)
        }
        needsMark = !findings.isClean
        try removeTrimmed()
        try removeUnfinished(names)
        return slot
    }

    /// Where a partition may end whose mark is lost: in its last segment.
    private func guess(_ partition: inout LogPartitionWriter) {
        guard let first = partition.segments.first, let last = partition.segments.last else {
            return
        }
        partition.start = first.base
        partition.end = LogPlaces.Place(
            offset: last.base, segment: last.base, position: LogSegmentHead.byteCount)
    }

    private mutating func recover(
        _ partition: inout LogPartitionWriter, isRebuilt: Bool
    ) throws(StorageError) {
        var recovery = LogRecovery(partition)
        if !isRebuilt {
            try recovery.checkEnd()
            findings.damages += recovery.findings.damages
            findings.cut.merge(recovery.findings.cut) { first, _ in first }
        }
        if findings.damagedMarks > 0 && recovery.findings.isClean {
            // The mark that is lost may have been a newer one; where there is none, nothing else
            // says that what is behind damage counts.
            let isWhole = try recovery.rollForward(overDamage: isRebuilt)
            findings.damages += recovery.findings.damages
            if isRebuilt && !isWhole {
                throw StorageError(
                    .corrupt, operation: "read",
                    path: FilePath.join(directory, LogNames.marks), offset: 0,
                    cause: "both copies of the commit mark are damaged, and the log holds "
                        + "output that only they say the state of",
                    advice: "restore the pipeline that writes it from a checkpoint")
            }
        }
        partition.end = recovery.end
        partition.synced = min(partition.synced, partition.end.offset)
        partition.start = min(partition.start, partition.end.offset)
    }

    /// Keeps a copy of bytes that are wrong, for people to look at; what is there is left alone.
    func quarantine() throws(StorageError) {
        for damage in findings.damages where !damage.bytes.isEmpty {
            let name = LogNames.damage(
                damage.partition, damage.segment, position: damage.bytes.lowerBound)
            let path = FilePath.join(directory, name)
            guard try fileSystem.status(of: path) == nil,
                try fileSystem.status(of: damage.path) != nil
            else { continue }
            let count = min(damage.bytes.count, LogBatchHeader.bodyBytesMax)
            let slab = Slab(byteCount: count)
            let got = try fileSystem.open(damage.path, .read).readAll(
                into: slab, 0..<count, at: damage.bytes.lowerBound)
            if got == 0 { continue }
            let copy = try fileSystem.open(path, .write(truncating: true))
            try copy.writeAll(SlabSlice(slab, 0..<got), at: 0)
        }
    }

    /// Removes what a compaction left that did not come to its end.
    private func removeUnfinished(_ names: [String]) throws(StorageError) {
        for name in names where name.hasSuffix(LogNames.segmentSuffix + AtomicFile.newSuffix) {
            try fileSystem.unlink(FilePath.join(directory, name))
        }
    }

    /// Removes segments of which the mark says that they were trimmed.
    private mutating func removeTrimmed() throws(StorageError) {
        for index in partitions.indices {
            while let next = partitions[index].segments.dropFirst().first,
                next.base <= partitions[index].start
            {
                try partitions[index].remove(partitions[index].segments[0].base)
                partitions[index].segments.removeFirst()
            }
        }
    }

    /// The greatest timestamp of a partition's last segment, found from the end of its index.
    static func greatestTimestamp(
        of partition: LogPartitionWriter
    ) throws(StorageError) -> Int64 {
        let end = partition.end
        guard partition.segments.contains(where: { $0.base == end.segment }) else {
            return .min
        }
        return try greatestTimestamp(of: partition, segment: end.segment, limit: end.position)
    }

    /// The greatest timestamp of a segment.
    static func greatestTimestamp(
        of partition: LogPartitionWriter, segment: Int64, limit: Int
    ) throws(StorageError) -> Int64 {
        let name = LogNames.index(partition.number, segment)
        var index = try LogIndex.read(
            partition.path(name), base: segment, fileSystem: partition.fileSystem)
        index.cut(to: LogPlaces.Place(offset: .max, segment: segment, position: limit))
        guard let entry = index.entries.last else { return .min }
        var greatest = entry.greatestTimestamp
        if entry.position == limit { return greatest }
        let file = try partition.fileSystem.open(
            partition.path(LogNames.segment(partition.number, segment)), .read)
        let place = LogPlaces.Place(
            offset: entry.offset, segment: segment, position: entry.position)
        var walker = LogWalker(
            file, partition: partition.number, from: place, limit: limit, opensBodies: false)
        while true {
            switch try walker.next() {
            case .batch(let batch): greatest = max(greatest, batch.header.greatestTimestamp)
            case .damage: continue
            case .end, .torn: return greatest
            }
        }
    }
}
