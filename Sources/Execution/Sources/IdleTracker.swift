import Dataflow

/// Decides which of a source's partitions are idle: those that gave nothing for the timeout, while
/// reads found nothing.
///
/// Times are nanoseconds of the monotonic clock. Without partitions of their own all chunks count
/// for partition 0.
struct IdleTracker {
    private let timeout: Int64
    /// When each partition that is neither idle nor finished last gave something.
    private var lastSeen: [Int: Int64] = [:]
    private var idle: Set<Int> = []

    /// A tracker with a timeout in nanoseconds; a source starts with partition 0 if it has no
    /// others.
    init(timeout: Int64, isPartitioned: Bool, now: Int64) {
        self.timeout = timeout
        if !isPartitioned { lastSeen[0] = now }
    }

    /// Notes a chunk of a partition; gives the change it means.
    mutating func note(_ chunk: RawChunk, now: Int64) -> [PartitionEvent] {
        for event in chunk.events {
            switch event {
            case .opened(let id), .active(let id): lastSeen[id] = now
            case .idle(let id): lastSeen[id] = nil
            case .finished(let id):
                lastSeen[id] = nil
                idle.remove(id)
            }
        }
        guard !chunk.range.isEmpty else { return [] }
        lastSeen[chunk.partition] = now
        return idle.remove(chunk.partition) == nil ? [] : [.active(chunk.partition)]
    }

    /// Starts the timeouts anew: the source could not be read, or held something back.
    mutating func pause(now: Int64) {
        for id in lastSeen.keys { lastSeen[id] = now }
    }

    /// The partitions whose timeout is over; called when a read found nothing.
    mutating func due(now: Int64) -> [PartitionEvent] {
        let due = lastSeen.filter { now - $0.value >= timeout }.keys.sorted()
        for id in due {
            lastSeen[id] = nil
            idle.insert(id)
        }
        return due.map { .idle($0) }
    }
}
