/// Where reading begins.
package enum LogStart: Sendable, Equatable {
    case earliest
    /// Behind what counts now.
    case latest
    case offset(Int64)
    /// At the first record that is not older, in microseconds since the epoch.
    case timestamp(Int64)
}

/// A log as its readers see it, in any process, while another one writes to it.
package final class LogView: Sendable {
    package let directory: String
    package let options: LogOptions
    let fileSystem: any FileSystem
    private let marks: any File

    package init(_ directory: String, fileSystem: any FileSystem) throws(StorageError) {
        self.directory = directory
        self.fileSystem = fileSystem
        options = try LogOptions.read(directory, fileSystem: fileSystem)
        marks = try fileSystem.open(FilePath.join(directory, LogNames.marks), .read)
    }

    /// What counts by now.
    package func mark() throws(StorageError) -> LogMark {
        var attempt = 0
        while true {
            do throws(StorageError) {
                return try LogMark.read(marks, partitionCount: options.partitionCount).mark
            } catch {
                // Both slots in one moment: the writer was at one of them, and then at the other.
                attempt += 1
                if error.kind != .corrupt || attempt == 3 { throw error }
            }
        }
    }

    /// Makes durable what counts by now: its writer may have shown it before it was.
    package func sync() throws(StorageError) { try marks.sync() }

    /// Copies of the mark that are damaged.
    package func damagedMarkCount() throws(StorageError) -> Int {
        try LogMark.read(marks, partitionCount: options.partitionCount).damagedSlots
    }

    /// First offsets of a partition's segments, in order.
    func segments(of partition: Int) throws(StorageError) -> [Int64] {
        var found: [Int64] = []
        for name in try fileSystem.names(in: directory) {
            if let parsed = LogNames.parse(name, suffix: LogNames.segmentSuffix),
                parsed.partition == partition
            {
                found.append(parsed.base)
            }
        }
        return found.sorted()
    }

    /// Opens a segment; nil where it is gone.
    func open(_ partition: Int, _ base: Int64) throws(StorageError) -> (any File)? {
        let path = FilePath.join(directory, LogNames.segment(partition, base))
        do throws(StorageError) {
            return try fileSystem.open(path, .read)
        } catch {
            if error.kind == .notFound { return nil }
            throw error
        }
    }

    func index(_ partition: Int, _ base: Int64) throws(StorageError) -> LogIndex {
        let path = FilePath.join(directory, LogNames.index(partition, base))
        return try LogIndex.read(path, base: base, fileSystem: fileSystem)
    }

    /// The offset at which a partition is read from a start.
    package func offset(
        of start: LogStart, partition: Int, for operation: String = "read"
    ) throws(StorageError) -> Int64 {
        guard (0..<options.partitionCount).contains(partition) else {
            throw StorageError(
                .notFound, operation: operation, path: directory,
                cause: "there is no partition \(partition)",
                advice: "the log has \(options.partitionCount), numbered from 0")
        }
        let mark = try mark().partitions[partition]
        switch start {
        case .earliest: return mark.start
        case .latest: return mark.end.offset
        case .offset(let offset):
            guard offset >= mark.start else {
                throw StorageError(
                    .notFound, operation: operation, path: directory,
                    cause: "partition \(partition) begins at \(mark.start), and \(offset) was "
                        + "trimmed",
                    advice: "read from earliest")
            }
            guard offset <= mark.end.offset else {
                throw StorageError(
                    .notFound, operation: operation, path: directory,
                    cause: "partition \(partition) ends at \(mark.end.offset), before \(offset)",
                    advice: "records that were not durable may be gone after a crash; read from "
                        + "latest")
            }
            return offset
        case .timestamp(let timestamp):
            return try LogTimeSearch(self, partition: partition, mark: mark).offset(of: timestamp)
        }
    }

    /// The offset of a start, or the nearest that a partition has.
    package func nearestOffset(
        of start: LogStart, partition: Int
    ) throws(StorageError) -> Int64 {
        let mark = try mark().partitions[partition]
        guard case .offset(let offset) = start else {
            return try self.offset(of: start, partition: partition)
        }
        return min(max(offset, mark.start), mark.end.offset)
    }

    /// A start, or the end of a partition that does not reach as far.
    package func upToTheEnd(
        _ start: LogStart, partition: Int
    ) throws(StorageError) -> LogStart {
        guard case .offset(let offset) = start else { return start }
        return .offset(min(offset, try mark().partitions[partition].end.offset))
    }
}

