import Connectors
import Storage

/// Work beside the engine's parts, stepped like one of them.
///
/// What it does may wait for others, so it has its turns when nobody is in the middle of one.
final class SimulatedSide: SideWork, @unchecked Sendable {
    // Sendable: a simulation has one thread.
    let name: String
    private var step: (@Sendable () -> Bool)?
    /// Whether it is in the middle of a step.
    private(set) var isStepping = false
    /// Whether it could do something now.
    var isReady: () -> Bool = { true }
    /// Lets others go on while somebody waits; false where nothing comes of it any more.
    var whileWaiting: () -> Bool = { false }

    init(_ name: String) { self.name = name }

    func start(_ step: @escaping @Sendable () -> Bool) { self.step = step }

    /// Does a step, unless it is in the middle of one.
    func turn() {
        guard let step, !isStepping, isReady() else { return }
        isStepping = true
        if !step() { self.step = nil }
        isStepping = false
    }

    func wait(for waker: Waker, milliseconds: Int) -> Bool {
        // A queue that has nothing to send waits for the next turn.
        guard whileWaiting() else { return false }
        turn()
        return true
    }

    func join() {
        while let step, step() {}
        step = nil
    }

    /// Forgets the work of a process that was killed.
    func forget() { step = nil }
}
