/// The writing end of a partition: its segments, the last of which grows.
struct LogPartitionWriter: Sendable {
    /// A segment's file.
    struct Segment: Sendable, Equatable {
        let base: Int64
        /// Bytes of a finished segment.
        var byteCount: Int
        /// The greatest timestamp in a finished segment, once somebody asked.
        var greatestTimestamp: Int64?
    }

    let number: Int
    let directory: String
    let fileSystem: any FileSystem
    let segmentBytes: Int
    /// Whether syncs are left to the system, and nothing is said to be durable for long.
    let leavesSyncs: Bool
    /// Whether what is appended counts only when a commit says so.
    let isStaged: Bool
    /// The least offset that is kept.
    var start: Int64
    /// Where the next batch goes.
    var end: LogPlaces.Place
    /// All below it is durable.
    var synced: Int64
    /// In order; the last one grows.
    var segments: [Segment] = []
    private var file: (any File)?
    private var index: LogIndex
    private var indexFile: (any File)?
    private var indexBytes = 0
    private var greatestTimestamp = Int64.min
    /// Finished segments whose last bytes are not synced.
    private var unsynced: [any File] = []
    private var isDirty = false
    /// Whether files were made since the directory was synced.
    private var hasNewNames = false
    /// Whether a write that failed may have left bytes behind the end.
    private var hasRemains = false

    init(
        number: Int, directory: String, fileSystem: any FileSystem, options: LogOptions,
        isStaged: Bool, mark: LogMark.Partition
    ) {
        self.number = number
        self.directory = directory
        self.fileSystem = fileSystem
        self.isStaged = isStaged
        segmentBytes = options.segmentBytes
        leavesSyncs = options.sync == .os
        start = mark.start
        end = mark.end
        synced = mark.synced
        index = LogIndex(base: mark.end.segment)
    }

    func path(_ name: String) -> String { FilePath.join(directory, name) }

    /// Bytes of all segments.
    var byteCount: Int {
        segments.reduce(0) { $0 + ($1.base == end.segment ? end.position : $1.byteCount) }
    }

    /// Bytes of segments behind a place.
    func byteCount(behind place: LogPlaces.Place) -> Int {
        segments.reduce(0) { sum, segment in
            let bytes = segment.base == end.segment ? end.position : segment.byteCount
            if segment.base < place.segment { return sum }
            return sum + bytes - (segment.base == place.segment ? place.position : 0)
        }
    }

    /// Adds a batch behind the last one; gives its offsets. Where that fails, nothing was added.
    mutating func append(_ batch: LogBatchBuilder) throws(StorageError) -> Range<Int64> {
        if file == nil || end.position >= segmentBytes { try roll() }
        guard let file else { preconditionFailure("a segment is open behind a roll") }
        let stored = batch.stored(
            base: end.offset, syncedOffset: synced, partition: number, isStaged: isStaged)
        isDirty = true
        hasRemains = true
        try file.writeAll(stored, at: end.position)
        hasRemains = false
        let offsets = end.offset..<end.offset + batch.span
        end.offset = offsets.upperBound
        end.position += stored.byteCount
        greatestTimestamp = max(greatestTimestamp, batch.greatestTimestamp)
        noteIndex(everywhere: false)
        return offsets
    }

    /// Notes the end in the index. An index is a hint: that it cannot be written does no harm.
    private mutating func noteIndex(everywhere: Bool) {
        let entry = LogIndex.Entry(
            offset: end.offset, position: end.position, greatestTimestamp: greatestTimestamp)
        guard index.add(entry, everywhere: everywhere) else { return }
        let bytes = LogIndex.encode(entry, base: index.base)
        do throws(StorageError) {
            if indexFile == nil {
                let path = path(LogNames.index(number, index.base))
                indexFile = try fileSystem.open(path, .write(truncating: false))
            }
            try indexFile?.writeAll(SlabSlice(Slab(bytes), 0..<bytes.count), at: indexBytes)
            indexBytes += bytes.count
        } catch {}
    }

    /// Begins another segment, unless the last one has no records.
    mutating func startSegment() throws(StorageError) {
        if end.segment < end.offset { try roll() }
    }

