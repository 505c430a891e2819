/// What an opening found that was not as it should be.
package struct LogFindings: Sendable, Equatable {
    /// Records that were appended but had not become durable when the machine stopped, by
    /// partition: they are gone, and their offsets are used again.
    package var cut: [Int: Range<Int64>] = [:]
    /// Bytes that are wrong although they were durable.
    package var damages: [LogDamage] = []
    /// Copies of the commit mark that were damaged, and are written anew.
    package var damagedMarks = 0

    package init() {}

    /// Whether all was as it should be.
    package var isClean: Bool { self == LogFindings() }

    /// What of it is about records of the log in a directory, for people.
    package func notes(of directory: String) -> [String] {
        damages.map(\.description)
            + cut.sorted { $0.key < $1.key }.map { number, range in
                "\(directory): partition \(number): records \(range.lowerBound)..<"
                    + "\(range.upperBound) had not become durable and are gone"
            }
    }
}

/// Finds out where a partition really ends: from its last segment alone, however long it is.
///
/// Bytes that were not durable may be missing after the machine stopped: what stands behind the
/// last whole batch is cut. Bytes that were durable are never cut: where they are wrong, their
/// offsets stay lost, and the log goes on in a new segment. Damage with whole batches behind it is
/// stepped over.
struct LogRecovery {
    let partition: LogPartitionWriter
    private(set) var findings = LogFindings()
    /// Where the partition ends.
    private(set) var end: LogPlaces.Place
    /// The greatest timestamp of the last segment.
    private(set) var greatestTimestamp = Int64.min

    init(_ partition: LogPartitionWriter) {
        self.partition = partition
        end = partition.end
    }

    private func open(_ base: Int64) throws(StorageError) -> (any File)? {
        let path = partition.path(LogNames.segment(partition.number, base))
        guard partition.segments.contains(where: { $0.base == base }) else { return nil }
        return try partition.fileSystem.open(path, .read)
    }

    /// A walker at the last place of a segment's index that is not behind an offset.
    private func walker(
        _ file: any File, base: Int64, before offset: Int64, limit: Int
    ) throws(StorageError) -> (walker: LogWalker, greatestTimestamp: Int64) {
        let path = partition.path(LogNames.index(partition.number, base))
        let index = try LogIndex.read(path, base: base, fileSystem: partition.fileSystem)
        var entry = index.entry(before: max(offset, base))
        while true {
            let place = LogPlaces.Place(
                offset: entry.offset, segment: base, position: entry.position)
            var walker = LogWalker(
                file, partition: partition.number, from: place, limit: limit, opensBodies: false)
            if entry.offset == base { return (walker, .min) }
            if try walker.isAtBatch() { return (walker, entry.greatestTimestamp) }
            entry = index.entry(before: entry.offset - 1)
        }
    }

    /// Checks the end that the mark gives, and moves it to where whole batches end.
    mutating func checkEnd() throws(StorageError) {
        let marked = partition.end
        let synced = min(partition.synced, marked.offset)
        try findEnd(marked, synced)
        guard end.offset < marked.offset else { return }
        let kept = max(end.offset, synced)
        if kept > end.offset {
            // Durable once, and not to be read: their offsets are not used again.
            findings.damages.append(
                LogDamage(
                    path: partition.path(LogNames.segment(partition.number, end.segment)),
                    partition: partition.number, segment: end.segment,
                    bytes: end.position..<max(marked.position, end.position),
                    offsets: end.offset..<kept, cause: "the end of the segment is missing"))
            end = LogPlaces.Place(
                offset: kept, segment: kept, position: LogSegmentHead.byteCount)
        }
        if kept < marked.offset { findings.cut[partition.number] = kept..<marked.offset }
    }

    /// Bytes that are looked at behind what is known to be durable, about: an opening takes no
    /// longer however long nothing was synced.
    private static let unsyncedBytesMax = 1 << 30

    /// Goes to the end of the first segment that may not be durable and does not go as far as the
    /// next one begins, or else to the end of the last one.
    ///
    /// A log that leaves syncs to the system may hold days of records that nobody knows to be
    /// durable, and most of them are: of that only what is missing at the end is cut, and a hole
    /// before it is damage.
    private mutating func findEnd(
        _ marked: LogPlaces.Place, _ synced: Int64
    ) throws(StorageError) {
        let least = max(synced, partition.start)
        if least < marked.segment {
            guard let first = partition.segments.last(where: { $0.base <= least })?.base else {
                end = LogPlaces.Place(
                    offset: least, segment: least, position: LogSegmentHead.byteCount)
                return
            }
            var bases: [Int64] = []
            var byteCount = 0
            for segment in partition.segments.reversed()
            where segment.base >= first && segment.base < marked.segment {
                bases.append(segment.base)
                byteCount += segment.byteCount
                let isEmpty = segment.byteCount <= LogSegmentHead.byteCount
                if partition.leavesSyncs && !isEmpty { break }
                if byteCount >= Self.unsyncedBytesMax { break }
            }
            bases.reverse()
            for (base, next) in zip(bases, bases.dropFirst() + [marked.segment]) {
                let isWhole = try checkEnd(of: base, expecting: next, limit: nil)
                // Bytes that were durable and are gone are damage, and what is behind them counts.
                if !isWhole && end.offset >= synced { return }
            }
        }
        _ = try checkEnd(of: marked.segment, expecting: marked.offset, limit: marked.position)
    }

