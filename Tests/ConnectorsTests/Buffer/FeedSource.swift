import Dataflow
import Storage
import Synchronization
import TestSupport

/// A source that gives what a test puts into it, and cannot be read again.
final class FeedSource: Source {
    /// What is to be given, shared with the test.
    final class Feed: Sendable {
        private struct State {
            var results: [ReadResult] = []
            var hasEnded = false
            var readCount = 0
        }

        private let state = Mutex(State())
        let waker = Waker()

        /// Puts lines in, as a chunk of a connection.
        func put(
            _ text: String, partition: Int = 0, at offset: Int = 0, _ events: PartitionEvent...
        ) {
            let slice = SlabSlice(text)
            put(
                .chunk(
                    RawChunk(
                        slab: slice.slab, range: slice.range,
                        place: SourcePlace(name: "peer \(partition)", offset: offset),
                        partition: partition, events: events)))
        }

        func put(_ result: ReadResult) {
            state.withLock { $0.results.append(result) }
            waker.wake()
        }

        func end() {
            state.withLock { $0.hasEnded = true }
            waker.wake()
        }

        /// Results that were taken.
        var readCount: Int { state.withLock { $0.readCount } }

        fileprivate func take() -> ReadResult? {
            state.withLock { state in
                guard !state.results.isEmpty else { return state.hasEnded ? .end : nil }
                state.readCount += 1
                return state.results.removeFirst()
            }
        }
    }

    private let feed: Feed

    init(_ feed: Feed) { self.feed = feed }

    var isBounded: Bool { true }

    func open() throws {}

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        if let result = feed.take() { return result }
        if waitMilliseconds > 0 { feed.waker.wait(milliseconds: waitMilliseconds) }
        return feed.take() ?? .nothing
    }

    func interrupt() { feed.waker.wake() }

    func close() {}
}
