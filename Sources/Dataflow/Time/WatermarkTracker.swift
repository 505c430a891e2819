package import Storage

/// The watermark of a source, position by position: a prefix maximum, of several partitions the
/// least.
///
/// A pure value that is handed from chunk to chunk in order. Idle and finished partitions leave the
/// minimum; when none is active, the watermark is the greatest that any of them reached. It never
/// falls back.
package struct WatermarkTracker: Sendable {
    private enum State { case active, idle }

    private struct Partition {
        var state: State
        /// The greatest event time seen, or `EventTime.none`.
        var greatest = EventTime.none
    }

    private let delay: Int64
    private let isPartitioned: Bool
    /// Those that are not finished: a source may see any number of connections come and go.
    private var partitions: [Int: Partition] = [:]
    /// The greatest event time of finished partitions.
    private var finishedGreatest = EventTime.none
    /// The watermark that stands behind everything seen so far.
    package private(set) var watermark = EventTime.none

    package init(_ strategy: WatermarkStrategy) {
        delay = strategy.delay
        isPartitioned = strategy.scope == .partition
        if !isPartitioned { partitions[0] = Partition(state: .active) }
    }

    /// Partitions that are remembered.
    var partitionCount: Int { partitions.count }

    /// The numbers of those that are not finished.
    package var openPartitions: [Int] { isPartitioned ? partitions.keys.sorted() : [] }

    /// Notes that nothing more comes of any partition there was so far.
    package mutating func finishAll() { apply(openPartitions.map { .finished($0) }) }

    /// Notes what became of partitions; may let the watermark rise.
    package mutating func apply(_ events: [PartitionEvent]) {
        for event in events {
            switch event {
            case .opened(let id): set(id, .active)
            case .active(let id): set(id, .active)
            case .idle(let id): set(id, .idle)
            case .finished(let id): finish(id)
            }
        }
        if !events.isEmpty { rise() }
    }

    private mutating func set(_ id: Int, _ state: State) {
        let key = isPartitioned ? id : 0
        partitions[key, default: Partition(state: state)].state = state
    }

    private mutating func finish(_ id: Int) {
        guard isPartitioned, let partition = partitions.removeValue(forKey: id) else { return }
        finishedGreatest = max(finishedGreatest, partition.greatest)
    }

    /// Passes the event times of a chunk's rows in order, and writes the watermark that stood
    /// before each.
    ///
    /// Only selected rows count.
    package mutating func stamp(
        _ times: Span<Int64>, _ selection: Selection, partition id: Int,
        into watermarks: inout MutableSpan<Int64>
    ) {
        let key = isPartitioned ? id : 0
        var greatest = partitions[key]?.greatest ?? EventTime.none
        let others = leastOfOthers(than: key)
        var current = watermark
        let delay = delay
        selection.forEach { row in
            watermarks[row] = current
            greatest = max(greatest, times[row])
            let own = EventTime.delayed(greatest, by: delay)
            current = max(current, min(own, others))
        }
        partitions[key, default: Partition(state: .active)].greatest = greatest
        partitions[key]?.state = .active
        rise()
    }

    /// What the other active partitions allow.
    private func leastOfOthers(than key: Int) -> Int64 {
        var least = EventTime.end
        for (id, partition) in partitions where id != key && partition.state == .active {
            least = min(least, EventTime.delayed(partition.greatest, by: delay))
        }
        return least
    }

    private mutating func rise() {
        let active = partitions.values.filter { $0.state == .active }.map(\.greatest)
        let reached = partitions.values.map(\.greatest).max() ?? EventTime.none
        let least = active.min() ?? max(reached, finishedGreatest)
        watermark = max(watermark, EventTime.delayed(least, by: delay))
    }
}

extension WatermarkTracker {
    /// Writes where it stands, as `restore` reads it:
    ///
    ///     tracker   = watermark: 8 | greatest of finished: 8 | partitions: count, each
    ///     partition = number: 8 | idle: 1 | greatest: 8
    package func encode(to writer: inout ByteWriter) {
        writer.append(watermark)
        writer.append(finishedGreatest)
        writer.append(count: partitions.count)
        for (id, partition) in partitions.sorted(by: { $0.key < $1.key }) {
            writer.append(Int64(id))
            writer.append(partition.state == .idle)
            writer.append(partition.greatest)
        }
    }

    /// Stands where the one stood that was encoded.
    package mutating func restore(from reader: inout ByteReader) throws(ByteReader.Damage) {
        watermark = try reader.integer(Int64.self)
        finishedGreatest = try reader.integer(Int64.self)
        let count = try reader.count()
        partitions = [:]
        for _ in 0..<count {
            let id = Int(try reader.integer(Int64.self))
            let state: State = try reader.flag() ? .idle : .active
            partitions[id] = Partition(
                state: state, greatest: try reader.integer(Int64.self))
        }
        // A scope that was changed has one partition in place of those there were.
        if !isPartitioned && partitions.map(\.key) != [0] {
            let greatest = partitions.values.map(\.greatest).max() ?? EventTime.none
            partitions = [
                0: Partition(state: .active, greatest: max(greatest, finishedGreatest))
            ]
        }
    }
}
