package import Dataflow

/// Divides a batch among workers by the hash of its key: what an exchange does to rows.
///
/// The parts share the batch's columns, each with a selection of its own; a part with few of the
/// rows is compacted, so that it does not keep the others' memory busy.
package struct KeySplitter {
    package let columns: [Int]
    package let workers: Int

    /// A part with less than one row in so many is copied together.
    private static let sparseness = 4

    package init(columns: [Int], workers: Int) {
        self.columns = columns
        self.workers = workers
    }

    /// The rows of each worker, in order; a worker without rows has nil.
    package func split(_ batch: Batch) -> [Batch?] {
        guard !columns.isEmpty else {
            // All rows meet on the first worker.
            var parts = [Batch?](repeating: nil, count: workers)
            parts[0] = batch
            return parts
        }
        let hashes = KeyHash.hashes(of: batch, columns: columns)
        var owner = ColumnBuilder(.bool, capacity: hashes.count)
        fillOwners(&owner, hashes, batch.selection)
        let owners = owner.finish(count: hashes.count)
        return (0..<workers).map { worker in
            let selection = pick(worker, owners, batch.selection)
            guard !selection.isEmpty else { return nil }
            var part = batch.selecting(selection)
            part.keyHashes = hashes
            let isSparse = selection.count * Self.sparseness < hashes.count
            return isSparse ? part.compacted() : part
        }
    }

    /// Writes the worker of each row, which is below 256.
    private func fillOwners(
        _ builder: inout ColumnBuilder, _ hashes: Column, _ selection: Selection
    ) {
        var owners = builder.bools
        let values = hashes.int64s
        selection.forEach { row in
            let group = KeyHash.group(of: values[row])
            owners[row] = UInt8(
                truncatingIfNeeded: KeyHash.worker(ofGroup: group, workers: workers))
        }
    }

    private func pick(_ worker: Int, _ owners: Column, _ selection: Selection) -> Selection {
        var builder = SelectionBuilder(capacity: selection.count)
        let owners = owners.bools
        let mine = UInt8(truncatingIfNeeded: worker)
        var count = 0
        var rows = builder.storage
        selection.forEach { row in
            // Writing always and counting only own rows keeps the loop free of branches.
            rows[count] = UInt32(truncatingIfNeeded: row)
            count &+= owners[row] == mine ? 1 : 0
        }
        builder.setCount(count)
        return builder.finish()
    }
}
