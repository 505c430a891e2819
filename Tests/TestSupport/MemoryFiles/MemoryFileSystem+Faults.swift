package import Storage
import Synchronization

/// Faults, and the room on the disk.
extension MemoryFileSystem {
    /// Operations so far that changed something, or were to: the number of the last one.
    package var operationCount: Int { state.withLock { $0.operationCount } }

    /// Reads of files so far, which have numbers of their own.
    package var readCount: Int { state.withLock { $0.readCount } }

    /// Makes the next operation of a kind fail; several wait in line.
    package func inject(_ fault: Fault, on operation: Operation) {
        state.withLock { $0.faults.add(fault, on: operation) }
    }

    /// Makes the operation with a number fail, once.
    package func fail(operation number: Int, with fault: Fault) {
        state.withLock { $0.faults.add(fault, at: number) }
    }

    /// Makes the read with a number fail, once.
    package func fail(read number: Int, with fault: Fault) {
        state.withLock { $0.faults.add(fault, atRead: number) }
    }

    /// Makes operations from one on fail, until `heal()`: a full disk fails what needs room, any
    /// other trouble everything, reads included, unless the operations are given.
    package func failAll(
        from number: Int, with kind: StorageError.Kind, on operations: Set<Operation>? = nil
    ) {
        let isFull = kind == .noSpace || kind == .quotaExceeded
        let operations = operations ?? (isFull ? Operation.growing : Set(Operation.allCases))
        state.withLock { $0.faults.stand(kind, from: number, operations) }
    }

    /// Takes away all faults that have not happened, and the limit of room.
    package func heal() {
        state.withLock { state in
            state.faults.clear()
            state.capacity = nil
        }
    }

    /// Bytes that all files together may have; nil for no limit. A write that goes beyond does
    /// what there is room for, or fails.
    package var capacity: Int? {
        get { state.withLock { $0.capacity } }
        set { state.withLock { $0.capacity = newValue } }
    }

    /// Bytes of all files together, those that are open and have no name included.
    package var usedBytes: Int { state.withLock { $0.usedBytes } }

    /// The most files that were open at once.
    package var openCountMax: Int { state.withLock { $0.openCountMax } }

    /// Files that are open now.
    package var openCount: Int { state.withLock { $0.openCount } }

    /// How many files with such a path were ever made.
    package func createdCount(_ prefix: String) -> Int {
        state.withLock { state in state.created.count { $0.hasPrefix(prefix) } }
    }

    /// From an operation on nothing has room, until so many operations have failed for it.
    package func failAll(from number: Int, with kind: StorageError.Kind, healingAfter count: Int) {
        failAll(from: number, with: kind)
        let failed = Atomic(0)
        observe { [weak self] note in
            guard note.isBefore, note.number >= number, Operation.growing.contains(note.operation)
            else { return }
            if failed.add(1, ordering: .relaxed).newValue == count { self?.heal() }
        }
    }
}
