import Synchronization

/// How far a flush has got: what writers go by, so that they slow down before they have to stop.
final class FlushProgress: Sendable {
    let total: Int
    private let count = Atomic<Int>(0)

    /// A flush of `total` entries.
    init(total: Int) { self.total = total }

    /// Entries that were written.
    var done: Int { count.load(ordering: .relaxed) }

    func add(_ entries: Int) { count.add(entries, ordering: .relaxed) }
}
