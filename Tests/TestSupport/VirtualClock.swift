package import Dataflow
import Synchronization

/// A clock that stands still until it is told to go on; a sleep moves it at once.
package final class VirtualClock: Sendable {
    private let nanoseconds: Atomic<Int64>
    /// The wall clock at the start, in microseconds.
    private let wallStart: Int64
    /// How far the wall clock was set, in microseconds.
    private let wallShift = Atomic<Int64>(0)

    package init(wallMicroseconds: Int64 = 1_700_000_000_000_000) {
        nanoseconds = Atomic(1_000_000_000)
        wallStart = wallMicroseconds
    }

    /// The time that passed since the start, in nanoseconds.
    package var elapsed: Int64 { nanoseconds.load(ordering: .relaxed) - 1_000_000_000 }

    package func advance(nanoseconds step: Int64) {
        nanoseconds.add(step, ordering: .relaxed)
    }

    /// Sets the wall clock forward, or back; the monotonic one does not notice.
    package func setWall(by microseconds: Int64) {
        wallShift.add(microseconds, ordering: .relaxed)
    }

    /// The door for what is tested.
    package var clock: EngineClock {
        EngineClock(
            monotonicNanoseconds: { self.nanoseconds.load(ordering: .relaxed) },
            wallMicroseconds: {
                self.wallStart + self.elapsed / 1000 + self.wallShift.load(ordering: .relaxed)
            },
            sleep: { self.advance(nanoseconds: max($0, 0)) })
    }
}
