import Synchronization

/// Going on behind an epoch.
extension LogWriter {
    /// What a restore does with output that was staged and is damaged, or gone.
    package enum Restoring: Sendable {
        /// It fails, and changes nothing.
        case all
        /// What stands before it in its partition counts.
        case whatIsWhole
    }

    /// Puts the log where an epoch ended, before anything is appended: what was staged for it
    /// counts from now on, and all behind it goes.
    package func restore(
        to ends: LogPlaces, epoch: UInt64, _ restoring: Restoring = .all
    ) throws(StorageError) {
        try committing.withLock { committing throws(StorageError) in
            try state.withLock { state throws(StorageError) in
                try Self.check(state, directory)
                try Self.move(&state, to: ends, directory, restoring)
            }
            // What was staged was synced, but perhaps by a machine that has stopped since.
            let ends = state.withLock { LogPlaces($0.partitions.map(\.end)) }
            try write(ends, epoch: epoch, isSynced: true, &committing)
            try state.withLock { state throws(StorageError) in try Self.removeTail(&state) }
            _ = try syncFiles()
        }
    }

    private static func move(
        _ state: inout State, to ends: LogPlaces, _ directory: String, _ restoring: Restoring
    ) throws(StorageError) {
        guard ends.partitions.count == state.partitions.count else {
            throw StorageError(
                .other, operation: "restore", path: directory,
                cause: "the log has \(state.partitions.count) partitions, its checkpoint "
                    + "\(ends.partitions.count)")
        }
        // All or none: who gives the checkpoint up may append to what there was before.
        var moved = state.partitions
        for (index, place) in ends.partitions.enumerated() {
            var partition = moved[index]
            let marked = state.mark.partitions[index]
            partition.closeEnd()
            partition.end = marked.end
            partition.end =
                switch restoring {
                case .all: try end(of: partition, marked, at: place)
                case .whatIsWhole: try wholeEnd(of: partition, upTo: place)
                }
            partition.synced = min(partition.synced, partition.end.offset)
            moved[index] = partition
        }
        state.partitions = moved
        state.hasOpenTail = true
    }

    /// Where a partition ends whose end an epoch has at a place.
    private static func end(
        of partition: LogPartitionWriter, _ marked: LogMark.Partition, at place: LogPlaces.Place
    ) throws(StorageError) -> LogPlaces.Place {
        let (number, directory) = (partition.number, partition.directory)
        guard place.offset >= marked.start else {
            throw StorageError(
                .notFound, operation: "restore", path: directory,
                cause: "partition \(number) begins at \(marked.start), and the checkpoint "
                    + "ends at \(place.offset)")
        }
        // The end may be at another place by now: behind damage, or in a segment that a
        // compaction wrote.
        if place.offset == marked.end.offset { return marked.end }
        if place.offset > marked.end.offset {
            var recovery = LogRecovery(partition)
            if try recovery.verify(upTo: place) { return place }
            throw StorageError(
                .corrupt, operation: "restore", path: directory,
                cause: "output staged for partition \(number) is damaged at offset "
                    + "\(recovery.end.offset)",
                advice: "go back to an older checkpoint, or begin anew with --allow-reset and "
                    + "the sink's name")
        }
        if try LogRecovery(partition).isBoundary(place) { return place }
        throw StorageError(
            .corrupt, operation: "restore", path: directory,
            cause: "offset \(place.offset) of partition \(number) is not where the "
                + "checkpoint has it: its segment is damaged, or was compacted since",
            advice: "go back to another checkpoint")
    }

    /// Where whole batches end in a partition, up to a place; never before what counts.
    private static func wholeEnd(
        of partition: LogPartitionWriter, upTo place: LogPlaces.Place
    ) throws(StorageError) -> LogPlaces.Place {
        guard place.offset > partition.end.offset else { return partition.end }
        var recovery = LogRecovery(partition)
        _ = try recovery.verify(upTo: place)
        return recovery.end
    }
}
