package import Storage

extension MemoryFileSystem {
    /// What can fail. All that changes something is counted: all but reads, and but opening a file
    /// that is there. Opening a file to empty it counts as truncating it.
    package enum Operation: Sendable, CaseIterable {
        case open, read, write, truncate, sync, rename, unlink, makeDirectories, syncDirectory

        /// What needs room on the disk.
        package static let growing: Set<Operation> = [.open, .write, .makeDirectories]
    }

    /// An operation that is about to happen, or did.
    package struct Note: Sendable, CustomStringConvertible {
        /// Counts from 1.
        package let number: Int
        package let operation: Operation
        package let path: String
        package let isBefore: Bool

        package var description: String {
            "\(isBefore ? "before" : "after") operation \(number), \(operation) \(path)"
        }
    }

    /// How it fails.
    package enum Fault: Sendable {
        /// A read or write does at most so many bytes, at least one; others do not fail.
        case short(Int)
        case error(StorageError.Kind)
    }
}

/// Which operations fail, and how.
struct FaultPlan {
    private typealias Standing = (
        from: Int, kind: StorageError.Kind, operations: Set<MemoryFileSystem.Operation>
    )

    /// Waiting in line for the next operation of their kind.
    private var waiting: [(operation: MemoryFileSystem.Operation, fault: MemoryFileSystem.Fault)] =
        []
    private var numbered: [Int: MemoryFileSystem.Fault] = [:]
    private var standing: Standing?

    mutating func add(
        _ fault: MemoryFileSystem.Fault, on operation: MemoryFileSystem.Operation
    ) {
        waiting.append((operation, fault))
    }

    mutating func add(_ fault: MemoryFileSystem.Fault, at number: Int) {
        numbered[number] = fault
    }

    mutating func stand(
        _ kind: StorageError.Kind, from number: Int,
        _ operations: Set<MemoryFileSystem.Operation>
    ) {
        standing = (number, kind, operations)
    }

    /// Takes all faults away.
    mutating func clear() { self = FaultPlan() }

    /// Takes the fault that stands first in line for an operation.
    mutating func takeWaiting(
        _ operation: MemoryFileSystem.Operation
    ) -> MemoryFileSystem.Fault? {
        guard let index = waiting.firstIndex(where: { $0.operation == operation }) else {
            return nil
        }
        return waiting.remove(at: index).fault
    }

    /// The fault of the operation with a number, if it has one.
    mutating func take(
        _ operation: MemoryFileSystem.Operation, _ number: Int
    ) -> MemoryFileSystem.Fault? {
        if let fault = takeWaiting(operation) { return fault }
        return numbered.removeValue(forKey: number) ?? stands(operation, number)
    }

    /// The fault of something that has no number, and happens before the operation with this one.
    func stands(
        _ operation: MemoryFileSystem.Operation, _ number: Int
    ) -> MemoryFileSystem.Fault? {
        guard let standing, number >= standing.from, standing.operations.contains(operation) else {
            return nil
        }
        return .error(standing.kind)
    }
}
