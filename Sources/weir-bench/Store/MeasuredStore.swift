/// What every workload asks of a store.
protocol MeasuredStore {
    /// What it is called in results.
    var form: String { get }

    /// Waits for what is under way in the background; gives the bytes of files written so
    /// far, by flushes and by merges.
    func settle() throws -> (flushed: Int, merged: Int)

    /// Writes everything down, and waits; gives the bytes on disk.
    func flush() throws -> Int
}

/// One that never writes: it shows what the rest costs.
protocol MemoryStore: MeasuredStore {}

extension MemoryStore {
    var form: String { "memory" }

    func settle() throws -> (flushed: Int, merged: Int) { (0, 0) }

    func flush() throws -> Int { 0 }
}

/// A workload whose result is wrong, or that cannot be run.
struct StoreFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
