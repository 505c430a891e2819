import Synchronization

/// Tells the first signal from later ones.
final class SignalCount: Sendable {
    private let isUsed = Atomic<Bool>(false)

    /// Whether this is the first call.
    func isFirst() -> Bool { !isUsed.exchange(true, ordering: .relaxed) }
}
