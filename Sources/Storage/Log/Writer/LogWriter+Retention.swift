import Synchronization

extension LogWriter {
    /// Bytes that were appended and do not count yet.
    package var stagedByteCount: Int {
        let pairs = state.withLock { Array(zip($0.partitions, $0.mark.partitions)) }
        return pairs.reduce(0) { $0 + $1.0.byteCount(behind: $1.1.end) }
    }

    /// The least offset of a partition that somebody needs.
    func heldOffsets() throws(StorageError) -> [Int64] {
        var held = Array(repeating: Int64.max, count: options.partitionCount)
        for hold in try LogHold.all(on: directory, fileSystem: fileSystem) {
            for (partition, offset) in hold.offsets.enumerated() where partition < held.count {
                held[partition] = min(held[partition], offset)
            }
        }
        return held
    }

    /// Forgets the records of a partition below an offset, as far as nobody needs them; gives the
    /// least offset that is kept from now on. Their bytes go as soon as whole segments are below.
    @discardableResult
    package func trim(_ partition: Int, to offset: Int64) throws(StorageError) -> Int64 {
        try maintaining.withLock { _ throws(StorageError) in
            try trim([partition: offset], held: try heldOffsets())
        }
        return state.withLock { $0.partitions[partition].start }
    }

    /// Whether a trim to an offset would change anything: files that an earlier one could not
    /// remove are still there to be removed.
    package func hasToTrim(_ partition: Int, to offset: Int64) -> Bool {
        state.withLock { state in
            let mark = state.mark.partitions[partition]
            guard offset <= mark.start else { return true }
            let next = state.partitions[partition].segments.dropFirst().first
            return next.map { $0.base <= mark.start && $0.base <= mark.end.segment } ?? false
        }
    }

    /// Applies the log's limits of age and size; gives how many segments went. `now` is the time of
    /// the day in microseconds, with which records' timestamps compare.
    @discardableResult
    package func retain(now: Int64) throws(StorageError) -> Int {
        try maintaining.withLock { _ throws(StorageError) in try trimOld(now) }
    }

    private func trimOld(_ now: Int64) throws(StorageError) -> Int {
        let held = try heldOffsets()
        var starts: [Int: Int64] = [:]
        var candidates = try finishedSegments(held: held)
        let before = state.withLock { $0.partitions.reduce(0) { $0 + $1.segments.count } }
        if let age = options.ageKept {
            for candidate in candidates.prefix(while: { $0.greatestTimestamp < now - age }) {
                starts[candidate.partition] = max(
                    starts[candidate.partition] ?? 0, candidate.end)
            }
            candidates.removeAll { $0.end <= starts[$0.partition] ?? .min }
        }
        if let limit = options.bytesKept {
            let gone = starts.isEmpty ? 0 : try bytes(below: starts)
            var byteCount = byteCount - gone
            for candidate in candidates where byteCount > limit {
                byteCount -= candidate.byteCount
                starts[candidate.partition] = max(
                    starts[candidate.partition] ?? 0, candidate.end)
            }
        }
        if !starts.isEmpty { try trim(starts, held: held) }
        return before - state.withLock { $0.partitions.reduce(0) { $0 + $1.segments.count } }
    }

    private func bytes(below starts: [Int: Int64]) throws(StorageError) -> Int {
        state.withLock { state in
            var sum = 0
            for (partition, start) in starts {
                let segments = state.partitions[partition].segments
                for (segment, next) in zip(segments, segments.dropFirst())
                where next.base <= start { sum += segment.byteCount }
            }
            return sum
        }
    }

    /// A segment that may go.
    private struct Candidate {
        let partition: Int
        /// The offset behind its last one.
        let end: Int64
        let byteCount: Int
        let greatestTimestamp: Int64
    }

    /// Segments that are finished, committed and not needed: the oldest first, and those of a
    /// partition in their order.
    private func finishedSegments(held: [Int64]) throws(StorageError) -> [Candidate] {
        let (partitions, mark) = state.withLock { ($0.partitions, $0.mark) }
        var candidates: [Candidate] = []
        for (number, partition) in partitions.enumerated() {
            let limit = min(held[number], mark.partitions[number].end.segment)
            var greatest = Int64.min
            for (segment, next) in zip(partition.segments, partition.segments.dropFirst())
            where next.base <= limit {
                let own =
                    if let known = segment.greatestTimestamp {
                        known
                    } else {
                        try LogOpening.greatestTimestamp(
                            of: partition, segment: segment.base, limit: segment.byteCount)
                    }
                note(own, of: segment.base, number)
                // One that is older than the one before it has to wait for that.
                greatest = max(greatest, own)
                candidates.append(
                    Candidate(
                        partition: number, end: next.base, byteCount: segment.byteCount,
                        greatestTimestamp: greatest))
            }
        }
        return candidates.sorted {
            ($0.greatestTimestamp, $0.partition, $0.end)
                < ($1.greatestTimestamp, $1.partition, $1.end)
        }
    }

    private func note(_ timestamp: Int64, of base: Int64, _ partition: Int) {
        state.withLock { state in
            let segments = state.partitions[partition].segments
            guard let index = segments.firstIndex(where: { $0.base == base }) else { return }
            state.partitions[partition].segments[index].greatestTimestamp = timestamp
        }
    }

    /// Moves partitions' starts: first in the mark, durably; then the files go.
    private func trim(_ starts: [Int: Int64], held: [Int64]) throws(StorageError) {
        state.withLock { state in
            for (number, offset) in starts {
                let end = state.mark.partitions[number].end.offset
                let start = min(offset, held[number], end)
                state.partitions[number].start = max(start, state.partitions[number].start)
            }
        }
        try writeMark(isSynced: true)
        try state.withLock { state throws(StorageError) in
            for number in starts.keys {
                let start = state.mark.partitions[number].start
                while let next = state.partitions[number].segments.dropFirst().first,
                    next.base <= start,
                    next.base <= state.mark.partitions[number].end.segment
                {
                    let base = state.partitions[number].segments[0].base
                    try state.partitions[number].remove(base)
                    state.partitions[number].segments.removeFirst()
                }
            }
        }
    }
}
