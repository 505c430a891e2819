import Synchronization
import TestSupport
import Testing

@testable import Execution

struct ParkerTests {
    @Test func aWakeBeforeTheSleepIsRemembered() {
        let parker = Parker()
        parker.wake()
        parker.wake()
        parker.park()
    }

    /// Two threads hand a number back and forth; a lost wake would leave both asleep.
    @Test func noWakeIsLost() {
        let (left, right) = (Parker(), Parker())
        let turn = Atomic<Int>(0)
        let rounds = 20_000
        let thread = TestThread {
            for round in 0..<rounds {
                while turn.load(ordering: .acquiring) != 2 * round + 1 { right.park() }
                turn.store(2 * round + 2, ordering: .releasing)
                left.wake()
            }
            return true
        }
        for round in 0..<rounds {
            turn.store(2 * round + 1, ordering: .releasing)
            right.wake()
            while turn.load(ordering: .acquiring) != 2 * round + 2 { left.park() }
        }
        #expect(thread.join() == true)
    }

    /// Many wake one that sleeps until all have been heard.
    @Test func manyCanWakeOne() {
        let parker = Parker()
        let counter = Counter()
        let threads = (0..<4).map { _ in
            TestThread {
                for _ in 0..<5_000 {
                    counter.add()
                    parker.wake()
                }
                return true
            }
        }
        while counter.value < 20_000 { parker.park() }
        #expect(threads.allSatisfy { $0.join() == true })
        #expect(counter.value == 20_000)
    }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    func add() { count.add(1, ordering: .sequentiallyConsistent) }
}