/// Waits until something more of a log counts, whichever process writes to it.
package final class LogWait: Sendable {
    private let watch: FileWatch?
    /// A writer's mark may change without a notice: on a file system of another machine, say.
    private static let pollMilliseconds = 1000
    private static let blindPollMilliseconds = 20

    package init(_ view: LogView) {
        watch = view.fileSystem.watch(FilePath.join(view.directory, LogNames.marks))
    }

    /// Sleeps until the mark was written since the last sleep, or a wake; at most `milliseconds`,
    /// and shorter where it is time to look again. Gives false after a wake.
    package func wait(_ waker: Waker, milliseconds: Int) -> Bool {
        guard let watch else {
            return !waker.wait(milliseconds: min(milliseconds, Self.blindPollMilliseconds))
        }
        return watch.wait(waker, milliseconds: min(milliseconds, Self.pollMilliseconds))
    }
}

/// Reads a partition of a log from an offset on, batch by batch, up to the commit mark.
///
/// Damage is stepped over and noted; it is never returned as data.
package final class LogReader {
    package let view: LogView
    package let partition: Int
    /// The offset behind the last batch that was read.
    package private(set) var nextOffset: Int64
    /// Places that were stepped over.
    package private(set) var damages: [LogDamage] = []
    private var mark: LogMark.Partition
    private var walker: LogWalker?
    /// Where the segment begins that follows another one.
    private var following: (segment: Int64, base: Int64)?

    package init(
        _ view: LogView, partition: Int, from start: LogStart
    ) throws(StorageError) {
        self.view = view
        self.partition = partition
        nextOffset = try view.offset(of: start, partition: partition)
        mark = try view.mark().partitions[partition]
    }

    /// What counts, as far as this reader knows.
    package var end: Int64 { mark.end.offset }

    /// The next batch; nil where the reader has reached what counts by now.
    package func next() throws(StorageError) -> LogBatch? {
        while true {
            if nextOffset >= mark.end.offset {
                try refresh()
                if nextOffset >= mark.end.offset { return nil }
            }
            if walker == nil { try openSegment() }
            guard try stepsOn() else { return nil }
            if let batch = found {
                found = nil
                return batch
            }
        }
    }

    /// A batch that a step found.
    private var found: LogBatch?

    private func refresh() throws(StorageError) {
        mark = try view.mark().partitions[partition]
        guard nextOffset <= mark.end.offset else {
            throw StorageError(
                .notFound, operation: "read", path: view.directory,
                cause: "partition \(partition) was cut back to \(mark.end.offset), and "
                    + "\(nextOffset) was read already",
                advice: "start the reader again from an offset that exists")
        }
        guard nextOffset >= mark.start else {
            throw StorageError(
                .notFound, operation: "read", path: view.directory,
                cause: "partition \(partition) begins at \(mark.start) now, and \(nextOffset) "
                    + "was trimmed before it was read",
                advice: "let the log keep more, or hold it for this reader")
        }
        if let walker {
            let limit = try limit(of: walker.segment, walker.file)
            self.walker?.limit = limit
        }
    }

    private func limit(of segment: Int64, _ file: (any File)?) throws(StorageError) -> Int {
        let size = try file?.status().byteCount ?? 0
        return segment == mark.end.segment ? min(mark.end.position, size) : size
    }

    /// Opens the segment that holds the next offset.
    private func openSegment() throws(StorageError) {
        let bases = try view.segments(of: partition)
        guard let base = bases.last(where: { $0 <= nextOffset }), base <= mark.end.segment,
            let file = try view.open(partition, base)
        else {
            try refresh()
            let next = bases.first { $0 > nextOffset } ?? mark.end.offset
            return missing(upTo: min(next, mark.end.offset), "a segment is missing")
        }
        let limit = try limit(of: base, file)
        let index = try view.index(partition, base)
        var offset = nextOffset
        while true {
            let entry = index.entry(before: offset)
            walker = try LogWalker(
                file, partition: partition, segment: base, at: entry, limit: limit)
            if walker != nil { return }
            offset = entry.offset - 1
        }
    }

    /// Notes offsets of which there are no bytes.
    private func missing(upTo end: Int64, _ cause: String) {
        guard end > nextOffset else { return }
        let segment = walker?.segment ?? nextOffset
        let path = FilePath.join(view.directory, LogNames.segment(partition, segment))
        damages.append(
            LogDamage(
                path: path, partition: partition, segment: segment, bytes: 0..<0,
                offsets: nextOffset..<end, cause: cause))
        nextOffset = end
    }

    /// Takes a step; false where nothing more can be read for now.
    private func stepsOn() throws(StorageError) -> Bool {
        guard let step = try walker?.next() else { return true }
        switch step {
        case .batch(var batch):
            guard batch.header.endOffset > nextOffset else { return true }
            if try isLeft(upTo: batch.header.endOffset) { return try endSegment(torn: nil) }
            guard batch.header.endOffset <= mark.end.offset else {
                return try isCutBack()
            }
            batch.firstOffset = nextOffset
            nextOffset = batch.header.endOffset
            found = batch
            return true
        case .damage(let damage):
            if try isLeft(upTo: damage.offsets.upperBound) {
                return try endSegment(torn: damage)
            }
            if damage.offsets.upperBound > nextOffset {
                damages.append(damage)
                nextOffset = damage.offsets.upperBound
            }
            return true
        case .end: return try endSegment(torn: nil)
        case .torn(let damage): return try endSegment(torn: damage)
        }
    }

    /// Whether what reaches up to an offset lies beyond its segment: it never counted, and the log
    /// goes on in another segment, since the end of this one was damaged.
    private func isLeft(upTo end: Int64) throws(StorageError) -> Bool {
        guard let segment = walker?.segment, segment < mark.end.segment else { return false }
        if let following, following.segment == segment, end <= following.base { return false }
        let next = try view.segments(of: partition).first { $0 > segment } ?? mark.end.segment
        following = (segment, next)
        return end > next
    }

    /// Goes on before a batch that lies beyond the mark: that may have been cut back since. Where
    /// it was not, it ends within the batch, which no writer leaves.
    private func isCutBack() throws(StorageError) -> Bool {
        let before = mark
        try refresh()
        if mark == before {
            missing(upTo: mark.end.offset, "the commit mark ends within a batch")
        }
        walker = nil
        return nextOffset < mark.end.offset
    }

    /// Goes from the end of a segment to the next one.
    private func endSegment(torn: LogDamage?) throws(StorageError) -> Bool {
        guard let segment = walker?.segment else { return true }
        let before = mark
        try refresh()
        // More of this segment counts now.
        if before.end != mark.end && segment == before.end.segment {
            walker = nil
            return true
        }
        let next = try view.segments(of: partition).first { $0 > segment }
        var end = mark.end.offset
        if let next, next <= mark.end.segment { end = next }
        if nextOffset < end {
            // Not durable, and behind it nothing whole: its writer will cut it at its next start.
            let isOpen = end == mark.end.offset && nextOffset >= mark.synced
            if isOpen && segment == mark.end.segment {
                walker = nil
                return false
            }
            let isSynced = min(end, max(mark.synced, nextOffset))
            noteTorn(torn, upTo: segment == mark.end.segment ? isSynced : end)
        }
        walker = nil
        return true
    }

    private func noteTorn(_ torn: LogDamage?, upTo end: Int64) {
        guard let torn else { return missing(upTo: end, "the end of the segment is missing") }
        damages.append(
            LogDamage(
                path: torn.path, partition: partition, segment: torn.segment, bytes: torn.bytes,
                offsets: nextOffset..<end, cause: torn.cause))
        nextOffset = end
    }
}
