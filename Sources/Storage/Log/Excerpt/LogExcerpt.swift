/// Batches of a partition as they stand in its segments, one behind the other: every one of them
/// was read and checked.
///
/// It holds the segments open, so that a trim takes nothing from it.
package struct LogExcerpt: Sendable {
    /// From the start of its first batch to the end of its last.
    package private(set) var offsets: Range<Int64>
    /// Bytes of its batches.
    package var byteCount: Int { parts.reduce(0) { $0 + $1.bytes.count } }
    let partition: Int
    /// Where the batches stand.
    private(set) var parts: [(file: any File, bytes: Range<Int>)] = []

    /// The batches of offsets that the mark says are there.
    init(
        _ view: LogView, _ wanted: Range<Int64>, of partition: Int, _ mark: LogMark.Partition
    ) throws(StorageError) {
        self.partition = partition
        offsets = wanted.lowerBound..<wanted.lowerBound
        let bases = try view.segments(of: partition)
        guard let first = bases.lastIndex(where: { $0 <= wanted.lowerBound }) else {
            throw Self.missing(view, partition, wanted.lowerBound)
        }
        for (index, base) in bases.enumerated().dropFirst(first) {
            let next = index + 1 < bases.count ? bases[index + 1] : Int64.max
            guard base <= offsets.upperBound, let file = try view.open(partition, base) else {
                throw Self.missing(view, partition, offsets.upperBound)
            }
            let size = try file.status().byteCount
            let limit = base == mark.end.segment ? min(mark.end.position, size) : size
            try add(view, file, base, limit: limit, upTo: min(wanted.upperBound, next), wanted)
            if offsets.upperBound >= wanted.upperBound { break }
        }
        guard offsets.upperBound == wanted.upperBound else {
            throw Self.missing(view, partition, offsets.upperBound)
        }
    }

    private static func missing(
        _ view: LogView, _ partition: Int, _ offset: Int64
    ) -> StorageError {
        StorageError(
            .corrupt, operation: "read",
            path: FilePath.join(view.directory, LogNames.segment(partition, offset)),
            cause: "a segment is missing, and with it what waits from offset \(offset) on")
    }

    /// Adds what a segment has of the batches, up to an offset.
    private mutating func add(
        _ view: LogView, _ file: any File, _ base: Int64, limit: Int, upTo end: Int64,
        _ wanted: Range<Int64>
    ) throws(StorageError) {
        var walker = try Self.walker(
            view, file, base, limit: limit, before: offsets.upperBound, partition)
        var start: Int?
        while walker.place.offset < end {
            let position = walker.place.position
            switch try walker.next() {
            case .batch(let batch):
                guard batch.header.endOffset > wanted.lowerBound else { continue }
                guard batch.header.endOffset <= end else {
                    throw Self.wrong(file, position, "a batch ends behind what counts")
                }
                if start == nil && parts.isEmpty {
                    offsets = batch.header.baseOffset..<batch.header.baseOffset
                }
                start = start ?? position
                offsets = offsets.lowerBound..<batch.header.endOffset
            case .damage(let damage) where damage.offsets.upperBound <= wanted.lowerBound:
                // What is behind it is all that was asked for.
                continue
            case .damage(let damage), .torn(let damage):
                throw Self.wrong(file, damage.bytes.lowerBound, damage.cause)
            case .end: throw Self.wrong(file, position, "the end of the segment is missing")
            }
        }
        if let start { parts.append((file, start..<walker.place.position)) }
    }

    private static func wrong(_ file: any File, _ offset: Int, _ cause: String) -> StorageError {
        StorageError(.corrupt, operation: "read", path: file.path, offset: offset, cause: cause)
    }

    /// A walker at the last place that the segment's index has before an offset.
    private static func walker(
        _ view: LogView, _ file: any File, _ base: Int64, limit: Int, before offset: Int64,
        _ partition: Int
    ) throws(StorageError) -> LogWalker {
        let index = try view.index(partition, base)
        var offset = offset
        while true {
            let entry = index.entry(before: offset)
            if let walker = try LogWalker(
                file, partition: partition, segment: base, at: entry, limit: limit)
            {
                return walker
            }
            offset = entry.offset - 1
        }
    }
}

extension LogView {
    /// Checks the batches of offsets, and gives them as they stand in the log, as far as they were
    /// not trimmed; nil where all of them were.
    package func excerpt(
        _ offsets: Range<Int64>, of partition: Int = 0
    ) throws(StorageError) -> LogExcerpt? {
        while true {
            let mark = try mark().partitions[partition]
            guard mark.start < offsets.upperBound else { return nil }
            guard offsets.upperBound <= mark.end.offset else {
                throw StorageError(
                    .corrupt, operation: "read", path: directory,
                    cause: "the log ends at \(mark.end.offset), and what waits in it at "
                        + "\(offsets.upperBound)")
            }
            let wanted = max(offsets.lowerBound, mark.start)..<offsets.upperBound
            do throws(StorageError) {
                return try LogExcerpt(self, wanted, of: partition, mark)
            } catch {
                // What was trimmed meanwhile is missed by nobody.
                guard try self.mark().partitions[partition].start > mark.start else { throw error }
            }
        }
    }
}