    /// Walks to the end of a segment; gives whether it goes as far as it should.
    private mutating func checkEnd(
        of base: Int64, expecting expected: Int64, limit: Int?
    ) throws(StorageError) -> Bool {
        end = LogPlaces.Place(
            offset: base, segment: base, position: LogSegmentHead.byteCount)
        greatestTimestamp = .min
        guard let file = try open(base) else { return expected == base }
        let size = try file.status().byteCount
        let limit = min(limit ?? size, size)
        var (walker, greatest) = try walker(
            file, base: base, before: partition.synced, limit: limit)
        greatestTimestamp = greatest
        walk: while true {
            switch try walker.next() {
            case .batch(let batch):
                greatestTimestamp = max(greatestTimestamp, batch.header.greatestTimestamp)
            case .damage(let damage): findings.damages.append(damage)
            case .end, .torn: break walk
            }
        }
        end = walker.place
        return end.offset >= expected
    }

    /// Takes in whole batches behind the end that their owner did not mean to commit later: for
    /// a mark that may be older than the last one. Damage ends them, unless it is stepped over.
    mutating func rollForward(overDamage: Bool) throws(StorageError) -> Bool {
        while true {
            if let file = try open(end.segment) {
                var walker = LogWalker(
                    file, partition: partition.number, from: end,
                    limit: try file.status().byteCount, opensBodies: false)
                walk: while true {
                    switch try walker.next() {
                    case .batch(let batch):
                        if batch.header.flags.contains(.staged) { return false }
                        end = walker.place
                        greatestTimestamp = max(
                            greatestTimestamp, batch.header.greatestTimestamp)
                    case .damage(let damage) where overDamage: findings.damages.append(damage)
                    case .damage, .end, .torn: break walk
                    }
                }
            }
            guard end.offset != end.segment,
                partition.segments.contains(where: { $0.base == end.offset })
            else { return true }
            end = LogPlaces.Place(
                offset: end.offset, segment: end.offset, position: LogSegmentHead.byteCount)
            greatestTimestamp = .min
        }
    }

    /// Whether whole batches stand behind the end that their owner means to commit later: all that
    /// stand there are one writer's.
    func hasStaged() throws(StorageError) -> Bool {
        var place = end
        while let file = try open(place.segment) {
            var walker = LogWalker(
                file, partition: partition.number, from: place,
                limit: try file.status().byteCount, opensBodies: false)
            walk: while true {
                switch try walker.next() {
                case .batch(let batch): return batch.header.flags.contains(.staged)
                case .damage: continue
                case .end, .torn: break walk
                }
            }
            // A segment without a batch is followed by none.
            guard place.offset != place.segment else { return false }
            place = LogPlaces.Place(
                offset: place.offset, segment: place.offset,
                position: LogSegmentHead.byteCount)
        }
        return false
    }

    /// Whether every batch from the end up to a place is whole: for output that was staged. The end
    /// moves behind those that are, before the first that is not.
    mutating func verify(upTo place: LogPlaces.Place) throws(StorageError) -> Bool {
        while end != place {
            guard let file = try open(end.segment) else { return false }
            let size = try file.status().byteCount
            let limit = end.segment == place.segment ? min(size, place.position) : size
            var walker = LogWalker(
                file, partition: partition.number, from: end, limit: limit, opensBodies: false)
            while case .batch(let batch) = try walker.next() {
                greatestTimestamp = max(greatestTimestamp, batch.header.greatestTimestamp)
                end = walker.place
            }
            if end == place { return true }
            guard end.segment < place.segment, end.offset > end.segment,
                partition.segments.contains(where: { $0.base == end.offset })
            else { return false }
            end = LogPlaces.Place(
                offset: end.offset, segment: end.offset, position: LogSegmentHead.byteCount)
            greatestTimestamp = .min
        }
        return true
    }

    /// Whether a batch ends at a place at or below the partition's end, which an older checkpoint
    /// knows; or where the kept ones begin.
    func isBoundary(_ place: LogPlaces.Place) throws(StorageError) -> Bool {
        if place.offset == place.segment {
            return place.position == LogSegmentHead.byteCount
        }
        guard let file = try open(place.segment) else { return place.offset == partition.start }
        let size = try file.status().byteCount
        var next = LogWalker(
            file, partition: partition.number, from: place, limit: size, opensBodies: false)
        if try next.isAtBatch() { return true }
        guard place.position <= size else { return false }
        var before = try walker(
            file, base: place.segment, before: place.offset, limit: place.position
        ).walker
        while true {
            switch try before.next() {
            case .batch, .damage: continue
            case .end: return before.place == place
            case .torn: return false
            }
        }
    }
}
