import Dataflow

/// Decides which partitions of a live source are idle.
///
/// A partition is idle when a read finds nothing at all and its own last record was read at least
/// the time-out before: what came for it since would have been found. However long the source was
/// not read for back-pressure, that alone makes nothing idle.
struct Idleness {
    private struct Partition {
        var lastNanoseconds: Int64
        var isIdle = false
    }

    private let timeoutNanoseconds: Int64
    private let isPartitioned: Bool
    private var partitions: [Int: Partition] = [:]

    /// The source is new at `now`.
    init(_ strategy: WatermarkStrategy, now: Int64) {
        let product = strategy.idleTimeout.multipliedReportingOverflow(by: 1000)
        timeoutNanoseconds = product.overflow ? Int64.max : product.partialValue
        isPartitioned = strategy.scope == .partition
        if !isPartitioned { partitions[0] = Partition(lastNanoseconds: now) }
    }

    /// Notes partitions that are there from the start.
    mutating func expect(_ ids: [Int], now: Int64) {
        guard isPartitioned else { return }
        for id in ids { partitions[id] = Partition(lastNanoseconds: now) }
    }

    /// Notes what was read; gives the chunk, with a word before it that its partition is active
    /// again where that is so.
    mutating func note(_ chunk: RawChunk, now: Int64) -> RawChunk {
        for event in chunk.events where isPartitioned {
            switch event {
            case .opened(let id), .active(let id): partitions[id] = Partition(lastNanoseconds: now)
            case .idle(let id): partitions[id]?.isIdle = true
            case .finished(let id): partitions[id] = nil
            }
        }
        guard !chunk.range.isEmpty else { return chunk }
        let id = isPartitioned ? chunk.partition : 0
        let wasIdle = partitions[id]?.isIdle ?? false
        partitions[id] = Partition(lastNanoseconds: now)
        return wasIdle ? chunk.preceded(by: .active(id)) : chunk
    }

    /// Notes that the source held back what it may have: the time-outs begin anew.
    mutating func postpone(now: Int64) {
        for id in partitions.keys { partitions[id]?.lastNanoseconds = now }
    }

    /// Notes that a read found nothing; gives the partitions that are idle from now on.
    mutating func noteNothing(now: Int64) -> [PartitionEvent] {
        var events: [PartitionEvent] = []
        for (id, partition) in partitions.sorted(by: { $0.key < $1.key })
        where !partition.isIdle && now - partition.lastNanoseconds >= timeoutNanoseconds {
            partitions[id]?.isIdle = true
            events.append(.idle(id))
        }
        return events
    }
}

extension RawChunk {
    /// The chunk with one more change of a partition before its records.
    fileprivate func preceded(by event: PartitionEvent) -> RawChunk {
        RawChunk(
            slab: slab, range: range, place: place, partition: partition,
            events: events + [event], origin: origin)
    }
}