    /// Finishes the last segment and begins another one.
    private mutating func roll() throws(StorageError) {
        if let file, hasRemains {
            try file.truncate(to: end.position)
            hasRemains = false
        }
        let path = path(LogNames.segment(number, end.offset))
        let next = try fileSystem.open(path, .write(truncating: true))
        let head = LogSegmentHead.bytes(base: end.offset, partition: number)
        try next.writeAll(SlabSlice(Slab(head), 0..<head.count), at: 0)
        if let file {
            noteIndex(everywhere: true)
            if isDirty { unsynced.append(file) }
            if let last = segments.indices.last, segments[last].base == end.segment {
                segments[last].byteCount = end.position
                segments[last].greatestTimestamp = greatestTimestamp
            }
        }
        if segments.last?.base != end.offset {
            segments.append(Segment(base: end.offset, byteCount: 0))
        }
        file = next
        isDirty = true
        hasNewNames = true
        begin(
            LogPlaces.Place(
                offset: end.offset, segment: end.offset, position: LogSegmentHead.byteCount))
    }

    private mutating func begin(_ place: LogPlaces.Place) {
        end = place
        index = LogIndex(base: place.segment)
        indexFile = nil
        indexBytes = 0
        greatestTimestamp = .min
    }

    /// Takes what is to be synced for all up to the end to be durable.
    mutating func takeUnsynced() -> (files: [any File], hasNewNames: Bool) {
        var files = unsynced
        if isDirty, let file { files.append(file) }
        let taken = (files, hasNewNames)
        unsynced = []
        isDirty = false
        hasNewNames = false
        return taken
    }

    // MARK: Opening

    /// Finds the segments that are there.
    mutating func findSegments(_ names: [String]) throws(StorageError) {
        var found: [Segment] = []
        for name in names {
            guard let parsed = LogNames.parse(name, suffix: LogNames.segmentSuffix),
                parsed.partition == number,
                let status = try fileSystem.status(of: path(name))
            else { continue }
            found.append(Segment(base: parsed.base, byteCount: status.byteCount))
        }
        segments = found.sorted { $0.base < $1.base }
    }

    /// Opens the segment that ends at the end, cuts it there, and removes those behind it.
    mutating func openEnd(greatestTimestamp: Int64) throws(StorageError) {
        while let last = segments.last, last.base > end.segment {
            try remove(last.base)
            segments.removeLast()
        }
        let place = end
        // What a writer before this one left to the system to make durable.
        for (segment, next) in zip(segments, segments.dropFirst()) where next.base > synced {
            let path = path(LogNames.segment(number, segment.base))
            unsynced.append(try fileSystem.open(path, .write(truncating: false)))
        }
        guard let last = segments.last, last.base == place.segment else { return }
        let file = try fileSystem.open(
            path(LogNames.segment(number, place.segment)), .write(truncating: false))
        if try file.status().byteCount != place.position {
            try file.truncate(to: place.position)
        }
        self.file = file
        isDirty = true
        self.greatestTimestamp = greatestTimestamp
        let indexPath = path(LogNames.index(number, place.segment))
        index = try LogIndex.read(indexPath, base: place.segment, fileSystem: fileSystem)
        index.cut(to: place)
        let bytes = index.encoded
        indexBytes = bytes.count
        if let status = try fileSystem.status(of: indexPath), status.byteCount != bytes.count {
            let file = try fileSystem.open(indexPath, .write(truncating: true))
            try file.writeAll(SlabSlice(Slab(bytes), 0..<bytes.count), at: 0)
        }
    }

    /// Lets go of the open segment; the end may be set anew.
    mutating func closeEnd() {
        file = nil
        indexFile = nil
    }

    /// Removes a segment's files; those that are gone are fine.
    func remove(_ base: Int64) throws(StorageError) {
        for name in [LogNames.index(number, base), LogNames.segment(number, base)] {
            do throws(StorageError) {
                try fileSystem.unlink(path(name))
            } catch {
                guard error.kind == .notFound else { throw error }
            }
        }
    }
}
